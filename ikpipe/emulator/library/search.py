"""Turns a `searchQuery` into a test of one file's details: the fields of searches, and what each can be compared with.

Grammar and operators are those of "List and search assets" [docs]. A query outside the documented language is rejected,
so that its error shows here, and not only with the service.
"""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ikpipe.emulator.library.query_parser import (
    ARRAY,
    CHOICE,
    ORDER,
    TEXT,
    Comparison,
    Details,
    Parser,
    Query,
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
from ikpipe.emulator.store import selection
from ikpipe.emulator.store.selection import Indexed
from ikpipe.emulator.upload.parameters import folder_path

__all__ = ["KINDS", "QueryError", "indexed", "kinds", "parse"]

KINDS = ("file", "folder", "file-version")
"""The types of assets."""
MOST_INDEXED = 50
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse(query: str, *, now: datetime | None = None) -> Query:
    """Return a search query as a test of one asset, which takes its details by their names in the API.

    `query` is the `searchQuery` of `GET /v1/files`; `now` is the time that relative dates such as `"7d"` count back
    from, None the current time. Raise `QueryError` if the query is not in the grammar, or uses an operator that the
    field does not have in the documentation.
    """
    return Parser(query, now or datetime.now(UTC), _field).parse()


def kinds(query: Query) -> frozenset[str]:
    """Return the types of assets that a query can find: files only, if it says nothing about the type [guess]."""
    if not _mentions_type(query):
        return frozenset({"file"})
    return frozenset(kind for kind in KINDS if _can_be(query, kind))


def _mentions_type(query: Query) -> bool:
    if isinstance(query, Comparison):
        return query.name == "type"
    return any(_mentions_type(part) for part in query.parts)


def _can_be(query: Query, kind: str) -> bool:
    if isinstance(query, Comparison):
        return query.name != "type" or query({"type": kind})
    return query.combine(_can_be(part, kind) for part in query.parts)


def indexed(query: Query) -> list[Indexed]:
    """Return conditions that the store has an index of; each file that the query finds meets all of them.

    There are at most `MOST_INDEXED`, in one joined by OR as well, since SQLite has limits.
    """
    if isinstance(query, Comparison):
        make = _INDEXED.get((query.name, query.operator))
        # SQLite cannot store a lone surrogate, which JSON can escape
        return [] if make is None or _SURROGATE.search(str(query.value)) else [make(query.value)]
    parts = [indexed(part) for part in query.parts]
    if query.combine is all:
        return [condition for part in parts for condition in part][:MOST_INDEXED]
    either = [selection.either([part[0] for part in parts])] if all(parts) else []
    return [condition for condition in either if condition.rows.count(selection.UNION) < MOST_INDEXED]


_INDEXED: dict[tuple[str, str], Callable[[Any], Indexed]] = {
    ("name", "="): lambda name: selection.with_names([name]),
    ("name", "IN"): selection.with_names,
    ("name", ":"): selection.with_name_beginning,
    ("tags", "IN"): selection.with_tags,
    ("path", "="): selection.in_folder,
    ("path", "IN"): selection.in_folders,
    ("path", ":"): selection.below_folder,
    ("id", "="): lambda identifier: selection.with_ids([identifier]),
    ("id", "IN"): selection.with_ids,
}


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
    """Return the folder that an asset is in."""
    path = details.get("filePath") or details.get("folderPath") or "/"
    return folder_path(str(path).rpartition("/")[0])


def _identifier(details: Details) -> object:
    return details.get("fileId") or details.get("folderId")


def _detail(key: str, literal: Reader, operators: frozenset[str], default: object = None) -> SearchField:
    return SearchField(lambda details: details.get(key, default), literal, operators)


def _time(read: Callable[[Details], object], literal: Reader = read_date) -> SearchField:
    return SearchField(lambda details: to_datetime(read(details)), literal, CHOICE | ORDER)


_FIELDS = {
    "name": _detail("name", read_text, TEXT | {"HAS"}),
    "tags": SearchField(_all_tags, read_text, ARRAY),
    "type": _detail("type", read_text, CHOICE, "file"),
    "id": SearchField(_identifier, read_text, CHOICE),
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
