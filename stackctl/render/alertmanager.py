"""spec → alertmanager.yml: routes, receivers and inhibition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackctl.render.places import internal_address, secret_path
from stackctl.render.templates import fill, verbatim
from stackctl.yaml_data import load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.catalogue.rules import RuleSet
    from stackctl.spec import Spec
    from stackctl.spec.receivers import Receiver

_ALL_SEVERITIES = {"info", "warning", "critical"}
_OF_THE_GATEWAY = "Litellm"


def alertmanager_yml(spec: Spec, rules: RuleSet) -> str:
    """Routes and receivers; with no receiver in the spec, alerts go to the stack's own inbox."""
    receivers = spec.alerts.receivers
    root, branches = _routes(receivers.configured())
    return fill(
        "alertmanager/alertmanager.yml.j2",
        spec=spec,
        root=root,
        branches=branches,
        receivers=receivers,
        inhibitions=list(_inhibitions([alert.name for alert in rules.alerts])),
        # Alertmanager opens secret files relative to its working directory, which is the bundle.
        file=lambda reference: secret_path(spec, reference, ".."),
        inbox_url=f"http://{internal_address(spec, 'inbox')}",
    )


def _routes(receivers: dict[str, Receiver]) -> tuple[str, list[tuple[str, Receiver]]]:
    """The root receiver, and what gets a branch of its own: several receivers, or one that wants some alerts only."""
    if len(receivers) == 1:
        ((name, only),) = receivers.items()
        if set(only.severities) == _ALL_SEVERITIES:
            return name, []
    return "inbox", list(receivers.items())


def _inhibitions(names: list[str]) -> Iterator[dict[str, Any]]:
    """The rules of templates/alertmanager/inhibition.yaml, without alerts that are not rendered."""
    for rule in load_yaml(verbatim("alertmanager/inhibition.yaml")):
        source = [name for name in rule["source"] if name in names]
        kept = {*rule["source"], *rule.get("except", [])}
        every = [name for name in names if name.startswith(_OF_THE_GATEWAY) and name not in kept]
        target = every if rule.get("every") else [name for name in rule["target"] if name in names]
        if source and target:
            yield {"source": source, "target": target, "equal": rule["equal"]}
