"""One id: a module, a test file and a page for every check."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from stackctl.checks.registry import LIVE, STATIC, module_of

HERE = Path(__file__).parent
PAGES = HERE.parents[2] / "docs" / "checks"
OTHERS = {
    "native/rejected",
    "native/test-failed",
    "secret/missing",
    "secret/mode",
    "secret/slack-url",
    "render/hand-edited",
    "checks/ignore",
}
"""Findings of `stackctl check` that do not come from a module of their own."""
SECTIONS = ["## What it means", "## What it leads to", "## What to do", "## Example"]


@pytest.mark.parametrize("id_", [*STATIC, *LIVE])
def test_every_check_has_a_module_and_a_test_of_its_id(id_: str) -> None:
    module = import_module(module_of(id_))
    assert module.CHECK.id == id_
    assert module.CHECK.consequence
    group, name = id_.split("/")
    test = HERE / group / f"test_{name.replace('-', '_')}.py"
    assert f'ID = "{id_}"' in test.read_text()


@pytest.mark.parametrize("id_", [*STATIC, *LIVE, *sorted(OTHERS)])
def test_every_check_has_a_page_with_its_four_sections(id_: str) -> None:
    page = (PAGES / f"{id_}.md").read_text()
    assert page.startswith(f"# {id_}\n")
    assert re.findall(r"^## .*", page, re.MULTILINE) == SECTIONS


def test_no_module_or_page_is_without_a_check() -> None:
    ids = {*STATIC, *LIVE}
    package = Path(import_module("stackctl.checks").__file__ or "").parent
    modules = {
        f"{path.parent.name}/{path.stem.replace('_', '-')}"
        for path in package.glob("*/*.py")
        if "CHECK = Check(" in path.read_text()
    }
    assert {module for module in modules if not module.startswith("doctor/")} == ids
    pages = {f"{path.parent.name}/{path.stem}" for path in PAGES.glob("*/*.md")}
    # `stackctl doctor` has a registry, and a test of its pages, of its own.
    assert {page for page in pages if not page.startswith("doctor/")} == ids | OTHERS
