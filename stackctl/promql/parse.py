"""From query text to the tree: `promql_parser` reads, we add places and Grafana's variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import promql_parser as parser

from stackctl.promql import nodes
from stackctl.promql.tokens import LabelUse, Layout, layout
from stackctl.promql.variables import PLACEHOLDER, Substituted, substitute

if TYPE_CHECKING:
    from collections.abc import Mapping


class QueryError(Exception):
    """The text is no PromQL; the message is the parser's."""


@dataclass(frozen=True)
class Query:
    """A parsed query and the way from its tokens back to the text it was written as."""

    text: str
    root: nodes.Expr
    lists: tuple[LabelUse, ...]
    variables: tuple[tuple[str, int], ...]
    _substituted: Substituted
    _trees: Mapping[nodes.Expr, Any]

    def show(self, node: nodes.Expr) -> str:
        """A part of the query as PromQL on one line; of a range selector, the series it selects."""
        tree = self._trees[node]
        tree = tree.vector_selector if isinstance(tree, parser.MatrixSelector) else tree
        return " ".join(tree.prettify().split())

    def origin(self, offset: int) -> int:
        """The offset in the written text of an offset in the tree."""
        return self._substituted.origin(offset)

    def list_offset(self, label: str, after: int) -> int:
        """Where `label` is listed in a by (…), on (…) or the like that belongs to the token at `after`."""
        uses = [use.at for use in self.lists if use.name.strip("\"'`") == label]
        return min((at for at in uses if at >= after), default=uses[-1] if uses else after)


def parse_query(
    text: str,
    values: Mapping[str, str] | None = None,
    scrape_s: float = 15,
    inside: Mapping[str, str] | None = None,
) -> Query:
    """Parse a query; raises QueryError.

    `values` are texts for a dashboard's variables (None: the query is a rule's and has none), `inside` those for
    variables within strings, where a placeholder stands without it.
    """
    substituted = substitute(text, values, scrape_s, inside) if values is not None else Substituted(text)
    try:
        tree = parser.parse(substituted.text)
    except ValueError as error:
        raise QueryError(_first_line(str(error))) from None
    places = layout(substituted.text)
    builder = _Builder(places)
    root = builder.build(tree)
    return Query(substituted.text, root, tuple(places.lists), substituted.used, substituted, builder.trees)


def _first_line(message: str) -> str:
    return re.sub(r"\s+", " ", message).strip() or "not PromQL"


def _operator(op: Any) -> Any:
    # The parser's enumerations cannot be hashed, so no table can hold them.
    if op == parser.MatchOp.Equal:
        return "="
    if op == parser.MatchOp.NotEqual:
        return "!="
    return "=~" if op == parser.MatchOp.Re else "!~"


def _side(card: Any) -> Any:
    if card == parser.VectorMatchCardinality.ManyToOne:
        return "left"
    return "right" if card == parser.VectorMatchCardinality.OneToMany else ""


class _Builder:
    """Walks the parser's tree in source order and takes the places in the same order."""

    def __init__(self, places: Layout) -> None:
        self._selectors = iter(places.selectors)
        self._matchers = list(places.matchers)
        self._calls = iter(places.calls)
        self._aggregates = iter(places.aggregates)
        self._operators = iter(places.operators)
        self.trees: dict[nodes.Expr, Any] = {}

    def build(self, tree: Any) -> nodes.Expr:
        method = getattr(self, f"_{type(tree).__name__}", None)
        if method is None:
            raise QueryError(f"{type(tree).__name__} is not understood")
        built: nodes.Expr = method(tree)
        self.trees[built] = tree
        return built

    def _VectorSelector(self, tree: Any) -> nodes.Selector:  # noqa: N802 named like the parser's class
        return self._selector(tree, None)

    def _MatrixSelector(self, tree: Any) -> nodes.Selector:  # noqa: N802
        return self._selector(tree.vector_selector, tree.range.total_seconds())

    def _selector(self, tree: Any, range_s: float | None) -> nodes.Selector:
        at = next(self._selectors, 0)
        name = tree.name or ""
        matchers = []
        for matcher in tree.matchers.matchers:
            if matcher.name == "__name__":
                name = name or (matcher.value if matcher.op == parser.MatchOp.Equal else "")
                continue
            place = self._place(matcher.name, at)
            op = _operator(matcher.op)
            matchers.append(nodes.Matcher(matcher.name, op, matcher.value, place, PLACEHOLDER in matcher.value))
        return nodes.Selector(at, name, tuple(matchers), range_s, _seconds(tree.offset))

    def _place(self, name: str, after: int) -> int:
        for index, use in enumerate(self._matchers):
            if use.name == name and use.at >= after:
                return self._matchers.pop(index).at
        return after

    def _Call(self, tree: Any) -> nodes.Call:  # noqa: N802
        at = next(self._calls, 0)
        return nodes.Call(at, tree.func.name, tuple(self.build(argument) for argument in tree.args))

    def _AggregateExpr(self, tree: Any) -> nodes.Aggregate:  # noqa: N802
        at = next(self._aggregates, 0)
        parameter = None if tree.param is None else self.build(tree.param)
        modifier = tree.modifier
        without = modifier is not None and modifier.type == parser.AggModifierType.Without
        labels = tuple(modifier.labels) if modifier is not None else ()
        return nodes.Aggregate(at, str(tree.op), self.build(tree.expr), labels, without, parameter)

    def _BinaryExpr(self, tree: Any) -> nodes.Binary:  # noqa: N802
        left = self.build(tree.lhs)
        at = next(self._operators, 0)
        right = self.build(tree.rhs)
        modifier = tree.modifier
        matching = modifier.matching if modifier else None
        fill = modifier.fill_values if modifier else None
        return nodes.Binary(
            at,
            str(tree.op).split()[0],
            left,
            right,
            returns_bool=bool(modifier and modifier.return_bool),
            on=tuple(matching.labels) if matching else None,
            ignoring=bool(matching and matching.type == parser.LabelModifierType.Exclude),
            group=_side(modifier.card) if modifier else "",
            group_labels=tuple(modifier.group_labels or ()) if modifier else (),
            filled=bool(fill and (fill.lhs is not None or fill.rhs is not None)),
        )

    def _NumberLiteral(self, tree: Any) -> nodes.Number:  # noqa: N802
        return nodes.Number(0, tree.val)

    def _StringLiteral(self, tree: Any) -> nodes.String:  # noqa: N802
        return nodes.String(0, tree.val)

    def _UnaryExpr(self, tree: Any) -> nodes.Unary:  # noqa: N802
        operand = self.build(tree.expr)
        return nodes.Unary(operand.at, operand)

    def _ParenExpr(self, tree: Any) -> nodes.Paren:  # noqa: N802
        operand = self.build(tree.expr)
        return nodes.Paren(operand.at, operand)

    def _SubqueryExpr(self, tree: Any) -> nodes.Subquery:  # noqa: N802
        operand = self.build(tree.expr)
        return nodes.Subquery(operand.at, operand, tree.range.total_seconds(), _seconds(tree.offset))


def _seconds(offset: Any) -> float:
    return abs(offset.total_seconds()) if offset is not None else 0.0
