"""The media API's search language: a `searchQuery` text becomes a test of one file's details.

Grammar and operators are those of "List and search assets" (docs); the tables below name each field's own. A query
that leaves the documented language is refused, so that a pipeline learns here and not from the service.

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


class _Token(NamedTuple):
    """A piece of the query: `kind` is string, mark, word or end; a string's text is already unquoted."""

    kind: str
    text: str
    position: int


_Reader = Callable[[_Token, datetime], object]


class _Field(NamedTuple):
    """How a field is read from a file's details, how its literals are read, and what may be asked of it."""

    read: Callable[[Details], object]
    literal: _Reader
    operators: frozenset[str]


def parse(query: str, *, now: datetime | None = None) -> Predicate:
    """Give the test that a search query stands for.

    Parameters
    ----------
    query
        The `searchQuery` of `GET /v1/files`.
    now
        The moment that relative dates such as `"7d"` count back from; by default the present.

    Returns
    -------
    Callable[[Mapping[str, object]], bool]
        Takes a file's details under their wire names (`customMetadata` a mapping in them).

    Raises
    ------
    QueryError
        The query breaks the grammar, or asks something of a field that the documentation does not offer.
    """
    parser = _Parser(query, now or datetime.now(UTC))
    test = parser.query()
    parser.expect("", "AND, OR or the end")
    return test


class _Parser:
    """Recursive descent over the tokens; one method a rule of the grammar."""

    def __init__(self, query: str, now: datetime) -> None:
        self._tokens = list(_tokens(query))
        self._now = now
        self._depth = 0

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
        field = _field(name, asked)
        if asked not in field.operators:
            raise QueryError(f"{name.text} takes no {asked}; it takes {', '.join(sorted(field.operators))}")
        wanted = self._wanted(asked, field)
        holds = _OPERATORS[asked]
        return lambda details: holds(field.read(details), wanted)

    def _operator(self) -> str:
        text = self._next("an operator", "mark", "word").text
        if text == "NOT":
            text += " " + self._next("=, IN or EXISTS", "mark", "word").text
        if text not in _OPERATORS:
            raise QueryError(f"{text!r} is no operator; they are {' '.join(_OPERATORS)}")
        return text

    def _wanted(self, asked: str, field: _Field) -> object:
        if asked.endswith("EXISTS"):
            return None
        return self._array(field) if asked.endswith("IN") else self._literal(field)

    def _array(self, field: _Field) -> list[object]:
        self.expect("[", "[")
        values = [self._literal(field)]
        while self._take(","):
            values.append(self._literal(field))
        self.expect("]", ", or ]")
        return values

    def _literal(self, field: _Field) -> object:
        return field.literal(self._next("a value", "string", "word"), self._now)

    def _take(self, text: str) -> bool:
        token = self._tokens[0]
        # A quoted "AND" is a value, never the keyword.
        found = token.kind != "string" and token.text == text
        if found and token.kind != "end":
            del self._tokens[0]
        return found

    def _next(self, what: str, *kinds: str) -> _Token:
        if self._tokens[0].kind not in kinds:
            raise _unexpected(self._tokens[0], what)
        return self._tokens.pop(0)


def _tokens(query: str) -> Iterator[_Token]:
    position = 0
    while match := _TOKEN.match(query, position):
        kind = str(match.lastgroup)
        start, position = match.start(kind), match.end()
        text = match[kind]
        yield _Token(kind, _unquoted(text, start) if kind == "string" else text, start)
    if query[position:].strip():
        raise QueryError(f"a quote is opened at character {position} and never closed")
    yield _Token("end", "", len(query))


def _unquoted(text: str, start: int) -> str:
    """Read a quoted string: JSON's escapes in double quotes (guess), none in single ones (docs, one example)."""
    if text.startswith("'"):
        return text[1:-1]
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        raise QueryError(f"the string at character {start} has an escape that JSON does not know") from None


def _unexpected(token: _Token, what: str) -> QueryError:
    found = repr(token.text) if token.kind != "end" else "the end of the query"
    return QueryError(f"expected {what} at character {token.position}, found {found}")


def _text(token: _Token, _now: datetime) -> str:
    if token.kind != "string":
        raise QueryError(f"text goes in double quotes: {token.text}")
    return token.text


def _flag(token: _Token, _now: datetime) -> bool:
    if token.kind != "word" or token.text not in ("true", "false"):
        raise QueryError(f"expected true or false without quotes, found {token.text!r}")
    return token.text == "true"


def _quantity(units: Mapping[str, float], token: _Token, _now: datetime) -> float:
    """Read a number, with one of the units or none."""
    match = re.fullmatch(r"(-?[0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", token.text.lower(), re.ASCII)
    if not match or match[2] not in units:
        raise QueryError(f"{token.text!r} is no number with a unit of {', '.join(filter(None, units)) or 'none'}")
    return float(match[1]) * units[match[2]]


def _date(token: _Token, now: datetime) -> datetime:
    """Read an ISO 8601 date or a time ago such as `7d` (docs)."""
    try:
        if ago := re.fullmatch(r"([0-9]+)([hdwmy])", token.text, re.ASCII):
            return now - int(ago[1]) * _AGO[ago[2]]
        return _moment(token.text)
    except (ValueError, OverflowError):
        raise QueryError(f"{token.text!r} is no date (2020-01-31, 2020-01-31T12:00:00, 7d)") from None


def _any(token: _Token, now: datetime) -> object:
    """Read a custom metadata value, whose type the literal itself shows."""
    if token.kind == "string":
        return token.text
    return _flag(token, now) if token.text in ("true", "false") else _number(token, now)


