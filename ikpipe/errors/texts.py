"""The texts of errors: sentences with names of the Python interface as data, and values as people read them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import date, time, timedelta
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, Self

from ikpipe.errors.scrubbing import without_credentials

_JOINERS = "\u200c\u200d"  # between letters of Persian and the parts of an emoji


def printable(text: str) -> str:
    """Return text without line breaks, passwords in URLs, and characters that control a terminal or hide text.

    Text of tables and of the service passes through here before anybody sees it; a message with a line break of its
    own could look like another message.
    """
    return without_credentials(text if text.isprintable() else "".join(map(_printable, text)))


def _printable(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    return " " if char == "\t" or unicodedata.category(char) == "Zs" else "�"


def one_line(text: object) -> str:
    """Return text on one line, with single spaces, and `printable`."""
    return printable(" ".join(str(text).split()))


_WIDTH, _COPIED = 60, 10_000  # characters of a value, and of one that people copy
_READ = 10  # times the width: of this much text, URLs are shown without their passwords, before it is cut


class ApiName(NamedTuple):
    """A name of the Python interface in a text, kept as data so that the command line can write an option instead.

    `kind` is ``keyword`` (``root=``), ``column`` (an entry of ``columns=``), ``columns`` (several of them, as a dict),
    ``policy`` or ``account`` (a setting of these classes), ``function`` or ``attribute``. `value` is an example; None
    writes none, and ``...`` a placeholder. Dicts and lists are options to copy, and are not cut.
    """

    kind: Literal["keyword", "column", "columns", "policy", "account", "function", "attribute"]
    name: str
    value: Any = None

    def __str__(self) -> str:
        width = _COPIED if isinstance(self.value, dict | list) else _WIDTH
        value = "" if self.value is None else "…" if self.value is ... else short_repr(self.value, width)
        match self.kind:
            case "keyword" | "columns":
                return f"{self.name}={value}"
            case "column":
                return f"columns={{{self.name!r}: {value or '…'}}}"
            case "function":
                return f"{self.name}()"
            case "attribute":
                return f".{self.name}"
        return f"{self.kind.capitalize()}({self.name}={value or '…'})"


def keyword(name: str, value: Any = None) -> ApiName:
    """Return a keyword for a `Message`, with an example of its value."""
    return ApiName("keyword", name, value)


CREATE_FIELDS = ApiName("function", "create_metadata_fields")
RETRY, RESUME, RESULTS = ApiName("function", "retry"), ApiName("function", "resume"), ApiName("attribute", "results")


class Message(str):
    """Text for people, in terms of the Python interface; `written` writes its `ApiName`s in other terms.

    `parts` are text, which becomes `printable`, names, and messages whose parts are taken over; anything else becomes
    its text.
    """

    __slots__ = ("parts",)

    parts: tuple[str | ApiName, ...]

    def __new__(cls, *parts: object) -> Self:  # noqa: D102 - see the class
        flat: list[str | ApiName] = []
        for part in parts:
            flat += part.parts if isinstance(part, Message) else [_part(part)]
        message = super().__new__(cls, "".join(map(str, flat)))
        message.parts = tuple(flat)
        return message

    def written(self, write: Callable[[ApiName], str]) -> str:
        """Return the text with its names written by a function."""
        return "".join(write(part) if isinstance(part, ApiName) else part for part in self.parts)


def _part(part: object) -> str | ApiName:
    return part if isinstance(part, ApiName) else printable(str(part))


def sentences(*texts: str | None) -> Message:
    """Return texts as one, with a space between them; None and empty texts are left out."""
    return Message(*(part for at, text in enumerate(filter(None, texts)) for part in ((" ", text) if at else (text,))))


def did_you_mean(word: object, words: Iterable[object], cutoff: float = 0) -> str:
    """Return ``" (did you mean 'color'?)"`` with the most similar of some words; empty text if there are none.

    `cutoff` is the similarity that is needed, from 0 to 1.
    """
    spellings = {str(one).lower(): one for one in words}
    similar = get_close_matches(str(word).lower(), spellings, n=1, cutoff=cutoff)
    return f" (did you mean {spellings[similar[0]]!r}?)" if similar else ""


def short_repr(value: object, width: int = _WIDTH) -> str:
    """Return the ``repr`` of a value for a message, cut to a number of characters; of bytes only how many these are."""
    try:
        text = f"{len(value):,} bytes" if isinstance(value, bytes | bytearray) else repr(value)
    except RecursionError:
        text = f"a deeply nested {type(value).__name__}"
    except ValueError:  # Python does not print integers of thousands of digits
        text = f"an endless {type(value).__name__}"
    except Exception:  # noqa: BLE001 - of a class that somebody else wrote
        text = f"a value of type {type(value).__name__}"
    return cut(printable(text), width)


def cut(text: str, width: int = _WIDTH) -> str:
    """Return text cut to a number of characters."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def listed(values: Sequence[Any], most: int, show: Callable[[Any], str] = str) -> str:
    """Return values with commas between them; if they are too many, the first ones, and how many more there are."""
    more = f" and {len(values) - most:,} more" if len(values) > most else ""
    return ", ".join(map(show, values[:most])) + more


def quoted(value: object, width: int = _WIDTH) -> str:
    """Return a cell's value for a message: text in quotes, with escapes for characters that are not printable.

    Backslashes stay as they are, so that people find the text in their table. Dates and times are in ISO form; other
    values are as `short_repr` returns them.
    """
    if isinstance(value, date | time | timedelta):
        return str(value)
    if type(value) is not str:
        return short_repr(value, width)
    value = without_credentials(value[: _READ * width])
    mark = "'" if '"' in value[:width] else '"'
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in value[:width])
    return f"{mark}{shown}{mark}" if len(shown) + 2 <= width else f"{mark}{shown[: width - 2]}…{mark}"


def reason(error: Exception) -> str:
    """Return why a reader of content that anybody may have written failed."""
    return "it is nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())[:200]


def describe_exception(error: Exception) -> str:
    """Return an exception's class and message on one line, even if the exception cannot be printed."""
    try:
        words = "the host's name cannot be resolved (DNS)" if _is_unresolved(error) else one_line(error)
    except Exception:  # noqa: BLE001
        words = ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _is_unresolved(error: BaseException | None) -> bool:
    """Whether the cause of an exception is a name that DNS does not know: `socket` is only loaded with a network."""
    while error is not None:
        if type(error).__name__ == "gaierror":
            return True
        error = error.__cause__ or error.__context__
    return False
