"""The data files beside this module, as types."""

from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from stackctl.spec.section import empty_dict
from stackctl.yaml_data import load_yaml


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CanonicalSignal(_Data):
    """What a signal means, whichever engine supplies it."""

    kind: Literal["counter", "histogram", "gauge"]
    stem: str = ""
    record: str = ""
    aggregate: Literal["sum", "min", "max"] = "sum"
    unit: str
    labels: tuple[str, ...]
    help: str


class Fresh(_Data):
    """Which workers' series of a gauge to believe: those that moved within the window."""

    moved: str
    by: tuple[str, ...]
    window: str
    otherwise: Literal["all", "none"]

    def select(self, expr: str) -> str:
        """`expr` of the workers that can be believed."""
        by = ", ".join(self.by)
        fresh = f"(\n  {expr}\n) and on ({by}, pid) changes({self.moved}[{self.window}]) > 0"
        return fresh if self.otherwise == "none" else f"({fresh})\nor on ({by}) (\n  {expr}\n)"


LabelSource = tuple[str, ...]


class Part(_Data):
    """One source of a signal; `labels` maps canonical labels to the engine's, the first one it has."""

    source: str
    labels: dict[str, LabelSource] | None = None
    set: dict[str, str] = Field(default_factory=empty_dict)
    fresh: Fresh | None = None

    @field_validator("labels", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return _label_sources(value)


class Supply(_Data):
    """How one engine supplies one signal, or why it cannot."""

    source: str = ""
    parts: tuple[Part, ...] = ()
    labels: dict[str, LabelSource] = Field(default_factory=empty_dict)
    fresh: Fresh | None = None
    needs: str = ""
    unsupported: str = ""

    @field_validator("labels", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return _label_sources(value)

    def all_parts(self) -> tuple[Part, ...]:
        """The parts, each with labels of its own."""
        parts = self.parts or (Part(source=self.source, fresh=self.fresh),)
        return tuple(
            part if part.labels is not None else part.model_copy(update={"labels": self.labels}) for part in parts
        )


class EngineSignals(_Data):
    """One engine's file: `lines` are exceptions per version line, `heartbeat` is a series that is always there, `absent_label` its text for no label."""

    engine: str
    heartbeat: str
    absent_label: str = ""
    signals: dict[str, Supply]
    lines: dict[str, dict[str, Supply]] = Field(default_factory=empty_dict)

    def of_line(self, line: str) -> dict[str, Supply]:
        """The signals, with what one version line does differently."""
        return self.signals | self.lines.get(line, {})


@cache
def canonical_signals() -> dict[str, CanonicalSignal]:
    """Every signal by name, in the order of the file."""
    return TypeAdapter(dict[str, CanonicalSignal]).validate_python(_data("canonical"))


@cache
def engine_signals(engine: str) -> EngineSignals:
    """How `bundled` or `litellm` supplies the signals."""
    return EngineSignals.model_validate(_data(engine))


def _data(name: str) -> Any:
    return load_yaml((files(__package__) / f"{name}.yaml").read_text(encoding="utf-8"))


def _label_sources(value: Any) -> Any:
    if isinstance(value, list):
        return {label: (label,) for label in value}
    if isinstance(value, dict):
        return {label: (source,) if isinstance(source, str) else source for label, source in value.items()}
    return value
