from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stackctl.render.yaml_text import to_yaml

GOLDEN = Path(__file__).parents[2] / "golden"
RENDERED = ("prometheus.yml", "gateway.yaml", "budget.yml", "errors.yml", "budget-30s.yml", "latency-30s.yml")


class _InPython(yaml.SafeDumper):
    """PyYAML's own dumper, as it is without libyaml."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, value: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_InPython.add_representer(str, _InPython.text)


def _in_python(data: Any) -> str:
    return yaml.dump(data, Dumper=_InPython, sort_keys=False, allow_unicode=True, width=4096)


@pytest.mark.parametrize("name", RENDERED)
def test_a_bundle_is_what_pyyaml_writes(name: str) -> None:
    found = sorted((GOLDEN / "full").rglob(name))
    assert found
    for path in found:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert to_yaml(data) == _in_python(data)


# Whatever makes a text need quotes or a form of its own: YAML 1.1's words and numbers, indicators, breaks, blanks.
_TELLING = st.sampled_from(
    ["yes", "no", "null", "~", "1", "1.0", "1e3", "0x1F", "2026-11-28", "12:30:45", ".inf", "+1", "=", "<<", "-", "..."]
)
_ALPHABET = st.text(alphabet="ab:#-?{}[]'\" \n\t.0+x,&*!|>%@`~_=\\é\x1b\x85\u2028", max_size=10)
_TEXTS = _TELLING | _ALPHABET | st.text(max_size=12)
_SCALARS = _TEXTS | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
_DATA = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS | st.integers(), inner, max_size=4),
    max_leaves=20,
)


@given(_DATA)
def test_any_data_are_what_pyyaml_writes(data: Any) -> None:
    assert to_yaml(data) == _by_libyaml(data)


class _ByLibyaml(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, value: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_ByLibyaml.add_representer(str, _ByLibyaml.text)


def _by_libyaml(data: Any) -> str:
    return yaml.dump(data, Dumper=_ByLibyaml, sort_keys=False, allow_unicode=True, width=4096)


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
