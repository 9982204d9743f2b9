"""Signals: what an engine's series mean, as recording rules with canonical labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from stackctl.catalogue.load import load_catalogue
from stackctl.catalogue.promql import selectors
from stackctl.catalogue.signals.definition import Part, canonical_signals, engine_signals
from stackctl.catalogue.signals.recording import TEST_LABEL, Recording, Source, recordings

if TYPE_CHECKING:
    from stackctl.catalogue.metric import Catalogue
    from stackctl.catalogue.signals.definition import Supply

__all__ = ["TEST_LABEL", "Recording", "SignalSet", "load_signals", "signals_of"]


@dataclass(frozen=True)
class SignalSet:
    """What one engine line supplies.

    `supported` is signal name → its recording rules, `unsupported` is signal name → the reason in words.
    `heartbeat` is a series that is there as soon as the gateway answers a scrape with its metrics.
    """

    line: str
    heartbeat: str
    supported: Mapping[str, tuple[Recording, ...]]
    unsupported: Mapping[str, str]

    @cached_property
    def records(self) -> Mapping[str, Recording]:
        """Every recording rule by the name it records."""
        return {record.record: record for records in self.supported.values() for record in records}

    @cached_property
    def signal_of_record(self) -> Mapping[str, str]:
        """Record name → signal, for unsupported signals too."""
        names: dict[str, str] = {}
        for name, signal in canonical_signals().items():
            records = {
                "counter": (f"{signal.stem}:rate5m", f"{signal.stem}:total"),
                "histogram": (f"{signal.stem}_bucket:rate5m",),
                "gauge": (signal.record,),
            }[signal.kind]
            names |= dict.fromkeys(records, name)
        return names


@cache
def load_signals(line: str) -> SignalSet:
    """The signals of a catalogue line such as `bundled` or `litellm-1.102`; raises UsageError for another name."""
    return signals_of(load_catalogue(line))


def signals_of(catalogue: Catalogue) -> SignalSet:
    """The signals a catalogue can supply: whatever it has no series or labels for is unsupported, with the reason."""
    engine = engine_signals(catalogue.engine)
    supplies = engine.of_line(catalogue.line)
    supported: dict[str, tuple[Recording, ...]] = {}
    unsupported: dict[str, str] = {}
    for name, signal in canonical_signals().items():
        supply = supplies[name]
        sources, reasons = _sources(supply, catalogue)
        if not sources:
            unsupported[name] = supply.unsupported or "; ".join(reasons)
            continue
        needs = supply.needs or _needs(sources, catalogue)
        supported[name] = tuple(recordings(name, signal, sources, engine.absent_label, needs))
    return SignalSet(catalogue.line, engine.heartbeat, supported, unsupported)


def _sources(supply: Supply, catalogue: Catalogue) -> tuple[list[Source], list[str]]:
    if supply.unsupported:
        return [], []
    found: list[Source] = []
    reasons: list[str] = []
    for part in supply.all_parts():
        missing = [name for name in _metrics(part) if not _series(name, catalogue)]
        if missing:
            reasons.append(f"{missing[0]} is not in the catalogue of {catalogue.line}")
        else:
            found.append(Source(part, _labels(part, catalogue)))
    return found, reasons


def _labels(part: Part, catalogue: Catalogue) -> dict[str, str]:
    """Canonical label → the first of the engine's labels that every series of the part has."""
    sets = [series for name in _metrics(part) for series in _series(name, catalogue)]
    common = frozenset.intersection(*sets) if sets else frozenset()
    chosen = {
        label: next((own for own in own_labels if own in common), "")
        for label, own_labels in (part.labels or {}).items()
    }
    return {label: own for label, own in chosen.items() if own}


def _needs(sources: list[Source], catalogue: Catalogue) -> str:
    """What every source needs, so that without it there is no sample at all."""
    needs = {
        catalogue.metrics[name].needs if name in catalogue.metrics else ""
        for source in sources
        for name in _metrics(source.part)
    }
    return "" if "" in needs else ", ".join(sorted(needs))


def _metrics(part: Part) -> list[str]:
    return [selector.metric for selector in selectors(part.source)]


def _series(name: str, catalogue: Catalogue) -> list[frozenset[str]]:
    """The label sets of a metric or stored series; empty if the catalogue has neither."""
    if name in catalogue.metrics:
        return [catalogue.metrics[name].label_set]
    return [catalogue.series[name].labels] if name in catalogue.series else []
