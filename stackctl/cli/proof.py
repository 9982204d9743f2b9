"""validate and alerts test: prove the delivery of alerts, and draw each hop as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackctl.cli.options import HERE, Directory, Json
from stackctl.cli.output import command
from stackctl.result import Result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stackctl.proof import Options
    from stackctl.proof.endpoints import Endpoints

_NO_CANARY = "LiteLLM has no canary model whose price and failures a test could choose"
ToSlack = Annotated[
    bool, typer.Option("--to-slack", help="Send the test alerts to the real receiver, not to the inbox.")
]


@command("validate")
def validate(
    directory: Directory = HERE,
    to_slack: ToSlack = False,
    gateway: Annotated[str, typer.Option(help="The gateway's URL: prove a stack that somebody else started.")] = "",
    prometheus: Annotated[str, typer.Option(help="Prometheus' URL, with user:password@ where it asks for one.")] = "",
    alertmanager: Annotated[str, typer.Option(help="Alertmanager's URL.")] = "",
    inbox: Annotated[
        str, typer.Option(help="The inbox's URL; without it Alertmanager's own counters tell of the delivery.")
    ] = "",
    master_key: Annotated[str, typer.Option(help="The gateway's master key, as env:NAME or file:path.")] = "",
    metrics_token: Annotated[str, typer.Option(help="What /metrics demands, as env:NAME or file:path.")] = "",
    scraped_as: Annotated[str, typer.Option(help="The gateway's URL as Prometheus scrapes it, if another.")] = "",
    alert: Annotated[list[str] | None, typer.Option(help="Alerts to prove; the spend alerts by default.")] = None,
    json_output: Json = False,
) -> Result:
    """Spend test money until the budget alerts fire, and follow each of them to the receiver and back.

    With --gateway, --prometheus and --alertmanager, the stack may be anybody's that serves the same admin API; only
    the evidence is written to -C.
    """
    from stackctl.proof import SPEND_ALERTS
    from stackctl.proof.foreign import Given, endpoints_given

    given = Given(gateway, prometheus, alertmanager, inbox, master_key, metrics_token, scraped_as)
    names = alert or list(SPEND_ALERTS)
    if given.is_empty:
        return _prove(directory, names, to_slack=to_slack, as_json=json_output)
    from stackctl.proof import Options
    from stackctl.stack import StackDir

    stack = StackDir(directory.resolve())
    return _shown(endpoints_given(given, stack.root), names, Options(proofs=stack.proofs), as_json=json_output)


@command("alerts test")
def prove_named(
    names: Annotated[list[str], typer.Argument(help="Alerts to prove; see `stackctl alerts list`.")],
    directory: Directory = HERE,
    to_slack: ToSlack = False,
    json_output: Json = False,
) -> Result:
    """Provoke single alerts through the front door and follow them to the receiver and back."""
    return _prove(directory, names, to_slack=to_slack, as_json=json_output)


def _prove(directory: Path, names: Sequence[str], *, to_slack: bool, as_json: bool) -> Result:
    from stackctl.catalogue.alerts import require_names
    from stackctl.catalogue.rules import resolve_alerts
    from stackctl.proof import Options
    from stackctl.proof.of_stack import endpoints_of
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    stack = StackDir(directory.resolve())
    source = load_spec(stack.spec)
    alerts = resolve_alerts(source)
    require_names(names, alerts)
    options = Options(
        proofs=stack.proofs,
        stack=source.spec.name,
        budget_usd=source.spec.proof.budget_usd,
        thresholds={alert.name: alert.threshold for alert in alerts if alert.threshold is not None},
        only_inject=_NO_CANARY if source.spec.gateway.engine == "litellm" else "",
    )
    endpoints = endpoints_of(stack, source.spec, to_slack=to_slack)
    return _shown(endpoints, names, options, as_json=as_json)


def _shown(endpoints: Endpoints, names: Sequence[str], options: Options, *, as_json: bool) -> Result:
    from stackctl.cli.proof_view import watcher
    from stackctl.proof import as_result, prove_alerts

    with watcher(silent=as_json) as watch:
        result = as_result(prove_alerts(endpoints, names, options, watch))
    result.view = _view
    return result


def _view(data: dict[str, Any]) -> list[Any]:
    from stackctl.cli.proof_view import proof_table

    mark = "proven" if data["ok"] else "NOT proven"
    lines: list[Any] = [proof_table(data), f"{mark}: {data['verdict']}"]
    return [*lines, f"evidence: {data['evidence_file']}"] if data["evidence_file"] else lines
