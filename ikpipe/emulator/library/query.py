"""A small query language: comparisons of fields, joined by AND and OR, become a test of a mapping.

It is that of the media API's searches (docs), and of the conditions that an upload can bring (docs); what fields there
are, and what may be asked of each, `search` and `checks` say.

Grammar::

    query      = term {"OR" term}          term = factor {"AND" factor}
    factor     = "(" query ")" | comparison
    comparison = field operator [value]    value = literal | "[" literal {"," literal} "]"
"""

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

Details = Mapping[str, object]
Predicate = Callable[[Details], bool]

# The service's own limit is unknown (guess); ours keeps a hostile query from exhausting the stack.
_DEEPEST = 50

_TOKEN = re.compile(
    r"""\s*(?: (?P<string>"(?:[^"\\]|\\.)*"|'[^']*') | (?P<mark><=|>=|[=:<>()[\],]) | (?P<word>[^\s"'=:<>()[\],]+) )""",
    re.VERBOSE | re.DOTALL,
)


class QueryError(ValueError):
    """A search query that is not in the language; its text says what is wrong and where."""


class QueryToken(NamedTuple):
    """A piece of the query: `kind` is string, mark, word or end; a string's text is already unquoted."""

    kind: str
    text: str
    position: int


Reader = Callable[[QueryToken, datetime], object]


class SearchField(NamedTuple):
    """How a field is read from a file's details, how its literals are read, and what may be asked of it."""

    read: Callable[[Details], object]
    literal: Reader
    operators: frozenset[str]


class Parser:
    """Recursive descent over the tokens; one method a rule of the grammar."""

    def __init__(self, query: str, now: datetime, field: Callable[[QueryToken, str], SearchField]) -> None:
        self._tokens = list(_tokens(query))
        self._now = now
        self._field = field
        self._depth = 0

    def whole(self) -> Predicate:
        """Read a query to its end.

        Raises
        ------
        QueryError
            The text breaks the grammar, or asks something of a field that may not be asked.
        """
        test = self.query()
        self.expect("", "AND, OR or the end")
        return test

    def query(self) -> Predicate:
        """Read terms joined by OR."""
        terms = [self._term()]
        while self._take("OR"):
            terms.append(self._term())
        return lambda details: any(term(details) for term in terms)

    def expect(self, text: str, what: str) -> None:
        """Go past the given keyword or mark, or say what was expected."""
        if not self._take(text):
            raise _unexpected(self._tokens[0], what)

    def _term(self) -> Predicate:
        factors = [self._factor()]
        while self._take("AND"):
            factors.append(self._factor())
        return lambda details: all(factor(details) for factor in factors)

    def _factor(self) -> Predicate:
        if not self._take("("):
            return self._comparison()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise QueryError(f"the parentheses are nested more than {_DEEPEST} deep")
        inner = self.query()
        self.expect(")", "AND, OR or )")
        self._depth -= 1
        return inner

    def _comparison(self) -> Predicate:
        name = self._next("a field", "string", "word")
        asked = self._operator()
        field = self._field(name, asked)
        if asked not in field.operators:
            raise QueryError(f"{name.text} takes no {asked}; it takes {', '.join(sorted(field.operators))}")
        wanted = self._wanted(asked, field)
        holds = OPERATORS[asked]
        return lambda details: holds(field.read(details), wanted)

    def _operator(self) -> str:
        text = self._next("an operator", "mark", "word").text
        if text == "NOT":
            text += " " + self._next("=, IN or EXISTS", "mark", "word").text
        if text not in OPERATORS:
            raise QueryError(f"{text!r} is no operator; they are {' '.join(OPERATORS)}")
        return text

    def _wanted(self, asked: str, field: SearchField) -> object:
        if asked.endswith("EXISTS"):
            return None
        return self._array(field) if asked.endswith("IN") else self._literal(field)

    def _array(self, field: SearchField) -> list[object]:
        self.expect("[", "[")
        values = [self._literal(field)]
        while self._take(","):
            values.append(self._literal(field))
        self.expect("]", ", or ]")
        return values

    def _literal(self, field: SearchField) -> object:
        return field.literal(self._next("a value", "string", "word"), self._now)

    def _take(self, text: str) -> bool:
        token = self._tokens[0]
        # A quoted "AND" is a value, never the keyword.
        found = token.kind != "string" and token.text == text
        if found and token.kind != "end":
            del self._tokens[0]
        return found

    def _next(self, what: str, *kinds: str) -> QueryToken:
        if self._tokens[0].kind not in kinds:
            raise _unexpected(self._tokens[0], what)
        return self._tokens.pop(0)


def _tokens(query: str) -> Iterator[QueryToken]:
    position = 0
    while match := _TOKEN.match(query, position):
        kind = str(match.lastgroup)
        start, position = match.start(kind), match.end()
        text = match[kind]
        yield QueryToken(kind, _unquoted(text, start) if kind == "string" else text, start)
    if query[position:].strip():
        raise QueryError(f"a quote is opened at character {position} and never closed")
    yield QueryToken("end", "", len(query))


