"""What expressions can return, derived from what series have."""

from __future__ import annotations

import pytest

from stackctl.promql import Shape, infer, parse_query
from stackctl.promql.shape import ANY, NOT_NEGATIVE, Interval


def series(
    *labels: str, kind: str = "counter", values: Interval = NOT_NEGATIVE, buckets: tuple[float, ...] = ()
) -> Shape:
    names = frozenset(labels)
    return Shape(names, names, values=values, kind=kind, buckets=buckets)


SERIES = {
    "c": series("a", "b", "job"),
    "d": series("a", "x", "job"),
    "g": series("a", kind="gauge", values=ANY),
    "h": series("a", "le", kind="bucket", buckets=(1, 5)),
}


class Known:
    def shape_of(self, name: str) -> Shape | None:
        return SERIES.get(name)


def result(text: str) -> Shape:
    return infer(parse_query(text).root, Known()).result


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("c", {"a", "b", "job"}),
        ("rate(c[5m])", {"a", "b", "job"}),
        ("sum by (a, nothing) (c)", {"a"}),
        ("sum without (b) (c)", {"a", "job"}),
        ("sum(c)", set()),
        ("topk(3, c)", {"a", "b", "job"}),
        ('count_values("v", c)', {"v"}),
        ("c / on (a) d", {"a"}),
        ("c / ignoring (b, x) d", {"a", "job"}),
        ("c / on (a) group_left (x) d", {"a", "b", "job", "x"}),
        ("c and on (a) d", {"a", "b", "job"}),
        ("sum by (a) (c) or sum by (x) (d)", {"a", "x"}),
        ("c > 1", {"a", "b", "job"}),
        ('label_replace(g, "n", "$1", "a", "(.*)")', {"a", "n"}),
        ('label_join(g, "n", "-", "a")', {"a", "n"}),
        ("histogram_quantile(0.9, sum by (le, a) (rate(h[5m])))", {"a"}),
        ('absent(c{a="1", b=~"2"})', {"a"}),
        ("vector(1)", set()),
        ("max_over_time(rate(c[5m])[1h:5m])", {"a", "b", "job"}),
        ("-c", {"a", "b", "job"}),
        ("scalar(c)", set()),
    ],
)
def test_labels(text: str, labels: set[str]) -> None:
    assert result(text).possible == labels


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("rate(c[5m])", Interval(0)),
        ("g", Interval()),
        ("c > 5", Interval(5, low_open=True)),
        ("c / 2", Interval(0)),
        ("sum(c > 0)", Interval(0, low_open=True)),
        ("clamp(g, 1, 3)", Interval(1, 3)),
        ("histogram_quantile(0.9, rate(h[5m]))", Interval(0, 5)),
        ("g > bool 1", Interval(0, 1)),
        ("1 - (g > 0)", Interval(high=1)),
        ("count(g)", Interval(1)),
        ("absent(g)", Interval(1, 1)),
    ],
)
def test_values(text: str, values: Interval) -> None:
    found = result(text).values
    assert (found.low, found.high) == (values.low, values.high)


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("c / d", True),
        ("c / on (a) d", False),
        ("rate(c[5m]) < 0", True),
        ("nothing", True),
        ("nothing or c", False),
        ("absent(nothing)", False),
        ("c unless nothing", False),
        ("sum(nothing) > 1", True),
        ("histogram_quantile(0.9, sum by (le) (rate(h[5m]))) > 5", True),
        ("histogram_quantile(0.9, sum by (le) (rate(h[5m]))) >= 5", False),
        ('c{a="1"} and on (a) d{a="2"}', True),
        ('g{zone="1"}', True),
        ('g{zone=""}', False),
    ],
)
def test_what_can_never_return_anything(text: str, dead: bool) -> None:
    assert (result(text).dead is not None) is dead


def test_every_node_knows_where_its_token_stands() -> None:
    text = 'sum by (a) (rate(c{b="x"}[5m])) / on (a) # why\n max(d) by (a) > 0.5 and on () g == 1'
    query = parse_query(text)
    from stackctl.promql import Aggregate, Binary, Call, Selector, walk

    tokens = {Aggregate: ("sum", "max"), Call: ("rate",), Binary: ("/", ">", "and", "=="), Selector: ("c{", "d)", "g ")}
    for node in walk(query.root):
        for kind, starts in tokens.items():
            if isinstance(node, kind):
                assert text[node.at :].startswith(starts), (kind, text[node.at : node.at + 5])


def test_positions_survive_the_substitution_of_variables() -> None:
    text = 'rate(c{a=~"${model:regex}"}[$__rate_interval]) / $divisor > on (a) d'
    query = parse_query(text, {}, 15)
    from stackctl.promql import Selector, walk

    names = {text[query.origin(node.at)] for node in walk(query.root) if isinstance(node, Selector)}
    assert names == {"c", "d"}
