"""Find columns whose names are almost those of parameters, such as `Tags` or `Is Private File`. Pure."""

import unicodedata
from collections.abc import Collection, Hashable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ikpipe.errors import ApiName, Message, Problem, keyword, short_repr
from ikpipe.request.parameters import TABLE, Parameter, python_name
from ikpipe.request.result import EXTRA, RESULT_COLUMNS

METADATA = ("custom_metadata.", "customMetadata.")
"""The beginnings of a column's name that sets a metadata field, in either spelling."""

_VISIBILITY = ("is_private_file", "is_published")  # a mistake in these can make a file public
_LETTERS = 6  # of a name that is compared with one letter changed: of shorter ones, too many are words
_SEPARATORS = ".:/["  # what programs put between the name of an object and that of its field
_MOST = 40  # characters of a column's name in a message


class NearMiss(NamedTuple):
    """A column that is not used, and the parameter that its name is almost the name of.

    `name` is a parameter, or ``custom_metadata.`` and a field. `severity` is that of a `Problem`.
    """

    label: Hashable
    name: str
    severity: str

    @property
    def problem(self) -> Problem:
        """The warning about the column for the frame of `ikpipe.check`, without a row."""
        message, fix = warning([self])
        return Problem(None, None, self.label, self.name, "warning", "similar_column", message, fix)


def near_misses(
    labels: Iterable[Hashable], given: Collection[str], table: Mapping[str, Parameter] = TABLE
) -> list[NearMiss]:
    """Return the columns whose names are almost those of parameters.

    `labels` are those of columns that are neither mapped nor ignored. `given` are the parameters that the mapping or
    keywords give, and ``custom_metadata.`` with each field that they give, or with ``*`` if the fields are not known.
    `table` are the parameters.
    """
    provided = {_squashed(name) for name in given}
    found = (_near_miss(label, table) for label in labels if not is_result(label))
    return [
        miss
        for miss in found
        if miss is not None
        and _squashed(miss.name) not in provided
        and not (miss.name.startswith(METADATA) and f"{METADATA[0]}*" in given)
    ]


def is_result(label: Hashable) -> bool:
    """Whether a column is one of the results of an earlier run."""
    return label in RESULT_COLUMNS or label == EXTRA


def described(misses: Iterable[NearMiss]) -> str:
    """Return a sentence that names the columns."""
    pairs = _pairs(misses)
    if len(pairs) == 1:
        return f"The column {pairs[0]} is not used, although its name is almost the name of a parameter."
    return f"These columns are not used, although their names are almost the names of parameters: {', '.join(pairs)}."


def warning(misses: Collection[NearMiss]) -> tuple[str, Message]:
    """Return what is unusual about columns whose names are similar to parameters, and what to do about it."""
    pairs = _pairs(misses)
    message = f"The column {pairs[0]} is not used. Its name is similar to a parameter."
    if len(pairs) > 1:
        message = f"These columns are not used. Their names are similar to parameters: {', '.join(pairs)}."
    return message, how_to_use(misses)


def _pairs(misses: Iterable[NearMiss]) -> list[str]:
    return [f"{shown(miss.label)} ({miss.name})" for miss in misses]


def how_to_use(misses: Collection[NearMiss], more: Mapping[str, Any] | None = None) -> Message:
    """Return a sentence with the options that use the columns, and with those that ignore them.

    `more` are entries of `columns` that are suggested too.
    """
    them = "it" if len(misses) == 1 and not more else "them"
    columns, ignore = {**(more or {}), **_as_columns(misses)}, keyword("ignore", [miss.label for miss in misses])
    used = ApiName("columns", "columns", columns)
    return Message(
        f"To use {them}, pass ", used, f"; to ignore {'it' if len(misses) == 1 else 'them'}, pass ", ignore, "."
    )


def _as_columns(misses: Iterable[NearMiss]) -> dict[str, Any]:
    """Return an entry of `columns` for each parameter; of several columns for one parameter, tags take all."""
    columns: dict[str, Any] = {}
    for label, name, _ in misses:
        parameter, dot, field = name.partition(".")
        if dot and isinstance(fields := columns.setdefault(parameter, {}), dict):  # not the column of all fields
            fields.setdefault(field, label)
        elif dot:
            continue
        elif name == "tags" and name in columns:
            before = columns[name]
            columns[name] = [*(before if isinstance(before, list) else [before]), label]
        else:
            columns.setdefault(name, label)
    return columns


def label_text(label: Hashable) -> str:
    """Return a column's label as text, without the byte-order mark that a careless reader of its file left there."""
    return str(label).removeprefix("\ufeff")


def shown(label: Hashable) -> str:
    """Return a column's label for a message."""
    return short_repr(label, _MOST)


def _near_miss(label: Hashable, table: Mapping[str, Parameter]) -> NearMiss | None:
    """Return what a column's name is almost the name of, if it is."""
    text = label_text(label)
    if python_name(text) in {**TABLE, **table} or text.startswith(METADATA):
        return None
    squashed = _squashed(text)
    for name in table:
        if squashed == _squashed(name):
            return NearMiss(label, name, "error")
    for name in table:
        if name in _VISIBILITY and _is_one_off(squashed, _squashed(name)):
            return NearMiss(label, name, "error")
        if len(squashed) >= _LETTERS and squashed.isalpha() and _is_one_off(squashed, _squashed(name)):
            return NearMiss(label, name, "warning")
    return _near_metadata(label, text)


def _near_metadata(label: Hashable, text: str) -> NearMiss | None:
    """Return the metadata field that a column's name is almost the name of, such as `Custom Metadata.brand`."""
    whole = _squashed("custom_metadata")
    head, dot, field = text.partition(".")
    if dot and field and _is_one_off(_squashed(head), whole) and _squashed(head) != whole:
        return NearMiss(label, METADATA[0] + field, "warning")
    if not _squashed(text).startswith(whole):
        return None
    end = next(end for end in range(len(text) + 1) if _squashed(text[:end]) == whole)
    rest = text[end:].strip()
    field = rest.strip(f"{_SEPARATORS}] _-")
    if not field:
        return None
    return NearMiss(label, METADATA[0] + field, "error" if rest[0] in _SEPARATORS else "warning")


@lru_cache(maxsize=1_000)
def _squashed(name: str) -> str:
    """Return a name without case, and without what separates its words or is invisible."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("\u0131", "i")  # a Turkish I
    kept = "".join(char for char in text if not _is_separator(char))
    return kept.strip("\"'`*:")  # quotes, and marks of required columns


def _is_separator(char: str) -> bool:
    """Whether a character is a space, a dash, a dot or a line below, or is not visible."""
    category = unicodedata.category(char)
    return category[0] in "ZC" or category in ("Pd", "Pc") or char in ".\u0307"  # U+0307 is left of a Turkish İ


def _is_one_off(name: str, other: str) -> bool:
    """Whether two names differ in one letter: another one, one more, one less, or two exchanged."""
    at = next((at for at, pair in enumerate(zip(name, other, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(name), len(other)) if at is None else at
    rest, rest_of_other = name[at:], other[at:]
    if rest[1:] == rest_of_other[1:] or rest[1:] == rest_of_other or rest == rest_of_other[1:]:
        return True
    return rest[:2] == rest_of_other[1::-1] and rest[2:] == rest_of_other[2:]