def _unquoted(text: str, start: int) -> str:
    """Read a quoted string: JSON's escapes in double quotes (guess), none in single ones (docs, one example)."""
    if text.startswith("'"):
        return text[1:-1]
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        raise QueryError(f"the string at character {start} has an escape that JSON does not know") from None


def _unexpected(token: QueryToken, what: str) -> QueryError:
    found = repr(token.text) if token.kind != "end" else "the end of the query"
    return QueryError(f"expected {what} at character {token.position}, found {found}")


def read_text(token: QueryToken, _now: datetime) -> str:
    """Read text in quotes."""
    if token.kind != "string":
        raise QueryError(f"text goes in double quotes: {token.text}")
    return token.text


def read_flag(token: QueryToken, _now: datetime) -> bool:
    """Read `true` or `false`, which go without quotes."""
    if token.kind != "word" or token.text not in ("true", "false"):
        raise QueryError(f"expected true or false without quotes, found {token.text!r}")
    return token.text == "true"


def _quantity(units: Mapping[str, float], token: QueryToken, _now: datetime) -> float:
    """Read a number, with one of the units or none."""
    match = re.fullmatch(r"(-?[0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", token.text.lower(), re.ASCII)
    if not match or match[2] not in units:
        raise QueryError(f"{token.text!r} is no number with a unit of {', '.join(filter(None, units)) or 'none'}")
    return float(match[1]) * units[match[2]]


def read_date(token: QueryToken, now: datetime) -> datetime:
    """Read an ISO 8601 date or a time ago such as `7d` (docs)."""
    try:
        if ago := re.fullmatch(r"([0-9]+)([hdwmy])", token.text, re.ASCII):
            return now - int(ago[1]) * _AGO[ago[2]]
        return _moment(token.text)
    except (ValueError, OverflowError):
        raise QueryError(f"{token.text!r} is no date (2020-01-31, 2020-01-31T12:00:00, 7d)") from None


def read_any(token: QueryToken, now: datetime) -> object:
    """Read a custom metadata value, whose type the literal itself shows."""
    if token.kind == "string":
        return token.text
    return read_flag(token, now) if token.text in ("true", "false") else read_number(token, now)


def read_date_or_number(token: QueryToken, now: datetime) -> object:
    """Read what can be put in order: a date in quotes, a number without."""
    return read_date(token, now) if token.kind == "string" else read_number(token, now)


# A month of 30 days and a year of 365 are guesses, and so is the 1024 of a kilobyte.
_AGO = {unit: timedelta(hours=hours) for unit, hours in {"h": 1, "d": 24, "w": 168, "m": 720, "y": 8760}.items()}
read_number = partial(_quantity, {"": 1})
read_bytes = partial(_quantity, {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3})
read_seconds = partial(_quantity, {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600})


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def dated(value: object) -> object:
    """Turn ISO text into a moment; other text orders with nothing, and what is no text is as it was."""
    if not isinstance(value, str):
        return value
    try:
        return _moment(value)
    except ValueError:
        return None


def several(value: object) -> list[object]:
    """Give a list as it is, and anything else as a list of it; nothing is an empty one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _same(stored: object, wanted: object) -> bool:
    """Compare as JSON does: in Python alone, `True == 1`."""
    return isinstance(stored, bool) == isinstance(wanted, bool) and stored == wanted


def _begins(stored: object, wanted: object) -> bool:
    return isinstance(stored, str) and stored.startswith(str(wanted))


def _ordered(compare: Callable[[Any, Any], bool], stored: object, wanted: object) -> bool:
    try:
        return compare(stored, wanted)
    except TypeError:
        return False


def _among(stored: object, wanted: list[object]) -> bool:
    return any(_same(one, other) for one in several(stored) for other in wanted)


def _words(value: object) -> list[str]:
    return re.findall(r"[^\W_]+", str(value).casefold())


def _has(stored: object, wanted: object) -> bool:
    """Find all words in any order, whatever their case, the last one also as the beginning of a word (docs)."""
    there = [word for value in several(stored) for word in _words(value)]
    words = _words(wanted)
    return bool(words) and set(words[:-1]) <= set(there) and any(word.startswith(words[-1]) for word in there)


def _exists(stored: object, _wanted: object) -> bool:
    return stored not in (None, "", [])


def _negated(holds: Callable[[Any, Any], bool], stored: object, wanted: object) -> bool:
    """Hold where the positive test does not, so also for a file without the field (guess)."""
    return not holds(stored, wanted)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": _same,
    ":": _begins,
    "<": partial(_ordered, operator.lt),
    "<=": partial(_ordered, operator.le),
    ">": partial(_ordered, operator.gt),
    ">=": partial(_ordered, operator.ge),
    "IN": _among,
    "HAS": _has,
    "EXISTS": _exists,
    "NOT =": partial(_negated, _same),
    "NOT IN": partial(_negated, _among),
    "NOT HAS": partial(_negated, _has),
    "NOT EXISTS": partial(_negated, _exists),
}


CHOICE = frozenset({"=", "IN", "NOT =", "NOT IN"})
TEXT = CHOICE | {":"}
ORDER = frozenset({"<", "<=", ">", ">="})
ARRAY = frozenset({"IN", "NOT IN", "HAS", "EXISTS", "NOT EXISTS"})
