"""The blocking client: what the CLI uses, and what cleans up when a proof is interrupted."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from stackctl.client import calls, faults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.client.answers import KeyInfo, NewKey, Team
    from stackctl.client.calls import Call

T = TypeVar("T")


class GatewayClient:
    """Calls the admin API with the master key.

    Every method raises UnavailableError when the gateway cannot be reached or fails, and StackctlError when it
    refuses; neither ever holds a key.
    """

    def __init__(self, url: str, master_key: str, *, timeout: float = 10.0, acting_for: str = "") -> None:
        """`acting_for` is who the gateway's log of changes shall name."""
        self.url = url.rstrip("/")
        who = {"litellm-changed-by": acting_for} if acting_for else {}
        # trust_env: a proxy for the internet has no business between a stack and its own gateway
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {master_key}", **who},
            timeout=timeout,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Any call of `stackctl.client.calls`."""
        try:
            answer = self._http.request(call.method, call.path, json=call.body, params=call.params)
        except httpx.HTTPError as error:
            raise faults.unreachable(self.url, error) from None
        result: T = faults.read(self.url, call, answer)
        return result

    def check_alive(self) -> None:
        """Raises UnavailableError if the gateway does not answer."""
        self.send(calls.alive())

    def models(self) -> list[str]:
        return self.send(calls.models())

    def new_team(self, alias: str, *, team_id: str | None = None, max_budget: float | None = None) -> Team:
        return self.send(calls.new_team(alias, team_id=team_id, max_budget=max_budget))

    def list_teams(self) -> list[Team]:
        return self.send(calls.list_teams())

    def delete_teams(self, team_ids: Sequence[str]) -> None:
        self.send(calls.delete_teams(team_ids))

    def generate_key(
        self,
        alias: str,
        *,
        team_id: str | None = None,
        models: Sequence[str] = (),
        max_budget: float | None = None,
        **fields: Any,
    ) -> NewKey:
        """A new virtual key; `max_budget` in USD, limits per minute, no `models` means every listed one."""
        return self.send(calls.generate_key(alias, team_id=team_id, models=models, max_budget=max_budget, **fields))

    def list_keys(self) -> list[KeyInfo]:
        """All of them, page by page."""
        found: list[KeyInfo] = []
        for page in count(1):
            found += (keys := self.send(calls.list_keys(page)))
            if len(keys) < calls.KEYS_PER_PAGE:
                break
        return found

    def key_info(self, key: str) -> KeyInfo:
        return self.send(calls.key_info(key))

    def delete_keys(self, *, aliases: Sequence[str] = (), keys: Sequence[str] = ()) -> None:
        self.send(calls.delete_keys(aliases=aliases, keys=keys))
