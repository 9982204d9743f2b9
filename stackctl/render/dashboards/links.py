"""Links between dashboards; range and chosen variables travel along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.render.dashboards.grafana import Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TAG = "stackctl"


def sibling_links() -> list[Link]:
    """The bar of links to every dashboard that carries the tag."""
    return [_link("stackctl", "dashboards", (TAG,), "The other dashboards of this stack")]


def panel_links(uids: Iterable[str], titles: Mapping[str, str]) -> list[Link]:
    """One link per dashboard that tells more about a panel; raises KeyError for a uid that no dashboard has."""
    return [_link(titles[uid], "link", (), f"More in {titles[uid]}", dashboard_path(uid)) for uid in uids]


def dashboard_path(uid: str) -> str:
    """A dashboard's address below Grafana's root, with the range and the variables of the one it is opened from."""
    return f"/d/{uid}?${{__url_time_range}}&${{__all_variables}}"


def _link(title: str, kind: str, tags: tuple[str, ...], tooltip: str, url: str | None = None) -> Link:
    return Link(
        title=title,
        type_=kind,
        icon="external link",
        tooltip=tooltip,
        tags=tags,
        as_dropdown=False,
        target_blank=False,
        include_vars=True,
        keep_time=True,
        url=url,
    )
