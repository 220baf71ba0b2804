"""Parses the query language: comparisons of fields, joined by AND and OR, become a test of a mapping.

It is the language of the media library's searches and of the upload parameter `checks` [docs]. `search` and
`upload.checks_parameter` define the fields and their operators.

Grammar::

    query      = term {"OR" term}          term = factor {"AND" factor}
    factor     = "(" query ")" | comparison
    comparison = field operator [value]    value = literal | "[" literal {"," literal} "]"
"""

import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
Details = Mapping[str, object]
Predicate = Callable[[Details], bool]

# guess: the service's limit is unknown; this one keeps a hostile query from exhausting the stack
_DEEPEST = 50

_TOKEN = re.compile(
    r"""\s*(?: (?P<string>"(?:[^"\\]|\\.)*"|'[^']*') | (?P<mark><=|>=|[=:<>()[\],]) | (?P<word>[^\s"'=:<>()[\],]+) )""",
    re.VERBOSE | re.DOTALL,
)


class QueryError(ValueError):
    """A query that is not in the language; its text says what is wrong and where."""


class NotADateError(QueryError):
    """A value that is not a date."""


class QueryToken(NamedTuple):
    """A token of the query: `kind` is string, mark, word or end; the text of a string is unquoted."""

    kind: str
    text: str
    position: int


Reader = Callable[[QueryToken, datetime], object]


