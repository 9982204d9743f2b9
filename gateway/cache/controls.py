"""What a request itself says about caching: LiteLLM's `cache` object in its body, or Cache-Control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.errors import ApiError


@dataclass(frozen=True, slots=True)
class Controls:
    """`read` and `write` may be switched off; `ttl_s` is how long to keep, `max_age_s` how old an entry may be.

    `wanted`: where requests are cached only on demand, this one demands it.
    """

    read: bool = True
    write: bool = True
    ttl_s: float | None = None
    max_age_s: float | None = None
    namespace: str = ""
    wanted: bool = False

    @classmethod
    def parse(cls, body: Mapping[str, Any], header: str = "") -> Controls:
        """Reads `cache: {"no-cache", "no-store", "use-cache", "ttl", "s-maxage", "namespace"}`, else `header`, the
        value of Cache-Control (RFC 9111: no-cache, no-store, max-age). Raises ApiError 400."""
        given = body.get("cache")
        if given is None:
            return _of_header(header) if header else _DEFAULT
        if not isinstance(given, dict):
            raise ApiError(400, "invalid_request_error", "'cache' must be an object", param="cache")
        return cls(
            read=not _flag(given, "no-cache"),
            write=not _flag(given, "no-store"),
            ttl_s=_seconds(given, "ttl"),
            max_age_s=_seconds(given, "s-maxage"),
            namespace=str(given.get("namespace") or "")[:_LONGEST],
            wanted=_flag(given, "use-cache"),
        )


_DEFAULT: Final = Controls()
_LONGEST: Final = 200


def _of_header(value: str) -> Controls:
    """What a header says wrongly is passed over, as everywhere in HTTP."""
    directives = dict(part.strip().lower().partition("=")[::2] for part in value.split(","))
    age = directives.get("max-age", directives.get("s-maxage", "")).strip('"')
    max_age_s = float(age) if age.isdecimal() and len(age) < 12 else None
    return Controls("no-cache" not in directives, "no-store" not in directives, max_age_s=max_age_s)


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise ApiError(400, "invalid_request_error", f"'cache.{name}' must be true or false", param="cache")
    return value


def _seconds(given: Mapping[str, Any], name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ApiError(400, "invalid_request_error", f"'cache.{name}' must be a number of seconds", param="cache")
    return float(value)
