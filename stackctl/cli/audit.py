"""audit: who changed what, which keys nobody should have, and that no content is stored."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackctl.cli.options import HERE, Directory, Json, Url
from stackctl.cli.output import command
from stackctl.result import Exit, Result

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import RenderableType

    from stackctl.audit import KeyFinding
    from stackctl.client import GatewayClient
    from stackctl.problem import Problem

_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")


@command("audit")
def audit(
    stale_after: Annotated[str, typer.Option(help="A key that was not used for this long is stale.")] = "90d",
    changes: Annotated[int, typer.Option(help="How many changes to show, newest first.", min=0, max=1000)] = 50,
    directory: Directory = HERE,
    url: Url = "",
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Who changed which key or budget, and when; unapproved, stale and over-privileged keys; what is stored."""
    from datetime import UTC, datetime, timedelta

    from stackctl import audit as rules
    from stackctl.cli.connect import connect
    from stackctl.client import calls
    from stackctl.errors import UsageError
    from stackctl.spec import Duration

    try:
        idle = timedelta(seconds=Duration(stale_after).seconds)
    except ValueError as error:
        raise UsageError(f"--stale-after: {error}") from None
    with connect(directory, url) as gateway:
        keys = gateway.list_keys()
        found = rules.examine(keys, gateway.list_teams(), declared_keys(directory, url), idle, datetime.now(UTC))
        log, no_log = _if_there(gateway, calls.changes(changes)) if changes else ([], "")
        storage, no_storage = _if_there(gateway, calls.storage())
    data = {
        "keys": len(keys),
        "findings": [finding.as_json() for finding in found],
        "changes": log,
        "storage": storage,
        "not_told": [reason for reason in (no_log, no_storage) if reason],
    }
    problems = [*_problems(found), *_content_problems(storage)]
    return Result(data, problems=problems, exit_code=Exit.NO if problems else Exit.YES, view=_view)


def declared_keys(directory: Path, url: str) -> set[str]:
    """The keys that the stack's spec declares; none for a gateway by URL."""
    if url:
        return set()
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    return {key.name for key in load_spec(StackDir(directory.resolve()).spec).spec.keys}


def _if_there(gateway: GatewayClient, call: Any) -> tuple[Any, str]:
    """The answer, or None and why: LiteLLM shows its log of changes with a licence only, and its storage never."""
    from stackctl.errors import StackctlError

    try:
        return gateway.send(call), ""
    except StackctlError as error:
        return None, error.message


def _problems(found: list[KeyFinding]) -> Iterable[Problem]:
    from stackctl.problem import Problem, Severity

    for finding in found:
        if finding.unapproved:
            remedy = f"`stackctl keys approve {finding.alias}`, or `stackctl keys block {finding.alias}`"
            yield Problem("key-unapproved", f"nobody approved the key {finding.alias}", remedy=remedy)
        if finding.idle_days is not None:
            text = f"the key {finding.alias} was not used for {finding.idle_days} days"
            remedy = f"`stackctl keys delete {finding.alias}`"
            yield Problem("key-stale", text, severity=Severity.WARNING, remedy=remedy)
        if finding.over_privileged:
            text = f"the key {finding.alias} {', '.join(finding.over_privileged)}"
            remedy = f"`stackctl keys update {finding.alias} --budget USD --model NAME`"
            yield Problem("key-over-privileged", text, severity=Severity.WARNING, remedy=remedy)


def _content_problems(storage: dict[str, Any] | None) -> Iterable[Problem]:
    from stackctl.problem import Problem

    for column in (storage or {}).get("suspicious", []):
        text = f"{column['table']}.{column['column']} holds a text of {column['longest_text']} characters"
        yield Problem("content-stored", text, remedy="look at it: it may be a prompt or an answer")


def _view(data: dict[str, Any]) -> Iterable[RenderableType]:
    from rich.table import Table

    for reason in data["not_told"]:
        yield f"not told: {reason}"
    if data["changes"]:
        table = Table("when", "who", "what", "whom", "change", box=None, pad_edge=False)
        for change in data["changes"]:
            # To the second, and hashes by their beginning: all of both is in --json.
            when, text = f"{change['when'][:19]}Z", _HASH.sub(r"\1…", change["text"])
            table.add_row(when, change["who"], change["what"], change["whom"], text)
        yield table
    wrong = len(data["findings"])
    yield f"keys: {data['keys']}, of which {wrong} to look at"
    storage = data["storage"]
    if storage is None:
        return
    texts = [c for c in storage["columns"] if c["table"] == "ledger" and c["longest_text"]]
    longest = max(texts, key=lambda c: int(c["longest_text"]), default=None)
    told = f"; the longest text is {longest['longest_text']} characters of {longest['column']}" if longest else ""
    columns = sum(c["table"] == "ledger" for c in storage["columns"])
    yield f"content: none of the ledger's {columns} columns is for prompts or answers{told}"
