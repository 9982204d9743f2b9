"""Where a stack that stackctl runs is to be proven."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from stackctl.errors import UsageError
from stackctl.proof.endpoints import Endpoints
from stackctl.render.gateway import MASTER_KEY_FILE
from stackctl.render.places import internal_address
from stackctl.runtime.compose.parts import published_parts
from stackctl.runtime.parts import parts_of
from stackctl.spec import Secret

if TYPE_CHECKING:
    from stackctl.runtime.parts import Part
    from stackctl.spec import Spec
    from stackctl.stack import StackDir


def endpoints_of(stack: StackDir, spec: Spec, *, to_slack: bool = False) -> Endpoints:
    """The stack's own addresses and credentials; raises UsageError if the spec has no real receiver to test."""
    if to_slack and spec.alerts.receivers.slack is None:
        raise UsageError("the spec has no Slack receiver", remedy="add alerts.receivers.slack, or leave out --to-slack")
    token = spec.gateway.metrics.token
    parts = {part.name: _with_password(part) for part in _parts(stack, spec)}
    return Endpoints(
        gateway=parts["gateway"],
        prometheus=parts["prometheus"],
        alertmanager=parts["alertmanager"],
        inbox=parts["inbox"],
        master_key=Secret(f"file:{MASTER_KEY_FILE}", stack.root).read(),
        metrics_token=Secret(token, stack.root).read() if token else "",
        receiver="slack" if to_slack else "inbox",
        admin="" if spec.gateway.admin_port is None else f"http://127.0.0.1:{spec.gateway.admin_port}",
        scraped_as=f"http://{internal_address(spec, 'gateway')}",
    )


def _parts(stack: StackDir, spec: Spec) -> tuple[Part, ...]:
    return published_parts(spec, stack.root) if spec.runtime == "compose" else parts_of(spec)


def _with_password(part: Part) -> str:
    return part.url.replace("://", f"://admin:{quote(part.password, safe='')}@", 1) if part.password else part.url
