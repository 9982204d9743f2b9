"""The syntax tree of PromQL as the checks read it; `at` is the offset of a node's own token in the query text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Match = Literal["=", "!=", "=~", "!~"]
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SET_OPERATORS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, eq=False)
class Expr:
    """Any node; two nodes are the same only if they are one object."""

    at: int

    @property
    def children(self) -> tuple[Expr, ...]:
        return ()


@dataclass(frozen=True)
class Matcher:
    """One label matcher; `variable` if a dashboard variable supplies its value."""

    name: str
    op: Match
    value: str
    at: int
    variable: bool = False

    def __str__(self) -> str:
        return f'{self.name}{self.op}"{self.value}"'


@dataclass(frozen=True, eq=False)
class Selector(Expr):
    """A vector selector, or a range selector when `range_s` is given."""

    name: str
    matchers: tuple[Matcher, ...]
    range_s: float | None = None
    offset_s: float = 0.0


@dataclass(frozen=True, eq=False)
class Call(Expr):
    """A function call."""

    function: str
    arguments: tuple[Expr, ...]

    @property
    def children(self) -> tuple[Expr, ...]:
        return self.arguments


@dataclass(frozen=True, eq=False)
class Aggregate(Expr):
    """An aggregation; `labels` are those of `by` or, if `without`, those left out."""

    op: str
    operand: Expr
    labels: tuple[str, ...]
    without: bool
    parameter: Expr | None = None

    @property
    def children(self) -> tuple[Expr, ...]:
        return (self.operand,) if self.parameter is None else (self.parameter, self.operand)


@dataclass(frozen=True, eq=False)
class Binary(Expr):
    """A binary operation. `on` is None without a modifier, else the labels with `ignoring` telling which kind."""

    op: str
    left: Expr
    right: Expr
    returns_bool: bool = False
    on: tuple[str, ...] | None = None
    ignoring: bool = False
    group: Literal["", "left", "right"] = ""
    group_labels: tuple[str, ...] = ()
    filled: bool = False
    """`fill` modifiers supply missing matches, so that no side can starve the other."""

    @property
    def children(self) -> tuple[Expr, ...]:
        return (self.left, self.right)

    @property
    def is_filter(self) -> bool:
        """Whether it drops series by comparing their values."""
        return self.op in COMPARISONS and not self.returns_bool


@dataclass(frozen=True, eq=False)
class Number(Expr):
    """A number literal."""

    value: float


@dataclass(frozen=True, eq=False)
class String(Expr):
    """A string literal."""

    value: str


@dataclass(frozen=True, eq=False)
class Unary(Expr):
    """A negation."""

    operand: Expr

    @property
    def children(self) -> tuple[Expr, ...]:
        return (self.operand,)


@dataclass(frozen=True, eq=False)
class Paren(Expr):
    """An expression in parentheses."""

    operand: Expr

    @property
    def children(self) -> tuple[Expr, ...]:
        return (self.operand,)


@dataclass(frozen=True, eq=False)
class Subquery(Expr):
    """An expression evaluated over a range."""

    operand: Expr
    range_s: float
    offset_s: float = 0.0

    @property
    def children(self) -> tuple[Expr, ...]:
        return (self.operand,)


def walk(expr: Expr) -> Iterator[Expr]:
    """The node and everything below it, parents first."""
    yield expr
    for child in expr.children:
        yield from walk(child)


def bare(expr: Expr) -> Expr:
    """The expression without parentheses around it."""
    while isinstance(expr, Paren):
        expr = expr.operand
    return expr
