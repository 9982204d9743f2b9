"""How a proof looks: a table of hops that fills while it runs, plain lines off a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from stackctl.cli.output import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.proof import Event, OnUpdate, Proof

_MARKS = {"planned": ("·", "dim"), "waiting": ("…", "yellow"), "done": ("✓", "green"), "failed": ("✗", "red")}


def proof_table(data: dict[str, Any]) -> Table:
    """Hops down, alerts across; each cell is the state of a hop and its seconds."""
    table = Table("hop", box=None, pad_edge=False)
    for alert in data["alerts"]:
        table.add_column(alert["alert"])
    titles: dict[str, str] = {}
    for alert in data["alerts"]:
        titles |= {hop["name"]: hop["title"] for hop in alert["hops"]}
    for name, title in titles.items():
        table.add_row(title, *(_cell(alert, name) for alert in data["alerts"]))
    table.add_row("from crossing to delivery", *(_delivery(alert) for alert in data["alerts"]))
    return table


def _cell(alert: dict[str, Any], name: str) -> Text:
    hop = next((hop for hop in alert["hops"] if hop["name"] == name), None)
    if hop is None:
        return Text("-", "dim")
    mark, style = _MARKS[hop["state"]]
    seconds = hop["seconds"]
    return Text(mark if seconds is None else f"{mark} {seconds:.2f} s", style)


def _delivery(alert: dict[str, Any]) -> Text:
    if alert["delivery_seconds"] is None:
        return Text("-", "dim")
    text = f"{alert['delivery_seconds']:.1f} s (bound {alert['bound_seconds']:.0f} s)"
    return Text(text, "bold green" if alert["within_bound"] else "bold red")


@contextmanager
def watcher(*, silent: bool) -> Iterator[OnUpdate]:
    """What to hand to a proof as `on_update`; it draws on stderr."""
    screen = console(stderr=True)
    if silent:
        yield lambda _proof, _event: None
    elif screen.is_terminal:
        with Live(console=screen, refresh_per_second=8, transient=True) as live:
            yield lambda proof, _event: live.update(_progress_table(proof))
    else:
        yield _tell_line


def _progress_table(proof: Proof) -> Table:
    return proof_table(proof.as_json())


def _tell_line(_proof: Proof, event: Event) -> None:
    line = _line(event)
    if line:
        console(stderr=True).print(line, markup=False)


def _line(event: Event) -> str:
    if event.kind == "hop" and event.alert and event.hop:
        if event.hop.seconds is None:
            return ""
        mark = _MARKS[str(event.hop.state)][0]
        return f"{mark} {event.alert.name}: {event.hop.title} ({event.hop.seconds:.2f} s)"
    if event.kind == "alert" and event.alert:
        return f"= {event.alert.name}: {event.text}"
    return event.text if event.kind in ("planned", "note") else ""