def _date_or_number(token: _Token, now: datetime) -> object:
    return _date(token, now) if token.kind == "string" else _number(token, now)


# A month of 30 days and a year of 365 are guesses, and so is the 1024 of a kilobyte.
_AGO = {unit: timedelta(hours=hours) for unit, hours in {"h": 1, "d": 24, "w": 168, "m": 720, "y": 8760}.items()}
_number = partial(_quantity, {"": 1})
_bytes = partial(_quantity, {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3})
_seconds = partial(_quantity, {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600})


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _dated(value: object) -> object:
    """Turn ISO text into a moment; other text orders with nothing, and what is no text is as it was."""
    if not isinstance(value, str):
        return value
    try:
        return _moment(value)
    except ValueError:
        return None


def _slashes(folder: str) -> str:
    return f"/{folder.strip('/')}/".replace("//", "/")


def _inside(group: str, key: str) -> Callable[[Details], object]:
    def _read(details: Details) -> object:
        values = details.get(group)
        return values.get(key) if isinstance(values, Mapping) else None

    return _read


def _all_tags(details: Details) -> list[object]:
    """Give the tags and the names of the AI tags: a search looks in both (docs)."""
    tags, found = details.get("tags"), details.get("AITags")
    return [*_several(tags), *(tag.get("name") for tag in _several(found) if isinstance(tag, Mapping))]


def _format(details: Details) -> str:
    ending = str(details.get("name", "")).rpartition(".")[2].lower()
    return "jpg" if ending == "jpeg" else ending


def _in_folder(details: Details) -> str:
    return _slashes(str(details.get("filePath", "/")).rpartition("/")[0])


def _several(value: object) -> list[object]:
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
    return any(_same(one, other) for one in _several(stored) for other in wanted)


def _words(value: object) -> list[str]:
    return re.findall(r"[^\W_]+", str(value).casefold())


def _has(stored: object, wanted: object) -> bool:
    """Find all words in any order, whatever their case, the last one also as the beginning of a word (docs)."""
    there = [word for value in _several(stored) for word in _words(value)]
    words = _words(wanted)
    return bool(words) and set(words[:-1]) <= set(there) and any(word.startswith(words[-1]) for word in there)


def _exists(stored: object, _wanted: object) -> bool:
    return stored not in (None, "", [])


def _negated(holds: Callable[[Any, Any], bool], stored: object, wanted: object) -> bool:
    """Hold where the positive test does not, so also for a file without the field (guess)."""
    return not holds(stored, wanted)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
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
    "NOT EXISTS": partial(_negated, _exists),
}


_CHOICE = frozenset({"=", "IN", "NOT =", "NOT IN"})
_TEXT = _CHOICE | {":"}
_ORDER = frozenset({"<", "<=", ">", ">="})
_ARRAY = frozenset({"IN", "NOT IN", "HAS", "EXISTS", "NOT EXISTS"})


def _plain(key: str, literal: _Reader, operators: frozenset[str], default: object = None) -> _Field:
    return _Field(lambda details: details.get(key, default), literal, operators)


def _time(read: Callable[[Details], object], literal: _Reader = _date) -> _Field:
    return _Field(lambda details: _dated(read(details)), literal, _CHOICE | _ORDER)


_FIELDS = {
    "name": _plain("name", _text, _TEXT | {"HAS"}),
    "tags": _Field(_all_tags, _text, _ARRAY),
    "type": _plain("type", _text, _CHOICE, "file"),
    "id": _plain("fileId", _text, _CHOICE),
    "createdAt": _time(operator.methodcaller("get", "createdAt")),
    "updatedAt": _time(operator.methodcaller("get", "updatedAt")),
    "createdBy": _plain("createdBy", _text, _CHOICE),
    "width": _plain("width", _number, _CHOICE | _ORDER),
    "height": _plain("height", _number, _CHOICE | _ORDER),
    "size": _plain("size", _bytes, _CHOICE | _ORDER),
    "videoDuration": _plain("duration", _seconds, _CHOICE | _ORDER),
    "format": _Field(_format, _text, frozenset({"=", "IN"})),
    "private": _plain("isPrivateFile", _flag, frozenset({"="}), False),
    "published": _plain("isPublished", _flag, frozenset({"="}), True),
    "transparency": _plain("hasAlpha", _flag, frozenset({"="}), False),
    "path": _Field(_in_folder, lambda token, now: _slashes(_text(token, now)), _TEXT),
    "embeddedMetadata.DateTimeOriginal": _time(_inside("embeddedMetadata", "DateTimeOriginal")),
    "embeddedMetadata.Keywords": _Field(_inside("embeddedMetadata", "Keywords"), _text, _ARRAY),
}


def _field(name: _Token, asked: str) -> _Field:
    group, _, key = name.text.partition(".")
    if key and name.kind != "string":
        raise QueryError(f'a metadata field goes in double quotes: "{name.text}"')
    if group == "customMetadata" and key:
        return _custom(key, asked)
    if name.text not in _FIELDS:
        raise QueryError(f'{name.text!r} is no field; they are {", ".join(_FIELDS)} and "customMetadata.…"')
    return _FIELDS[name.text]


def _custom(key: str, asked: str) -> _Field:
    """Make a custom metadata field; its type is not known here, so the literal and the operator decide."""
    read = _inside("customMetadata", key)
    return _time(read, _date_or_number) if asked in _ORDER else _Field(read, _any, _TEXT | _ARRAY)
