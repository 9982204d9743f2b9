"""Durations and sizes as Prometheus writes them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler
from pydantic_core import core_schema

_UNITS_MS = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_SIZE = re.compile(r"(\d+)(B|KB|MB|GB|TB)")


class Duration:
    """A length of time in Prometheus' notation (`15s`, `1h30m`, `7d`); keeps the text it came from.

    Source of the grammar: Prometheus, "Configuration", `<duration>`.
    """

    __slots__ = ("milliseconds", "text")

    def __init__(self, text: str) -> None:
        match = _DURATION.fullmatch(text)
        if not text or (text != "0" and not match):
            raise ValueError(f"'{text}' is not a duration: write it like 15s, 5m or 7d")
        self.text = "0s" if text == "0" else text
        groups = match.groups() if match else ()
        self.milliseconds = sum(
            int(value) * _UNITS_MS[unit] for value, unit in zip(groups, _UNITS_MS, strict=False) if value
        )

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Duration({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and other.milliseconds == self.milliseconds

    def __hash__(self) -> int:
        return hash(self.milliseconds)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._parse, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_DURATION.pattern}$", "examples": ["15s", "5m", "7d"]}

    @classmethod
    def _parse(cls, value: Any) -> Duration:
        if isinstance(value, Duration):
            return value
        if not isinstance(value, str):
            raise ValueError(f"{value!r} has no unit: write it like 15s, 5m or 7d")
        return cls(value)


def byte_count(size: str) -> int:
    """The bytes of a checked size; units are powers of 1024, as in Prometheus."""
    match = _SIZE.fullmatch(size)
    if match is None:
        raise ValueError(f"{size!r} is not a size")
    power: int = ("B", "KB", "MB", "GB", "TB").index(match[2])
    return int(match[1]) << (10 * power)


def size_text(count: int) -> str:
    """Bytes for people: 0 B, 1.5 GiB."""
    power = min((max(count, 1).bit_length() - 1) // 10, 4)
    return f"{count / (1 << 10 * power):.{1 if power else 0}f} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"


def check_size(value: str) -> str:
    """A size in Prometheus' notation, such as `2GB`; raises ValueError otherwise."""
    if not isinstance(value, str) or not _SIZE.fullmatch(value):
        raise ValueError(f"{value!r} is not a size: write it like 512MB or 2GB")
    return value


Size = Annotated[str, AfterValidator(check_size)]
