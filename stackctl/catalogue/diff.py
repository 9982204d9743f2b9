"""What changes from one catalogue to another, and which signals and alerts an upgrade would break."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stackctl.catalogue.alerts import load_alert_groups
from stackctl.catalogue.signals import signals_of

if TYPE_CHECKING:
    from stackctl.catalogue.metric import Catalogue
    from stackctl.catalogue.signals import SignalSet


@dataclass(frozen=True)
class CatalogueDiff:
    """From `old` to `new`. `series` are the stored names that are gone. `labels` is metric → (labels gone, labels new); `broken` is signal → reason.

    `narrowed` is record → labels that its series no longer carry; `alerts` are those that read what is broken.
    """

    removed: tuple[str, ...]
    series: tuple[str, ...]
    added: tuple[str, ...]
    types: dict[str, tuple[str, str]]
    labels: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    broken: dict[str, str]
    narrowed: dict[str, tuple[str, ...]]
    records: tuple[str, ...]
    alerts: tuple[str, ...]

    @property
    def breaks(self) -> bool:
        """Whether anything that is rendered today would lose its series or labels."""
        return bool(self.broken or self.narrowed)

    def as_json(self) -> dict[str, Any]:
        return {
            "removed": list(self.removed),
            "added": list(self.added),
            "types": {name: list(pair) for name, pair in self.types.items()},
            "labels": {name: {"removed": list(gone), "added": list(new)} for name, (gone, new) in self.labels.items()},
            "broken_signals": self.broken,
            "narrowed_records": {name: list(labels) for name, labels in self.narrowed.items()},
            "broken_records": list(self.records),
            "broken_alerts": list(self.alerts),
        }


def diff_catalogues(old: Catalogue, new: Catalogue) -> CatalogueDiff:
    """Compare two catalogues, and the signals they supply."""
    both = [name for name in old.metrics if name in new.metrics]
    before, after = signals_of(old), signals_of(new)
    broken = {name: after.unsupported[name] for name in before.supported if name in after.unsupported}
    records = tuple(record.record for name in broken for record in before.supported[name])
    narrowed = _narrowed(before, after)
    return CatalogueDiff(
        removed=tuple(sorted(set(old.metrics) - set(new.metrics))),
        series=tuple(sorted(old.series.keys() - new.series.keys())),
        added=tuple(sorted(set(new.metrics) - set(old.metrics))),
        types={
            n: (old.metrics[n].type, new.metrics[n].type) for n in both if old.metrics[n].type != new.metrics[n].type
        },
        labels={n: change for n in both if any(change := _labels(old, new, n))},
        broken=broken,
        narrowed=narrowed,
        records=records,
        alerts=_broken_alerts(records, narrowed),
    )


def _labels(old: Catalogue, new: Catalogue, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    before, after = set(old.metrics[name].labels), set(new.metrics[name].labels)
    return tuple(sorted(before - after)), tuple(sorted(after - before))


def _narrowed(before: SignalSet, after: SignalSet) -> dict[str, tuple[str, ...]]:
    return {
        name: gone
        for name, record in before.records.items()
        if name in after.records
        and (gone := tuple(label for label in record.labels if label not in after.records[name].labels))
    }


def _broken_alerts(records: tuple[str, ...], narrowed: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The alerts that name a broken record, or a label that one of their records loses."""
    definitions = [definition for group in load_alert_groups() for definition in group.alerts]
    return tuple(
        definition.name
        for definition in definitions
        if any(record in definition.expr for record in records)
        or any(
            record in definition.expr and re.search(rf"\b(?:{'|'.join(labels)})\b", definition.expr)
            for record, labels in narrowed.items()
        )
    )