class SearchField(NamedTuple):
    """How a field is read from the details, how its literals are parsed, and its operators."""

    read: Callable[[Details], object]
    literal: Reader
    operators: frozenset[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of one field, which is a test of a mapping."""

    name: str
    operator: str
    value: Any
    field: SearchField

    def __call__(self, details: Details) -> bool:
        """Whether the comparison is true."""
        return OPERATORS[self.operator](self.field.read(details), self.value)


@dataclass(frozen=True, slots=True)
class Junction:
    """Queries joined by AND (`all` of them) or OR (`any` of them), which is a test of a mapping."""

    combine: Callable[[Iterable[bool]], bool]
    parts: "list[Query]"

    def __call__(self, details: Details) -> bool:
        """Whether the parts are true."""
        return self.combine(part(details) for part in self.parts)


Query = Comparison | Junction


class Parser:
    """A recursive descent parser, with one method per rule of the grammar."""

    def __init__(self, query: str, now: datetime, field: Callable[[QueryToken, str], SearchField]) -> None:
        self._tokens = list(_tokens(query))
        self._now = now
        self._field = field
        self._depth = 0

    def parse(self) -> Query:
        """Parse the whole query.

        Raise `QueryError` if the text is not in the grammar, or uses an operator that a field does not have.
        """
        test = self._query()
        self._expect("", "AND, OR or the end")
        return test

    def _query(self) -> Query:
        return _joined(any, self._separated("OR", self._term))

    def _separated(self, separator: str, parse: Callable[[], T]) -> list[T]:
        items = [parse()]
        while self._take(separator):
            items.append(parse())
        return items

    def _expect(self, text: str, description: str) -> None:
        """Consume a keyword or mark; raise an error if the next token is another."""
        if not self._take(text):
            raise _unexpected(self._tokens[0], description)

    def _term(self) -> Query:
        return _joined(all, self._separated("AND", self._factor))

    def _factor(self) -> Query:
        if not self._take("("):
            return self._comparison()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise QueryError(f"the parentheses are nested more than {_DEEPEST} deep")
        inner = self._query()
        self._expect(")", "AND, OR or )")
        self._depth -= 1
        return inner

    def _comparison(self) -> Query:
        name = self._next("a field", "string", "word")
        operator_name = self._operator()
        field = self._field(name, operator_name)
        if operator_name not in field.operators:
            allowed = ", ".join(sorted(field.operators))
            raise QueryError(f"{name.text} does not support {operator_name}; it supports {allowed}")
        try:
            value = self._value(operator_name, field)
        except NotADateError:
            # the service's own words [recorded]
            hint = "Make sure the value is enclosed within quotes"
            raise QueryError(f"{name.text} field must have a valid date value. {hint}") from None
        return Comparison(name.text, operator_name, value, field)

    def _operator(self) -> str:
        text = self._next("an operator", "mark", "word").text
        if text == "NOT":
            text += " " + self._next("=, IN or EXISTS", "mark", "word").text
        if text not in OPERATORS:
            raise QueryError(f"{text!r} is not an operator; use one of {' '.join(OPERATORS)}")
        return text

    def _value(self, operator_name: str, field: SearchField) -> object:
        if operator_name.endswith("EXISTS"):
            return None
        return self._array(field) if operator_name.endswith("IN") else self._literal(field)

    def _array(self, field: SearchField) -> list[object]:
        self._expect("[", "[")
        values = self._separated(",", partial(self._literal, field))
        self._expect("]", ", or ]")
        return values

    def _literal(self, field: SearchField) -> object:
        return field.literal(self._next("a value", "string", "word"), self._now)

    def _take(self, text: str) -> bool:
        token = self._tokens[0]
        # a quoted "AND" is a value, never the keyword
        matches = token.kind != "string" and token.text == text
        if matches and token.kind != "end":
            del self._tokens[0]
        return matches

    def _next(self, description: str, *kinds: str) -> QueryToken:
        if self._tokens[0].kind not in kinds:
            raise _unexpected(self._tokens[0], description)
        return self._tokens.pop(0)


def _joined(combine: Callable[[Iterable[bool]], bool], parts: list[Query]) -> Query:
    return parts[0] if len(parts) == 1 else Junction(combine, parts)


def _tokens(query: str) -> Iterator[QueryToken]:
    position = 0
    while match := _TOKEN.match(query, position):
        kind = str(match.lastgroup)
        start, position = match.start(kind), match.end()
        text = match[kind]
        yield QueryToken(kind, _unquoted(text, start) if kind == "string" else text, start)
    if query[position:].strip():
        raise QueryError(f"the quote at character {position} is not closed")
    yield QueryToken("end", "", len(query))


def _unquoted(text: str, start: int) -> str:
    """Return the content of a quoted string: JSON escapes in double quotes [guess], none in single ones [docs]."""
    if text.startswith("'"):
        return text[1:-1]
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        raise QueryError(f"the string at character {start} has an invalid escape") from None


def _unexpected(token: QueryToken, description: str) -> QueryError:
    found = repr(token.text) if token.kind != "end" else "the end of the query"
    return QueryError(f"expected {description} at character {token.position}, found {found}")


def read_text(token: QueryToken, _now: datetime) -> str:
    """Return quoted text."""
    if token.kind != "string":
        raise QueryError(f"text needs double quotes: {token.text}")
    return token.text


def read_flag(token: QueryToken, _now: datetime) -> bool:
    """Return `true` or `false`, which have no quotes."""
    if token.kind != "word" or token.text not in ("true", "false"):
        raise QueryError(f"expected true or false without quotes, found {token.text!r}")
    return token.text == "true"


def _quantity(units: Mapping[str, float], token: QueryToken, _now: datetime) -> float:
    """Return a number, which may have a unit."""
    match = re.fullmatch(r"(-?[0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", token.text.lower(), re.ASCII)
    if not match or match[2] not in units:
        raise QueryError(f"{token.text!r} is not a valid number (units: {', '.join(filter(None, units)) or 'none'})")
    return float(match[1]) * units[match[2]]


def read_date(token: QueryToken, now: datetime) -> datetime:
    """Return an ISO 8601 date (2020-01-31, 2020-01-31T12:00:00), or a time in the past such as `7d` [docs]."""
    try:
        if ago := re.fullmatch(r"([0-9]+)([hdwmy])", token.text, re.ASCII):
            return now - int(ago[1]) * _AGO[ago[2]]
        return _parse_datetime(token.text)
    except (ValueError, OverflowError):
        raise NotADateError(token.text) from None


def read_any(token: QueryToken, now: datetime) -> object:
    """Return a custom metadata value of the type that the literal has."""
    if token.kind == "string":
        return token.text
    return read_flag(token, now) if token.text in ("true", "false") else read_number(token, now)


def read_date_or_number(token: QueryToken, now: datetime) -> object:
    """Return a value that has an order: a date in quotes, or a number without."""
    return read_date(token, now) if token.kind == "string" else read_number(token, now)


# guess: a month has 30 days, a year 365, and a kilobyte 1024 bytes
_AGO = {unit: timedelta(hours=hours) for unit, hours in {"h": 1, "d": 24, "w": 168, "m": 720, "y": 8760}.items()}
read_number = partial(_quantity, {"": 1})
read_bytes = partial(_quantity, {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3})
read_seconds = partial(_quantity, {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600})


def _parse_datetime(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def to_datetime(value: object) -> object:
    """Return ISO text as a datetime, other text as None, and any other value unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return _parse_datetime(value)
    except ValueError:
        return None


def to_list(value: object) -> list[object]:
    """Return a list unchanged, None as an empty list, and any other value as the only item of a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _equals(stored: object, value: object) -> bool:
    """Compare as JSON does, where `true` is not 1."""
    return isinstance(stored, bool) == isinstance(value, bool) and stored == value


def _ordered(compare: Callable[[Any, Any], bool], stored: object, value: object) -> bool:
    try:
        return compare(stored, value)
    except TypeError:
        return False


def _in(stored: object, values: list[object]) -> bool:
    return any(_equals(item, value) for item in to_list(stored) for value in values)


def _words(value: object) -> list[str]:
    return re.findall(r"[^\W_]+", str(value).casefold())


def _has(stored: object, value: object) -> bool:
    """Whether all words occur, in any order and case, the last one also as the beginning of a word [docs]."""
    stored_words = [word for item in to_list(stored) for word in _words(item)]
    words = _words(value)
    return (
        bool(words)
        and set(words[:-1]) <= set(stored_words)
        and any(word.startswith(words[-1]) for word in stored_words)
    )


def _not(compare: Callable[[Any, Any], bool], stored: object, value: object) -> bool:
    return not compare(stored, value)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": _equals,
    ":": lambda stored, value: isinstance(stored, str) and stored.startswith(str(value)),
    "<": partial(_ordered, operator.lt),
    "<=": partial(_ordered, operator.le),
    ">": partial(_ordered, operator.gt),
    ">=": partial(_ordered, operator.ge),
    "IN": _in,
    "HAS": _has,
    "EXISTS": lambda stored, _value: stored not in (None, "", []),
}
# a negated comparison is true for a file without the field [guess]
OPERATORS |= {f"NOT {name}": partial(_not, OPERATORS[name]) for name in ("=", "IN", "HAS", "EXISTS")}


CHOICE = frozenset({"=", "IN", "NOT =", "NOT IN"})
TEXT = CHOICE | {":"}
ORDER = frozenset({"<", "<=", ">", ">="})
ARRAY = frozenset({"IN", "NOT IN", "HAS", "EXISTS", "NOT EXISTS"})
