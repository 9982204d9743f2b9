"""How a failed call becomes one line, without the key that was sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx

from stackctl.errors import StackctlError, UnavailableError, UsageError

if TYPE_CHECKING:
    from stackctl.client.calls import Call

_KEY = re.compile(r"sk-[A-Za-z0-9_-]{4,}")
_NUMBER = re.compile(r"^\[Errno -?\d+\] ")
_LONGEST = 300


def unreachable(url: str, error: httpx.HTTPError) -> UnavailableError:
    """The gateway could not be reached, or did not answer in time."""
    said = _NUMBER.sub("", str(error)) or repr(error)
    reason = "no answer in time" if isinstance(error, httpx.TimeoutException) else scrub(said)
    return UnavailableError(
        f"the gateway does not answer at {url}: {reason}",
        remedy="is the stack running? `stackctl status` tells",
    )


def read(url: str, call: Call[Any], answer: httpx.Response) -> Any:
    """The JSON of a good answer; raises UsageError (400), StackctlError (refusals) or UnavailableError (5xx) otherwise."""
    if answer.status_code in (401, 403):
        raise StackctlError(
            f"the gateway at {url} refused the master key ({answer.status_code} to {call.method} {call.path})",
            remedy="check the master key in the stack's secrets directory",
        )
    if answer.status_code == httpx.codes.BAD_REQUEST:
        raise UsageError(f"the gateway at {url} refuses {call.method} {call.path}: {reason_of(answer)}")
    if answer.is_error:
        kind = UnavailableError if answer.is_server_error else StackctlError
        raise kind(
            f"the gateway at {url} answered {answer.status_code} to {call.method} {call.path}: {reason_of(answer)}"
        )
    try:
        return call.parse(answer.json()) if answer.content else call.parse(None)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StackctlError(
            f"the gateway at {url} answered {call.method} {call.path} with something else than expected",
            remedy="is another program listening on this port?",
        ) from error


def reason_of(answer: httpx.Response) -> str:
    """The error text of an OpenAI-shaped, FastAPI-shaped or plain answer, in one line."""
    try:
        body = answer.json()
    except ValueError:
        body = answer.text
    for name in ("error", "detail", "message"):
        if isinstance(body, dict) and body.get(name):
            body = body[name]
    return scrub(" ".join(str(body).split()) or answer.reason_phrase)


def scrub(text: str) -> str:
    """`text` without anything that looks like a key, cut to a length fit for a line."""
    return _KEY.sub("sk-…", text)[:_LONGEST]
