from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stackctl.render import yaml_text
from stackctl.render.yaml_text import to_yaml

GOLDEN = Path(__file__).parents[2] / "golden"
RENDERED = ("prometheus.yml", "gateway.yaml", "budget.yml", "errors.yml", "budget-30s.yml", "latency-30s.yml")


class _InPython(yaml.SafeDumper):
    """The dumper of a PyYAML that was built without libyaml."""


_InPython.add_representer(str, yaml_text._text)


def _in_python(data: Any) -> str:
    return yaml.dump(data, Dumper=_InPython, sort_keys=False, allow_unicode=True, width=4096)


@pytest.mark.parametrize("name", RENDERED)
def test_a_bundle_is_the_same_with_and_without_libyaml(name: str) -> None:
    found = sorted((GOLDEN / "full").rglob(name))
    assert found
    for path in found:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert to_yaml(data) == _in_python(data)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a: b",
        "# no comment",
        "'",
        '"',
        "é → ü",
        "1.0",
        "null",
        "yes",
        "two\nlines",
        "ends\n",
        " space",
        "a\tb",
        "\x1b[0m",
        "x" * 5000,
    ],
)
def test_every_text_comes_back_and_is_written_the_same_by_both(value: str) -> None:
    data = {"value": value, "list": [value, {"key": value}]}
    assert yaml.safe_load(to_yaml(data)) == data
    assert to_yaml(data) == _in_python(data)


def test_long_expressions_stay_readable() -> None:
    assert to_yaml({"groups": [{"expr": "a\n/\nb\n"}]}) == "groups:\n- expr: |\n    a\n    /\n    b\n"
