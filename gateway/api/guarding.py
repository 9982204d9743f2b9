"""The loop guard at the door: who repeats itself is counted, slowed down or shut out."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from gateway.api.outcome import Outcome
from gateway.errors import ApiError
from gateway.guard import Action, GuardPolicy, Reason, Watch
from gateway.limits import Pass
from gateway.metrics.recorder import Recorder
from gateway.providers import Request
from gateway.routing import Router

_log: Final = logging.getLogger("gateway.worker")
_SAYS: Final = {
    Reason.REPEATS: "keeps sending nearly the same request",
    Reason.GROWTH: "sends one conversation again and again, and it only grows",
}


class Guard:
    """Bound to one worker. `block` blocks a key as /key/block does, and raises nothing."""

    def __init__(
        self, policy: GuardPolicy, router: Router, recorder: Recorder, block: Callable[[str], Coroutine[Any, Any, None]]
    ) -> None:
        self._policy = policy
        self._watch = Watch(policy)
        self._router = router
        self._recorder = recorder
        self._block = block
        self._blocking: dict[str, asyncio.Task[None]] = {}

    def examine(self, outcome: Outcome, request: Request) -> None:
        """Raises ApiError 429 or 403 for a request that belongs to a loop, if the policy says so."""
        key, model = outcome.key, self._router.models.get(outcome.model)
        # Hidden models are for proofs, which repeat themselves on purpose.
        if key is None or model is None or model.hidden:
            return
        reason = self._watch.examine(key.hash, request.body, request.raw_size, time.monotonic())
        if reason is None:
            return
        action = self._policy.action
        self._recorder.count("litellm_loop_guard_total", 1.0, key.alias, key.team, action.value)
        if action is Action.OBSERVE:
            return
        message = f"Key {key.alias} looks like a loop: it {_SAYS[reason]}"
        if action is Action.THROTTLE:
            wait = math.ceil(self._policy.window_s)
            headers = ((b"retry-after", b"%d" % wait),)
            raise ApiError(
                429, "rate_limit_exceeded", f"{message}. Wait {wait} s", code="loop_detected", headers=headers
            )
        self._shut_out(key, reason)
        message = f"{message} and is blocked until somebody unblocks it"
        raise ApiError(403, "permission_error", message, code="loop_detected")

    def forget(self, key_hash: str) -> None:
        """A key was changed or unblocked: it starts anew."""
        self._watch.forget(key_hash)

    def _shut_out(self, key: Pass, reason: Reason) -> None:
        if key.hash in self._blocking:
            return
        _log.warning("the loop guard blocks key %s: it %s", key.alias, _SAYS[reason])
        task = self._blocking[key.hash] = asyncio.create_task(self._block(key.hash))
        task.add_done_callback(lambda _: self._blocking.pop(key.hash, None))
