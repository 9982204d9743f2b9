from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from stackctl.yaml_data import load_yaml

ROOT = Path(__file__).parents[2]
SHIPPED = [file for name in ("alerts", "dashboards", "stackctl", "gateway") for file in (ROOT / name).rglob("*.yaml")]


def test_what_ships_with_stackctl_reads_as_pyyaml_reads_it() -> None:
    assert len(SHIPPED) > 30
    for file in SHIPPED:
        text = file.read_text(encoding="utf-8")
        assert load_yaml(text) == yaml.safe_load(text), file


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "[1, 1.5, 1e3, 1.0e+3, 0x1f, 010, 1_000, .inf, 12:30:45, 2026-11-28, 2026-11-28T10:00:00Z]",
        "{yes: no, on: off, null: ~, '1': 1, 1: '1', true: 'true'}",
        "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: *b\nlist: [*b, *b]",
        "all: {<<: [{a: 1}, {a: 2, b: 2}]}",
        "!!set {a, b}",
        "- !!str 1\n- !!int '1'\n- !!binary aGFsbG8=\n- = \n- ''\n-",
        "? [a]\n: b",
        "? {a: 1}\n: b",
        "a: b: c",
        "a: *nowhere",
        "!!python/object/apply:os.system [true]",
        "a: 1\n---\nb: 2",
        "\ta",
    ],
)
def test_any_text_reads_as_pyyaml_reads_it_or_fails_as_there(text: str) -> None:
    try:
        wanted = yaml.safe_load(text)
    except yaml.YAMLError as error:
        with pytest.raises(type(error)):
            load_yaml(text)
    else:
        assert load_yaml(text) == wanted
        assert repr(load_yaml(text)) == repr(wanted)


def test_an_alias_is_the_same_object_so_that_a_short_text_cannot_grow_without_end() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    data = load_yaml("\n".join(lines))
    assert data["a59"][0] is data["a59"][1] is data["a58"]
