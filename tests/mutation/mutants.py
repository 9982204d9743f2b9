"""Mutants: one file of a bundle with one token changed, as a slip of the pen would change it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stackctl.checks.subject import Expression, Subject
from stackctl.promql import Binary, Number, Selector, walk
from stackctl.promql.nodes import COMPARISONS, Expr, bare
from stackctl.promql.tokens import tokenize
from stackctl.source import Placed

FLIPPED = {">": "<", "<": ">", ">=": "<", "<=": ">", "==": "!=", "!=": "=="}
_WINDOW = re.compile(r"\[([^\]:]+)")
_REFERENCE = re.compile(r"\$labels\.(\w+)|\{\{\s*(\w+)\s*\}\}")
_RATES = re.compile(r"\b(?:rate|increase|irate)\s*\((?:[^()\[\]]|\{[^}]*\})*$")


@dataclass(frozen=True)
class Mutant:
    """One change: in which file, of what kind, for which rule or panel, and the whole new text."""

    kind: str
    file: str
    target: str
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind} in {Path(self.file).name}, {self.target}: `{self.before}` → `{self.after or '(nothing)'}`"


def mutants(subject: Subject, texts: dict[str, str]) -> list[Mutant]:
    """Every mutant of every query and every text that names a label; `texts` is file → content."""
    found: list[Mutant] = []
    for item in subject.expressions:
        if item.rule is None and item.panel is None:
            continue
        file = item.placed.lines.file
        for kind, start, end, new in _changes(item):
            found.append(_mutant(kind, item.placed, start, end, new, texts[file], item.target))
        for placed in _labelled_texts(item):
            for match in _REFERENCE.finditer(placed.text):
                group = 1 if match[1] else 2
                if match[1] or item.panel is not None:
                    start, end = match.span(group)
                    new = misspelt(match[group])
                    found.append(_mutant("label in a text", placed, start, end, new, texts[file], item.target))
    return [mutant for mutant in _once(found) if mutant.text != texts[mutant.file]]


def misspelt(name: str) -> str:
    """A name as a hurried hand writes it: one letter of its middle left out."""
    middle = len(name) // 2
    shorter = name[:middle] + name[middle + 1 :]
    return shorter if len(name) > 2 else f"{name}x"


def _once(found: list[Mutant]) -> Iterator[Mutant]:
    seen: set[tuple[str, str]] = set()
    for mutant in found:
        if (mutant.file, mutant.text) not in seen:
            seen.add((mutant.file, mutant.text))
            yield mutant


def _mutant(kind: str, placed: Placed, start: int, end: int, new: str, text: str, target: str) -> Mutant:
    low, high = placed.offsets[start], placed.offsets[end - 1] + 1
    return Mutant(kind, placed.lines.file, target, text[low:high], new, text[:low] + new + text[high:])


def _labelled_texts(item: Expression) -> list[Placed]:
    if item.rule is not None:
        return [*item.rule.annotations.values()] if item.rule.alert else []
    legend = item.panel_target.legend if item.panel_target else None
    return [legend] if legend is not None else []


def _changes(item: Expression) -> Iterator[tuple[str, int, int, str]]:
    """(kind, start, end, new text) in the written query."""
    text, query = item.placed.text, item.query
    for node in walk(query.root):
        if isinstance(node, Selector):
            yield from _selector(item, node)
        elif isinstance(node, Binary):
            yield from _binary(item, node)
    for use in query.lists:
        start = query.origin(use.at)
        if text[start : start + len(use.name)] == use.name:
            yield "label in a list", start, start + len(use.name), misspelt(use.name)
    for match in _WINDOW.finditer(text):
        if not _RATES.search(text[: match.start()]):
            continue
        yield "window too short", match.start(1), match.end(1), "15s"
        yield "window too long", match.start(1), match.end(1), "90d"


def _selector(item: Expression, node: Selector) -> Iterator[tuple[str, int, int, str]]:
    text, query = item.placed.text, item.query
    start = query.origin(node.at)
    if node.name and text[start : start + len(node.name)] == node.name:
        yield "metric name", start, start + len(node.name), misspelt(node.name)
    for matcher in node.matchers:
        start = query.origin(matcher.at)
        if text[start : start + len(matcher.name)] != matcher.name:
            continue
        yield "label in a matcher", start, start + len(matcher.name), misspelt(matcher.name)
        if not matcher.variable and matcher.value.replace("|", "").isidentifier():
            value = text.find(matcher.value, start + len(matcher.name))
            yield "label value", value, value + len(matcher.value), misspelt(matcher.value)


def _binary(item: Expression, node: Binary) -> Iterator[tuple[str, int, int, str]]:
    text, query = item.placed.text, item.query
    start = query.origin(node.at)
    right = bare(node.right)
    if node.op in COMPARISONS and isinstance(right, Number):
        end = _end_of_number(text, start + len(node.op))
        is_guard = right.value == 0 and not _decides(item.query.root, node)
        if is_guard:
            yield "guard against zero", start, end, ""
        elif item.is_alert:
            yield "comparison turned round", start, start + len(node.op), FLIPPED[node.op]
            yield "comparison dropped", start, end, ""
            if item.analysis.shapes[node.left].kind == "quantile":
                number = text[start + len(node.op) : end].strip()
                at = text.index(number, start + len(node.op))
                yield "threshold beyond the buckets", at, at + len(number), "9999"
    elif node.op == "and" and item.is_alert and _is_floor(right):
        closing = len(text.rstrip()) if _decides(item.query.root, node) else 0
        if closing > start:
            yield "volume floor", start, closing, ""


def _is_floor(expr: Expr) -> bool:
    return isinstance(expr, Binary) and expr.op in COMPARISONS


def _decides(root: Expr, node: Binary) -> bool:
    """Whether the comparison is one the alert fires by, not one that only filters."""
    root = bare(root)
    if root is node:
        return True
    if isinstance(root, Binary) and root.op in ("and", "or", "unless"):
        return any(_decides(child, node) for child in root.children)
    return False


def _end_of_number(text: str, at: int) -> int:
    token = next(token for token in tokenize(text[at:]) if token.kind in ("number", "name"))
    return at + token.end
