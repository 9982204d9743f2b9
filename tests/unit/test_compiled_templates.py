from __future__ import annotations

import os
import sys
from pathlib import Path

import jinja2
import pytest

from stackctl.compiled_templates import compiled_templates


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    (tmp_path / "__pycache__").mkdir()
    file = tmp_path / "texts.py"
    file.touch()
    return file


def rendered(module: Path, variant: str = "", *, html: bool = False) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda text: text),
        bytecode_cache=compiled_templates(str(module), variant),
        autoescape=html,
    )
    return environment.get_template("{{ value }}, {{ '&' }}").render(value="<b>")


def kept(module: Path) -> list[Path]:
    return sorted((module.parent / "__pycache__").glob("*.jinja"))


def test_a_template_is_compiled_once(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = rendered(module)
    assert len(kept(module)) == 1
    monkeypatch.delattr(jinja2.Environment, "compile")
    assert rendered(module) == first == "<b>, &"


def test_one_that_other_settings_made_is_not_taken(module: Path) -> None:
    rendered(module)
    os.utime(module, ns=(1, 1))
    assert rendered(module, html=True) == "&lt;b&gt;, &amp;"
    assert rendered(module, "-html", html=True) == "&lt;b&gt;, &amp;"
    assert len(kept(module)) == 3


def test_nothing_is_kept_where_python_writes_no_compiled_modules(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered(module) == "<b>, &"
    assert kept(module) == []


def test_without_a_place_to_keep_them_templates_are_compiled_each_time(module: Path) -> None:
    (module.parent / "__pycache__").rmdir()
    assert rendered(module) == "<b>, &"
    assert kept(module) == []
