"""Turns a `searchQuery` into a test of one file's details: the fields of searches, and what each can be compared with.

Grammar and operators are those of "List and search assets" [docs]. A query outside the documented language is rejected,
so that its error shows here, and not only with the service.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from ikpipe.emulator.library.query_parser import (
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
    read_any,
    read_bytes,
    read_date,
    read_date_or_number,
    read_flag,
    read_number,
    read_seconds,
    read_text,
    to_datetime,
    to_list,
)
from ikpipe.emulator.upload.parameters import folder_path

__all__ = ["Predicate", "QueryError", "parse"]


def parse(query: str, *, now: datetime | None = None) -> Predicate:
    """Return a search query as a test of one file, which takes the file's details by their names in the API.

    `query` is the `searchQuery` of `GET /v1/files`; `now` is the time that relative dates such as `"7d"` count back
    from, None the current time. Raise `QueryError` if the query is not in the grammar, or uses an operator that the
    field does not have in the documentation.
    """
    return Parser(query, now or datetime.now(UTC), _field).parse()


def _nested(group: str, key: str) -> Callable[[Details], object]:
    def _read(details: Details) -> object:
        values = details.get(group)
        return values.get(key) if isinstance(values, Mapping) else None

    return _read


def _all_tags(details: Details) -> list[object]:
    """Return the tags and the names of the AI tags, since a search finds both [docs]."""
    tags, ai_tags = details.get("tags"), details.get("AITags")
    return [*to_list(tags), *(tag.get("name") for tag in to_list(ai_tags) if isinstance(tag, Mapping))]


def _format(details: Details) -> str:
    ending = str(details.get("name", "")).rpartition(".")[2].lower()
    return "jpg" if ending == "jpeg" else ending


def _folder(details: Details) -> str:
    return folder_path(str(details.get("filePath", "/")).rpartition("/")[0])


def _detail(key: str, literal: Reader, operators: frozenset[str], default: object = None) -> SearchField:
    return SearchField(lambda details: details.get(key, default), literal, operators)


def _time(read: Callable[[Details], object], literal: Reader = read_date) -> SearchField:
    return SearchField(lambda details: to_datetime(read(details)), literal, CHOICE | ORDER)


_FIELDS = {
    "name": _detail("name", read_text, TEXT | {"HAS"}),
    "tags": SearchField(_all_tags, read_text, ARRAY),
    "type": _detail("type", read_text, CHOICE, "file"),
    "id": _detail("fileId", read_text, CHOICE),
    "createdAt": _time(operator.methodcaller("get", "createdAt")),
    "updatedAt": _time(operator.methodcaller("get", "updatedAt")),
    "createdBy": _detail("createdBy", read_text, CHOICE),
    "width": _detail("width", read_number, CHOICE | ORDER),
    "height": _detail("height", read_number, CHOICE | ORDER),
    "size": _detail("size", read_bytes, CHOICE | ORDER),
    "videoDuration": _detail("duration", read_seconds, CHOICE | ORDER),
    "format": SearchField(_format, read_text, frozenset({"=", "IN"})),
    "private": _detail("isPrivateFile", read_flag, frozenset({"="}), False),
    "published": _detail("isPublished", read_flag, frozenset({"="}), True),
    "transparency": _detail("hasAlpha", read_flag, frozenset({"="}), False),
    "path": SearchField(_folder, lambda token, now: folder_path(read_text(token, now)), TEXT),
    "embeddedMetadata.DateTimeOriginal": _time(_nested("embeddedMetadata", "DateTimeOriginal")),
    "embeddedMetadata.Keywords": SearchField(_nested("embeddedMetadata", "Keywords"), read_text, ARRAY),
}


def _field(name: QueryToken, operator_name: str) -> SearchField:
    group, _, key = name.text.partition(".")
    if key and name.kind != "string":
        raise QueryError(f'a metadata field needs double quotes: "{name.text}"')
    if group == "customMetadata" and key:
        return _custom(key, operator_name)
    if name.text not in _FIELDS:
        raise QueryError(f'{name.text!r} is not a field; use one of {", ".join(_FIELDS)} and "customMetadata.…"')
    return _FIELDS[name.text]


def _custom(key: str, operator_name: str) -> SearchField:
    """Return a custom metadata field, whose type is not known here: the literal and the operator decide."""
    read = _nested("customMetadata", key)
    return _time(read, read_date_or_number) if operator_name in ORDER else SearchField(read, read_any, TEXT | ARRAY)
