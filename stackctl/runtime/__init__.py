"""Running a bundle on this machine."""

from stackctl.runtime.local import Stopped, down, up
from stackctl.runtime.logs import logs
from stackctl.runtime.parts import Part, parts_of, urls
from stackctl.runtime.ports import check_ports, is_free
from stackctl.runtime.status import PartStatus, StackStatus, status
from stackctl.runtime.tools import Tool, find_tool, locate_tool, parts_dir

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
    "logs",
    "parts_dir",
    "parts_of",
    "status",
    "up",
    "urls",
]
