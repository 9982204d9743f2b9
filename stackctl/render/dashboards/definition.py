"""The shape of `dashboards/*.yaml`: a dashboard as a person wrote it."""

from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from stackctl.resources import data_dir
from stackctl.spec.section import empty_dict
from stackctl.yaml_data import load_yaml

Kind = Literal["stat", "timeseries", "gauge", "bargauge", "table", "heatmap"]
Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Thresholds(_Part):
    """Where a value turns bad: the name of an alert stands for its threshold in this stack, a number for itself."""

    bad: Literal["above", "below"]
    at: tuple[str | float, ...]


class Query(_Part):
    """One PromQL expression; in a table it fills one column."""

    expr: Text
    legend: str = ""
    column: str = ""
    unit: str = ""
    decimals: int | None = None
    thresholds: Thresholds | None = None
    cell: Literal["plain", "coloured", "bar"] = "plain"

    @field_validator("expr")
    @classmethod
    def _stripped(cls, text: str) -> str:
        return text.strip()


class Meaning(_Part):
    """What a value is called and how it is coloured."""

    text: str
    color: str


class Panel(_Part):
    """One panel; width and height are Grafana's grid units, 24 to a row."""

    title: Text
    description: Text
    kind: Kind = "timeseries"
    unit: Text
    queries: tuple[Query, ...] = Field(min_length=1)
    width: int = Field(12, ge=2, le=24)
    height: int = Field(8, ge=3, le=20)
    decimals: int | None = None
    min: float | None = 0
    max: float | None = None
    thresholds: Thresholds | None = None
    stacked: bool = False
    bars: bool = False
    accumulate: bool = False
    """The queries give running totals, so the legend shows where they end and nothing else."""
    step: str = ""
    """Shortest step between two points, such as `1d` for a bar per day."""
    range: str = ""
    """A range of the panel's own, such as `now/d` for today, whatever the dashboard shows."""
    instant: bool = False
    """In a stat: only the value at the end of the range, without the line of how it got there."""
    shown: Literal["value", "name", "value_and_name"] = "value"
    """In a stat: what of each series is written."""
    repeat: str = ""
    """A variable: one panel for each of its chosen values."""
    labels: dict[str, str] = Field(default_factory=empty_dict)
    """In a table: label → heading of the columns on the left."""
    wide: str = ""
    """In a table: the column with the long texts."""
    sort: str = ""
    """In a table: the column to sort by, largest first."""
    meanings: dict[str, Meaning] = Field(default_factory=empty_dict)
    no_value: str = "no data"
    links: tuple[str, ...] = ()
    """uids of the dashboards that tell more."""


class Row(_Part):
    """A heading and what stands below it."""

    title: Text
    panels: tuple[Panel, ...] = Field(min_length=1)


class Definition(_Part):
    """One dashboard."""

    uid: Annotated[str, Field(pattern=r"^stackctl-[a-z]+$", max_length=40)]
    title: Text
    description: Text
    range: str = "now-6h"
    variables: tuple[str, ...] = ()
    rows: tuple[Row, ...] = Field(min_length=1)

    @property
    def file_name(self) -> str:
        return f"{self.uid.removeprefix('stackctl-')}.json"


class Variable(_Part):
    """What a dashboard can be narrowed to."""

    label: Text
    description: Text
    values: Annotated[str, Field(pattern=r"^label_values\(.+, [a-z_]+\)$")]


@cache
def load_definitions() -> tuple[Definition, ...]:
    """Every dashboard that ships with stackctl, in the order of file names."""
    files = sorted(data_dir("dashboards").glob("*.yaml"))
    return tuple(Definition.model_validate(load_yaml(file.read_text(encoding="utf-8"))) for file in files)


@cache
def load_variables() -> dict[str, Variable]:
    """Variable name → what it offers, from `dashboards/shared/variables.yaml`."""
    text = (data_dir("dashboards") / "shared" / "variables.yaml").read_text(encoding="utf-8")
    return {name: Variable.model_validate(entry) for name, entry in load_yaml(text).items()}
