"""What will be tested: the alerts, their drivers, their canaries and their bounds."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stackctl.errors import UsageError
from stackctl.proof.chain import injected_hops, provoked_hops
from stackctl.proof.drivers import DriverEntry, entry_for, registry
from stackctl.proof.hops import AlertProof
from stackctl.proof.routes import route_for
from stackctl.proof.timing import Timing, labels_of_test, read_timing
from stackctl.spec.model import TEST_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackctl.proof.endpoints import Endpoints, Options
    from stackctl.proof.observe.prometheus import Rule, Target
    from stackctl.proof.session import Session

SLACK_SUFFIX = "-slack"


@dataclass(frozen=True)
class Item:
    """One alert of the plan."""

    proof: AlertProof
    entry: DriverEntry
    timing: Timing
    labels: dict[str, str]
    rule: Rule | None


@dataclass(frozen=True)
class Group:
    """The alerts that share a canary: the rungs of one budget ladder, lowest first, or a single alert."""

    label: str
    items: list[Item] = field(default_factory=list)

    @property
    def canary(self) -> str:
        return TEST_PREFIX + self.label


@dataclass(frozen=True)
class _Found:
    """What the running parts say of themselves."""

    rules: dict[str, Rule]
    targets: list[Target]
    config: dict[str, Any]
    scrape_s: float | None


async def make_plan(session: Session, options: Options, names: Sequence[str]) -> list[Group]:
    """The groups in which to test these alerts.

    Raises UsageError for a name that is neither loaded in Prometheus nor known to the registry.
    """
    found = _Found(
        rules={rule.name: rule for rule in await session.prometheus.rules()},
        targets=await session.prometheus.targets(),
        config=await session.alertmanager.config(),
        scrape_s=await session.prometheus.scrape_interval(),
    )
    _refuse_unknown(names, found)
    groups: list[Group] = []
    ladder: Group | None = None
    for name in sorted(set(names), key=lambda name: _order(name, options)):
        entry = _entry(name, options)
        if entry.driver != "budget":
            groups.append(group := Group(_new_label(session.endpoints)))
        else:
            if ladder is None:
                groups.append(ladder := Group(_new_label(session.endpoints)))
            group = ladder
        group.items.append(_item(name, entry, group, session.endpoints, found))
    return groups


def _item(name: str, entry: DriverEntry, group: Group, endpoints: Endpoints, found: _Found) -> Item:
    rule = found.rules.get(name)
    labels = labels_of_test(rule, name, group.label, group.canary)
    target = next((target for target in found.targets if target.serves(endpoints.scrape_target)), None)
    scrape_s = target.interval_s if target and target.interval_s else found.scrape_s
    timing = read_timing(rule, scrape_s, route_for(found.config, labels), entry.window.seconds)
    injected = entry.driver == "inject"
    proof = AlertProof(
        name=name,
        label=group.label,
        driver=entry.driver,
        hops=injected_hops() if injected else provoked_hops(pending=timing.for_s > 0),
        evaluated=not injected,
        bound_s=timing.injected_bound_s if injected else timing.bound_s,
    )
    return Item(proof, entry, timing, labels, rule)


def _order(name: str, options: Options) -> tuple[bool, float, str]:
    entry = _entry(name, options)
    return entry.driver != "budget", entry.threshold if entry.driver == "budget" else 0.0, name


def _entry(name: str, options: Options) -> DriverEntry:
    if options.only_inject:
        return DriverEntry(driver="inject", reason=options.only_inject)
    return entry_for(name, options.thresholds)


def _refuse_unknown(names: Sequence[str], found: _Found) -> None:
    for name in names:
        if name not in found.rules and name not in registry():
            known = ", ".join(sorted(found.rules)) or "none"
            raise UsageError(f"no alert named {name} is loaded in Prometheus", remedy=f"loaded alerts: {known}")


def _new_label(endpoints: Endpoints) -> str:
    """8 hex digits; the suffix routes the test to the real receiver (docs/decisions/003)."""
    return secrets.token_hex(4) + (SLACK_SUFFIX if endpoints.receiver == "slack" else "")
