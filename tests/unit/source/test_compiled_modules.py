"""What may be compiled (docs/decisions/172)."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
HOOK = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]
MODULES = HOOK["custom"]["modules"]


def guarded_waits(tree: ast.AST) -> Iterator[int]:
    """Lines where something is awaited within a `try` or a `with`, and those of asynchronous generators."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.AsyncWith | ast.AsyncFor | ast.Yield):
                yield node.lineno
            elif isinstance(node, ast.Try | ast.With):
                yield from (inner.lineno for inner in ast.walk(node) if isinstance(inner, ast.Await))


@pytest.mark.parametrize("module", MODULES)
def test_a_compiled_coroutine_catches_nothing_that_it_waits_for(module: str) -> None:
    """Compiled coroutines share one slot for the exception that is handled: a `try` around an `await` may see another's."""
    assert not [*guarded_waits(ast.parse((CHECKOUT / module).read_text()))]


@pytest.mark.parametrize(
    "body", ["try:\n  await x\n except E: pass", "async with a: pass", "with a:\n  await x", "yield 1"]
)
def test_such_a_wait_is_found(body: str) -> None:
    assert [*guarded_waits(ast.parse(f"async def f():\n {body}"))]


def test_no_class_that_is_interpreted_has_a_compiled_base() -> None:
    """That would be an error at its import."""
    compiled, bases = set(), set()
    for path in sorted((CHECKOUT / "gateway").rglob("*.py")):
        name = str(path.relative_to(CHECKOUT))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and name in MODULES:
                # A connection's class is called as typing's is.
                compiled |= {node.name} - {"Protocol"}
            elif isinstance(node, ast.ClassDef):
                bases |= {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    assert compiled
    assert not compiled & bases
