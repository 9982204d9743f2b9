"""Where the tokens of a query stand. The parser says what they mean but not where they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

AGGREGATORS = frozenset(
    [
        "sum",
        "avg",
        "min",
        "max",
        "count",
        "stddev",
        "stdvar",
        "topk",
        "bottomk",
        "quantile",
        "count_values",
        "group",
        "limitk",
        "limit_ratio",
    ]
)
_WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})
_LABEL_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_OTHER_KEYWORDS = frozenset({"bool", "offset", "fill", "fill_left", "fill_right"})
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
      | (?P<duration>(?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+)
      | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
      | (?P<op>==|!=|>=|<=|=~|!~|[-+*/%^<>=])
      | (?P<other>\S)""",
    re.VERBOSE,
)
_OPERAND_ENDS = frozenset({")", "}", "]"})


@dataclass(frozen=True)
class Token:
    """A piece of query text: its kind, its text and where it begins."""

    kind: str
    text: str
    at: int

    @property
    def end(self) -> int:
        return self.at + len(self.text)


@dataclass(frozen=True)
class LabelUse:
    """A label named in a matcher or in a list such as by (…)."""

    name: str
    at: int


@dataclass
class Layout:
    """Offsets in source order, one list per kind of node; each is the order in which the tree is walked."""

    selectors: list[int]
    matchers: list[LabelUse]
    calls: list[int]
    aggregates: list[int]
    operators: list[int]
    lists: list[LabelUse]


def tokenize(text: str) -> list[Token]:
    """All tokens without comments and blanks."""
    found = (Token(match.lastgroup or "", match.group(), match.start()) for match in _TOKEN.finditer(text))
    return [token for token in found if token.kind != "comment"]


def layout(text: str) -> Layout:
    """Where selectors, matchers, calls, aggregations, binary operators and listed labels stand."""
    out = Layout([], [], [], [], [], [])
    tokens = tokenize(text)
    in_braces = in_brackets = False
    in_list = 0
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        after = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if in_list:
            in_list += {"(": 1, ")": -1}.get(token.text, 0)
            if token.kind in ("name", "string"):
                out.lists.append(LabelUse(token.text, token.at))
            in_list = 0 if in_list == 1 else in_list
        elif in_braces:
            in_braces = token.text != "}"
            if token.kind in ("name", "string") and after in ("=", "!=", "=~", "!~"):
                out.matchers.append(LabelUse(token.text.strip("\"'`"), token.at))
        elif in_brackets or token.text == "[":
            in_brackets = token.text != "]"
        elif token.text == "{":
            in_braces = True
            if not _names_selector(before):
                out.selectors.append(token.at)
        elif token.kind == "name":
            in_list = _name(out, token, after)
        elif token.kind == "op" and before is not None and _ends_operand(before):
            out.operators.append(token.at)
    return out


def _name(out: Layout, token: Token, after: str) -> int:
    """File a word; returns 1 if a list of labels follows it."""
    word = token.text.lower()
    if word in _LABEL_LISTS and after == "(":
        return 1
    if word in AGGREGATORS and after in ("(", "by", "without", "BY", "WITHOUT"):
        out.aggregates.append(token.at)
    elif word in _WORD_OPERATORS:
        out.operators.append(token.at)
    elif word in _LABEL_LISTS or word in _OTHER_KEYWORDS or word in ("inf", "nan"):
        pass
    elif after == "(":
        out.calls.append(token.at)
    else:
        out.selectors.append(token.at)
    return 0


def _names_selector(before: Token | None) -> bool:
    return before is not None and before.kind == "name" and not _is_keyword(before.text)


def _ends_operand(token: Token) -> bool:
    if token.kind in ("string", "number", "duration") or token.text in _OPERAND_ENDS:
        return True
    return token.kind == "name" and not _is_keyword(token.text)


def _is_keyword(word: str) -> bool:
    low = word.lower()
    return low in _WORD_OPERATORS or low in _LABEL_LISTS or low in _OTHER_KEYWORDS
