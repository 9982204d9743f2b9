"""PromQL read and understood without a server: syntax tree with places, and what an expression can return."""

from stackctl.promql.infer import Analysis, Resolver, infer
from stackctl.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Expr,
    Matcher,
    Number,
    Paren,
    Selector,
    String,
    Subquery,
    Unary,
    walk,
)
from stackctl.promql.parse import Query, QueryError, parse_query
from stackctl.promql.series import Series, SeriesIndex
from stackctl.promql.shape import Interval, Shape

__all__ = [
    "Aggregate",
    "Analysis",
    "Binary",
    "Call",
    "Expr",
    "Interval",
    "Matcher",
    "Number",
    "Paren",
    "Query",
    "QueryError",
    "Resolver",
    "Selector",
    "Series",
    "SeriesIndex",
    "Shape",
    "String",
    "Subquery",
    "Unary",
    "infer",
    "parse_query",
    "walk",
]
