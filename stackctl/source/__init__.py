"""Files of others read so that every value still knows its line and column."""

from stackctl.source.node import Node, Placed
from stackctl.source.read import read_json, read_yaml

__all__ = ["Node", "Placed", "read_json", "read_yaml"]
