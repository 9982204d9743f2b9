"""Verification reports as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType


def single(data: dict[str, Any]) -> Iterable[RenderableType]:
    """One image: the line, then what was and what was not checked. A failure's line is its problem's."""
    from rich.text import Text

    (report,) = data["images"]
    if report["exit_code"] == 0:
        yield Text(report["line"])
    if report["verifier"]:
        yield Text(f"  verifier     {report['verifier']}")
    for fact in report["checked"]:
        yield Text(f"  checked      {fact}")
    for fact in report["not_checked"]:
        yield Text(f"  NOT checked  {fact}")
    if report["pinned"]:
        yield Text("  pinned in stack.lock")


def several(data: dict[str, Any]) -> Iterable[RenderableType]:
    """Many images: one row each."""
    from rich.table import Table
    from rich.text import Text

    table = Table("part", "image", "outcome", "digest", "signed by", "NOT checked", box=None, pad_edge=False)
    for report in data["images"]:
        outcome = Text(report["outcome"], "green" if report["exit_code"] == 0 else "red")
        unchecked = "; ".join(fact.partition(":")[0] for fact in report["not_checked"])
        table.add_row(
            report["part"],
            report["image"],
            outcome,
            report["digest"][:19] or "-",
            f"{report['policy']}/{report['signer']}" if report["signer"] else "-",
            unchecked or "-",
        )
    yield table
