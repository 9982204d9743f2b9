"""One service of a Compose file, as far as the doctor asks about it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from stackctl.catalogue.releases import release

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.problem import Position
    from stackctl.source import Node

Role = Literal["gateway", "prometheus", "alertmanager", "grafana", "postgres", "redis", "other"]
_ROLES: tuple[tuple[Role, str], ...] = (
    ("gateway", r"(^|/)(litellm[\w-]*|berriai/.*)$"),
    ("prometheus", r"(^|/)prometheus$"),
    ("alertmanager", r"(^|/)alertmanager$"),
    ("grafana", r"(^|/)grafana(-oss|-enterprise)?$"),
    ("postgres", r"(^|/)(postgres|postgresql|pgvector|timescaledb|postgis)$"),
    ("redis", r"(^|/)(redis|valkey|redis-stack|redis-stack-server|keydb)$"),
)
_VARIABLE = re.compile(r"\$\{(\w+)(?::?[-?+]([^}]*))?\}|\$(\w+)")


@dataclass(frozen=True)
class Value:
    """A text and where it stands. `literal` is False where it comes from the environment of whoever starts it."""

    text: str
    position: Position
    literal: bool = True


@dataclass(frozen=True)
class Port:
    """A published port; an empty `address` is every address of the host."""

    address: str
    published: str
    target: str
    position: Position
    written: str

    @property
    def is_open(self) -> bool:
        return self.published != "" and self.address in ("", "0.0.0.0", "::", "[::]", "*")  # noqa: S104 compared, not bound


@dataclass(frozen=True)
class Mount:
    """What is mounted where."""

    kind: Literal["bind", "volume", "tmpfs"]
    source: str
    target: str
    position: Position


class Service:
    """A service by name; lookups follow `<<` merges."""

    def __init__(self, name: str, node: Node, position: Position) -> None:
        self.name, self.node, self.position = name, node, position

    def get(self, *path: str) -> Node:
        """The value below `path`, merged ones included."""
        direct = self.node.get(*path)
        if direct:
            return direct
        merged = self.node.get("<<")
        parts: tuple[Node, ...] = (merged, *merged)
        return next((part.get(*path) for part in parts if part.get(*path)), direct)

    @cached_property
    def image(self) -> Value:
        node = self.get("image")
        return Value(_resolved(node.text)[0], node.position, "$" not in node.text)

    @property
    def repository(self) -> str:
        """The image without tag and digest."""
        name = self.image.text.split("@")[0]
        head, _, tail = name.rpartition("/")
        return f"{head}/{tail.split(':')[0]}".lstrip("/")

    @property
    def tag(self) -> str:
        tail = self.image.text.split("@")[0].rpartition("/")[2]
        return tail.partition(":")[2]

    @property
    def version(self) -> str:
        """The version in the tag; empty where the tag is none or floats."""
        return self.tag if release(self.tag) else ""

    @cached_property
    def role(self) -> Role:
        for role, pattern in _ROLES:
            if re.search(pattern, self.repository):
                return role
        return "gateway" if "litellm" in self.words else "other"

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Entrypoint and command as words."""
        return tuple(word for key in ("entrypoint", "command") for word in _words(self.get(key)))

    @property
    def command_position(self) -> Position:
        command = self.get("command")
        return command.position if command else self.position

    def option(self, *names: str) -> str:
        """The value of a command-line option, `--name value` or `--name=value`; empty if it is not given."""
        for index, word in enumerate(self.words):
            name, sign, value = word.partition("=")
            if name in names:
                return value if sign else "".join(self.words[index + 1 : index + 2])
        return ""

    @cached_property
    def environment(self) -> dict[str, Value]:
        """Variables with their value, defaults of `${X:-default}` filled in."""
        node = self.get("environment")
        if isinstance(node.data, dict):
            pairs = [(name, value) for name, value in node.items() if name != "<<"]
            merged = node.get("<<")
            pairs += [(name, value) for name, value in merged.items() if name not in node.data]
            found = {name: (value.text, value.position) for name, value in pairs}
        else:
            found = {item.text.partition("=")[0]: (item.text.partition("=")[2], item.position) for item in node}
        return {name: Value(*_resolved_at(text, position)) for name, (text, position) in found.items()}

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        return tuple(_port(item) for item in self.get("ports"))

    @cached_property
    def mounts(self) -> tuple[Mount, ...]:
        return (*_volumes(self.get("volumes")), *_tmpfs(self.get("tmpfs")))

    @property
    def replicas(self) -> int:
        for node in (self.get("deploy", "replicas"), self.get("scale")):
            if node.text.isdigit():
                return int(node.text)
        return 1

    @property
    def read_only(self) -> bool:
        return self.get("read_only").data is True

    @property
    def healthcheck(self) -> Value:
        node = self.get("healthcheck", "test")
        return Value(" ".join(_words(node)), node.position)

    def mount_of(self, path: str) -> Mount | None:
        """The mount that holds `path`, the deepest one."""
        holding = [
            each for each in self.mounts if path == each.target or path.startswith(each.target.rstrip("/") + "/")
        ]
        return max(holding, key=lambda each: len(each.target), default=None)


def _words(node: Node) -> list[str]:
    if isinstance(node.data, list):
        return [item.text for item in node]
    try:
        return shlex.split(node.text)
    except ValueError:
        return node.text.split()


def _resolved(text: str) -> tuple[str, bool]:
    """A value with defaults filled in, and whether nothing of it comes from outside."""
    literal = not _VARIABLE.search(text)
    return _VARIABLE.sub(lambda match: match[2] or "", text), literal


def _resolved_at(text: str, position: Position) -> tuple[str, Position, bool]:
    resolved, literal = _resolved(text)
    # A default is in the file for everybody to read, so it counts as written there.
    return resolved, position, literal or bool(resolved)


def _port(node: Node) -> Port:
    if isinstance(node.data, dict):
        text = {key: node.get(key).text for key in ("host_ip", "published", "target")}
        return Port(text["host_ip"], text["published"], text["target"], node.position, text["published"])
    written = _resolved(node.text)[0].partition("/")[0]
    address, _, rest = written.rpartition("]:") if written.startswith("[") else ("", "", written)
    pieces = rest.split(":")
    target = pieces[-1]
    published = pieces[-2] if len(pieces) > 1 else ""
    address = address.lstrip("[") or (pieces[0] if len(pieces) > 2 else "")
    return Port(address, published, target, node.position, node.text)


def _volumes(node: Node) -> Iterator[Mount]:
    for item in node:
        if isinstance(item.data, dict):
            kind = item.get("type").text or "volume"
            chosen: Literal["bind", "volume", "tmpfs"] = (
                "tmpfs" if kind == "tmpfs" else "bind" if kind == "bind" else "volume"
            )
            yield Mount(chosen, item.get("source").text, item.get("target").text, item.position)
        else:
            pieces = _resolved(item.text)[0].split(":")
            source, target = (pieces[0], pieces[1]) if len(pieces) > 1 else ("", pieces[0])
            yield Mount("bind" if source.startswith((".", "/", "~")) else "volume", source, target, item.position)


def _tmpfs(node: Node) -> Iterator[Mount]:
    for item in node if isinstance(node.data, list) else (node,):
        if item.text:
            yield Mount("tmpfs", "", item.text.partition(":")[0], item.position)
