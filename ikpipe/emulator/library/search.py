"""The media API's search language: a `searchQuery` text becomes a test of one file's details.

Grammar and operators are those of "List and search assets" (docs); the tables below name each field's own. A query
that leaves the documented language is refused, so that a pipeline learns here and not from the service.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from ikpipe.emulator.library.query import (
    ARRAY,
    CHOICE,
    ORDER,
    TEXT,
    Details,
    Parser,
    Predicate,
    QueryError,
    QueryToken,
    Reader,
    SearchField,
    dated,
    read_any,
    read_bytes,
    read_date,
    read_date_or_number,
    read_flag,
    read_number,
    read_seconds,
    read_text,
    several,
)

__all__ = ["Predicate", "QueryError", "parse"]


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
    return Parser(query, now or datetime.now(UTC), _field).whole()


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
    return [*several(tags), *(tag.get("name") for tag in several(found) if isinstance(tag, Mapping))]


def _format(details: Details) -> str:
    ending = str(details.get("name", "")).rpartition(".")[2].lower()
    return "jpg" if ending == "jpeg" else ending


def _in_folder(details: Details) -> str:
    return _slashes(str(details.get("filePath", "/")).rpartition("/")[0])


def _plain(key: str, literal: Reader, operators: frozenset[str], default: object = None) -> SearchField:
    return SearchField(lambda details: details.get(key, default), literal, operators)


def _time(read: Callable[[Details], object], literal: Reader = read_date) -> SearchField:
    return SearchField(lambda details: dated(read(details)), literal, CHOICE | ORDER)


_FIELDS = {
    "name": _plain("name", read_text, TEXT | {"HAS"}),
    "tags": SearchField(_all_tags, read_text, ARRAY),
    "type": _plain("type", read_text, CHOICE, "file"),
    "id": _plain("fileId", read_text, CHOICE),
    "createdAt": _time(operator.methodcaller("get", "createdAt")),
    "updatedAt": _time(operator.methodcaller("get", "updatedAt")),
    "createdBy": _plain("createdBy", read_text, CHOICE),
    "width": _plain("width", read_number, CHOICE | ORDER),
    "height": _plain("height", read_number, CHOICE | ORDER),
    "size": _plain("size", read_bytes, CHOICE | ORDER),
    "videoDuration": _plain("duration", read_seconds, CHOICE | ORDER),
    "format": SearchField(_format, read_text, frozenset({"=", "IN"})),
    "private": _plain("isPrivateFile", read_flag, frozenset({"="}), False),
    "published": _plain("isPublished", read_flag, frozenset({"="}), True),
    "transparency": _plain("hasAlpha", read_flag, frozenset({"="}), False),
    "path": SearchField(_in_folder, lambda token, now: _slashes(read_text(token, now)), TEXT),
    "embeddedMetadata.DateTimeOriginal": _time(_inside("embeddedMetadata", "DateTimeOriginal")),
    "embeddedMetadata.Keywords": SearchField(_inside("embeddedMetadata", "Keywords"), read_text, ARRAY),
}


def _field(name: QueryToken, asked: str) -> SearchField:
    group, _, key = name.text.partition(".")
    if key and name.kind != "string":
        raise QueryError(f'a metadata field goes in double quotes: "{name.text}"')
    if group == "customMetadata" and key:
        return _custom(key, asked)
    if name.text not in _FIELDS:
        raise QueryError(f'{name.text!r} is no field; they are {", ".join(_FIELDS)} and "customMetadata.…"')
    return _FIELDS[name.text]


def _custom(key: str, asked: str) -> SearchField:
    """Make a custom metadata field; its type is not known here, so the literal and the operator decide."""
    read = _inside("customMetadata", key)
    return _time(read, read_date_or_number) if asked in ORDER else SearchField(read, read_any, TEXT | ARRAY)
