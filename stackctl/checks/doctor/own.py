"""The doctor for a stack of our own: its bundle by the same checks, its parts as they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackctl.checks.doctor.deployment import Deployment, read_deployment
from stackctl.checks.doctor.disk_space import examine_disks
from stackctl.checks.doctor.finding import Finding, found
from stackctl.checks.doctor.live import PART_UNHEALTHY, Endpoints, examine_running
from stackctl.checks.doctor.registry import examine_deployment
from stackctl.checks.doctor.stored import stored_by
from stackctl.checks.secrets import secret_references
from stackctl.errors import StackctlError, UsageError
from stackctl.images.cosign import cosign_here
from stackctl.problem import Position
from stackctl.runtime.base import runtime_of
from stackctl.spec import Secret
from stackctl.spec.quantity import byte_count

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.checks.report import Report
    from stackctl.proof.endpoints import Endpoints as ProofEndpoints
    from stackctl.runtime.status import StackStatus
    from stackctl.spec import Spec, SpecFile
    from stackctl.stack import StackDir


def examine_bundle(stack: StackDir, spec: Spec, report: Report) -> list[Finding]:
    """The rendered Compose, LiteLLM and Prometheus files, as if somebody else had written them."""
    files = {
        "compose": stack.bundle / "compose" / "compose.yaml",
        "config": stack.bundle / "litellm" / "config.yaml",
        "prometheus": stack.bundle / "prometheus" / "prometheus.yml",
        "alertmanager": stack.bundle / "alertmanager" / "alertmanager.yml",
    }
    there = {name: path for name, path in files.items() if path.is_file()}
    if not there:
        report.skip(str(stack.bundle), "nothing is rendered yet: run `stackctl render`")
        return []
    read = read_deployment(**there)
    # The rules were judged with the spec at hand already, which knows more than the files.
    deployment = Deployment(read.compose, read.config, read.prometheus, read.alertmanager, engine=spec.gateway.engine)
    findings = examine_deployment(deployment)
    report.add(f"{len(there)} rendered files", "stackctl", [finding.problem for finding in findings])
    return findings


def examine_verifier(spec: Spec, report: Report) -> None:
    """Whether this machine could verify the stack's images; without cosign, how to get it."""
    if spec.runtime != "compose" and not spec.images.references:
        return
    cosign, remark = cosign_here()
    if cosign is None:
        report.skip("image signatures", remark)
    else:
        report.add(f"image signatures: {remark or 'can be verified'}", cosign, [])


def examine_parts(stack: StackDir, spec: Spec, endpoints: ProofEndpoints, report: Report) -> list[Finding]:
    """The health of every part, and what the running ones say; a stack that does not run is not asked."""
    state = _state(stack, spec, report)
    if state is None:
        return []
    findings = [
        found(PART_UNHEALTHY, f"{part.name} is not healthy", Position(part.url or part.name), evidence=part.reason)
        for part in state.parts
        if not part.healthy
    ]
    report.add(f"{len(state.parts)} parts", "stackctl", [finding.problem for finding in findings])
    token = endpoints.metrics_token or (endpoints.master_key if spec.gateway.engine == "litellm" else "")
    asked = Endpoints(endpoints.gateway, endpoints.prometheus, endpoints.alertmanager, token)
    return findings + examine_running(asked, report)


def examine_room(stack: StackDir, spec: Spec, endpoints: ProofEndpoints, report: Report) -> list[Finding]:
    """The disks under the stack's data; a local stack's can be measured while it is down, too."""
    try:
        directories = runtime_of(stack, spec).data_directories()
    except StackctlError as error:
        report.skip("disk space", error.message)
        return []
    return examine_disks(
        directories, stored_by(endpoints.prometheus, byte_count(spec.prometheus.retention_size)), report
    )


def known_secrets(source: SpecFile, stack: StackDir) -> list[str]:
    """Every secret value of the stack that can be read, to take out of what leaves the house."""
    values = [path.read_text(encoding="utf-8", errors="replace").strip() for path in _files(stack)]
    for _, reference in secret_references(source):
        try:
            values.append(Secret(reference, stack.root).read())
        except UsageError:
            continue
    return [value for value in values if value]


def _state(stack: StackDir, spec: Spec, report: Report) -> StackStatus | None:
    try:
        state = runtime_of(stack, spec).status()
    except StackctlError as error:
        report.skip("the running parts", error.message)
        return None
    if state.state == "stopped":
        report.skip("the running parts", "the stack does not run")
        return None
    return state


def _files(stack: StackDir) -> list[Path]:
    places = (stack.secrets, stack.state / "compose" / "secrets")
    return [path for place in places if place.is_dir() for path in place.rglob("*") if path.is_file()]
