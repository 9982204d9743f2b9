"""Reading many ledger rows: the admin API gives at most so many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.client import calls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from stackctl.client.answers import SpendRow
    from stackctl.client.gateway import GatewayClient


def ledger_rows(gateway: GatewayClient, start: datetime, end: datetime) -> Iterator[SpendRow]:
    """Every row that started in the span, newest first, each once.

    Asks again for what is older than the oldest row seen until nothing new comes, whatever the gateway's page size.
    """
    seen: set[str] = set()
    while True:
        new = [row for row in gateway.send(calls.spend_logs(start, end)) if row.request_id not in seen]
        if not new:
            return
        yield from new
        seen.update(row.request_id for row in new)
        end = min(row.started for row in new)
        # Rows of the same instant may have been cut off: ask for that instant again, `seen` drops the known ones.
        end = end.replace(microsecond=min(end.microsecond + 1, 999_999))
