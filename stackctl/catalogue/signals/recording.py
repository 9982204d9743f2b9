"""Recording rules: one engine's series under a signal's name, with canonical labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.catalogue.signals.definition import CanonicalSignal, Part

TEST_LABEL = "stackctl_test"
RATE_WINDOW = "5m"
_TEST_PATTERN = "stackctl-test-(.+)"
_OWNERS = ("key", "team")
RecordKind = Literal["rate", "counter", "bucket", "gauge"]


@dataclass(frozen=True)
class Recording:
    """One recording rule. `labels` are all a recorded series may carry, `stackctl_test` and `le` included.

    `kind` says how to read it: `rate` is per second already, `counter` wants rate() or increase(), `bucket` is the
    rate of histogram buckets. `needs` is what must be switched on for samples to appear ("" means nothing).
    """

    signal: str
    record: str
    expr: str
    kind: RecordKind
    labels: tuple[str, ...]
    unit: str
    help: str
    needs: str = ""

    def rule(self) -> dict[str, str]:
        """The rule as Prometheus' rule file has it."""
        return {"record": self.record, "expr": self.expr}


@dataclass(frozen=True)
class Source:
    """A part whose series and labels the catalogue has: `labels` maps canonical labels to the engine's."""

    part: Part
    labels: Mapping[str, str]


def recordings(
    name: str, signal: CanonicalSignal, sources: list[Source], absent_label: str, needs: str
) -> list[Recording]:
    """The rules of one signal: a counter gives two, the others one."""
    kept = [label for label in signal.labels if any(label in s.labels or label in s.part.set for s in sources)]
    if signal.kind == "histogram":
        kept.insert(0, "le")
    by = (*kept, TEST_LABEL)
    owners = [label for label in _OWNERS if any(label in source.labels for source in sources)]

    def make(record: str, kind: RecordKind, pattern: str) -> Recording:
        canonical = [_canonical(source, pattern, signal, absent_label) for source in sources]
        expr = f"{signal.aggregate} by ({', '.join(by)}) (\n{_indent(_test_labelled(_union(canonical), owners))}\n)"
        return Recording(name, record, expr, kind, by, signal.unit, signal.help, needs)

    if signal.kind == "counter":
        rate = make(f"{signal.stem}:rate5m", "rate", f"rate(%s[{RATE_WINDOW}])")
        return [rate, make(f"{signal.stem}:total", "counter", "%s")]
    if signal.kind == "histogram":
        return [make(f"{signal.stem}_bucket:rate5m", "bucket", f"rate(%s_bucket[{RATE_WINDOW}])")]
    return [make(signal.record, "gauge", "%s")]


def _canonical(source: Source, pattern: str, signal: CanonicalSignal, absent_label: str) -> str:
    """One part with canonical labels, so that neither renaming nor the union can make two series one."""
    expr = pattern % source.part.source
    if source.part.fresh:
        expr = source.part.fresh.select(expr)
    renamed = {
        label: own for label, own in source.labels.items() if label in (*signal.labels, *_OWNERS) and label != own
    }
    if not renamed and not source.part.set:
        return expr
    own = dict.fromkeys([*(["le"] if signal.kind == "histogram" else []), *source.labels.values()])
    expr = f"{signal.aggregate} by ({', '.join(own)}) (\n{_indent(expr)}\n)"
    pattern = f"(?:{absent_label}|(.*))" if absent_label else "(.*)"
    for label, engine_label in renamed.items():
        expr = _replace(expr, label, "$1", engine_label, pattern)
    for label, value in source.part.set.items():
        expr = _replace(expr, label, value, "", "")
    return expr


def _test_labelled(expr: str, owners: list[str]) -> str:
    """The id of a proof, cut out of the key or the team: docs/decisions/003."""
    for owner in owners:
        expr = _replace(expr, TEST_LABEL, "$1", owner, _TEST_PATTERN)
    return expr


def _union(exprs: list[str]) -> str:
    return exprs[0] if len(exprs) == 1 else "\nor\n".join(f"(\n{_indent(expr)}\n)" for expr in exprs)


def _replace(expr: str, label: str, value: str, source: str, pattern: str) -> str:
    return f'label_replace(\n{_indent(expr)},\n  "{label}", "{value}", "{source}", "{pattern}"\n)'


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
