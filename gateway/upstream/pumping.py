"""Waiting while a body is pushed."""

from __future__ import annotations

from collections.abc import Callable

from gateway.upstream.body import Body


async def pump(body: Body, take: Callable[[bytes], bool]) -> bool:
    """Whether all of a body was given to `take`. Raises what ended the body before its end."""
    if body.push_to(take):
        return False
    try:
        await body.pushed()
    finally:
        body.push_no_more()
    return body.is_whole()
