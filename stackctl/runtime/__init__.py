"""Running a bundle on this machine.

Names are loaded when they are first used: `stackctl render` needs one of them and no HTTP client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackctl.runtime.local import Stopped, down, up
    from stackctl.runtime.parts import Part, parts_of, urls
    from stackctl.runtime.ports import check_ports, is_free
    from stackctl.runtime.status import PartStatus, StackStatus
    from stackctl.runtime.tools import Tool, find_tool, locate_tool, parts_dir

_HOME = {
    "local": ("Stopped", "down", "up"),
    "parts": ("Part", "parts_of", "urls"),
    "ports": ("check_ports", "is_free"),
    "status": ("PartStatus", "StackStatus"),
    "tools": ("Tool", "find_tool", "locate_tool", "parts_dir"),
}

__all__ = [
    "Part",
    "PartStatus",
    "StackStatus",
    "Stopped",
    "Tool",
    "check_ports",
    "down",
    "find_tool",
    "is_free",
    "locate_tool",
    "parts_dir",
    "parts_of",
    "up",
    "urls",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
