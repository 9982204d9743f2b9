"""The scenarios beside the alerts (`alerts/*.test.yaml`) and what happens in them (`alerts/inputs/`), as types."""

from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from stackctl.resources import data_dir
from stackctl.spec.section import empty_dict
from stackctl.yaml_data import load_yaml

Expression = str | float
Expectation = Literal["fires", "silent"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class SeriesShape(_Data):
    """How an input shows in one series of an engine."""

    series: str
    labels: dict[str, str]
    when: dict[str, str] = Field(default_factory=empty_dict)
    constant: str = ""
    scale: float = 1
    offset: float = 0
    histogram: bool = False
    infinite: bool = False
    moving: bool = False
    counts: bool = False


class Input(_Data):
    """Something that happens: a counter by `per_minute`, a gauge by `value`, observations of `seconds`."""

    input: str
    series: str = ""
    labels: dict[str, str] = Field(default_factory=empty_dict)
    per_minute: Expression | None = None
    value: Expression | None = None
    seconds: Expression | None = None
    start: Expression = 0


class Phase(_Data):
    """A stretch of time at one level; `restart` begins it at 0, `absent` has no samples, `start` is a first value."""

    minutes: Expression
    level: Expression = 0
    absent: bool = False
    restart: bool = False
    start: Expression | None = None


class Case(_Data):
    """A test of its own beside the generated ones; what it leaves out is the scenario's."""

    name: str
    phases: tuple[Phase, ...]
    expect: Expectation
    inputs: tuple[Input, ...] | None = None
    alert: dict[str, str] | None = None
    with_up: bool | None = None
    parameters: dict[str, float] = Field(default_factory=empty_dict)


class Scenario(_Data):
    """What provokes one alert. The fields are explained in alerts/budget.test.yaml."""

    alert: dict[str, str]
    inputs: tuple[Input, ...]
    over: tuple[Expression, ...]
    under: tuple[Expression, ...]
    idle: Expression = 0
    calm: Expression | None = None
    settle: str = "6m"
    memory: str = "6m"
    step: str = ""
    floor_over: str = "5m"
    with_up: bool = True
    zero: bool = True
    resolves: bool = True
    absent: Expectation = "silent"
    cases: tuple[Case, ...] = ()


@cache
def scenarios() -> dict[str, Scenario]:
    """Every scenario by the name of its alert."""
    found: dict[str, Any] = {}
    for path in sorted(data_dir("alerts").glob("*.test.yaml")):
        found |= load_yaml(path.read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, Scenario]).validate_python(found)


@cache
def input_shapes(engine: str) -> dict[str, tuple[SeriesShape, ...]]:
    """The engine's series by input."""
    text = (data_dir("alerts") / "inputs" / f"{engine}.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, tuple[SeriesShape, ...]]).validate_python(load_yaml(text))
