"""The parameter `checks`: conditions that an upload brings, of the request and of the file (`docs`).

Fields go in quotes, values need none: `"file.size" < 1mb AND ("file.mime" : image OR "request.tags" HAS shoe)`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ikpipe.emulator.library import query
from ikpipe.emulator.library.query import QueryError, SearchField
from ikpipe.emulator.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ikpipe.emulator.library.query import Details, Predicate, QueryToken, Reader
    from ikpipe.emulator.upload.parameters import UploadParameters

SYNTAX = "Your request contains invalid syntax for the checks parameter."
FAILED = "Your request failed 'checks' validation."

_EQUAL = frozenset({"=", "NOT ="})
_NUMBER = frozenset({"=", *query.ORDER})
_LIST = frozenset({"HAS", "NOT HAS"})


def read(text: str, schemas: Mapping[str, Mapping[str, Any]]) -> Predicate:
    """Read conditions; `schemas` are those of the account's custom metadata fields.

    Raises
    ------
    Refusal
        400 for whatever is not of the documented language (`spec`).
    """

    def field(name: QueryToken, asked: str) -> SearchField:
        found = FIELDS.get(name.text) or _custom(name.text, schemas)
        # fields go in quotes (docs: "remember to quote the fields")
        if found is None or name.kind != "string":
            raise QueryError(f"{name.text} is no field")
        return found(name.text, asked)

    try:
        return query.Parser(text, datetime.now(UTC), field).whole()
    except QueryError:
        raise Refusal(400, SYNTAX) from None


def check(condition: Predicate, wanted: UploadParameters, described: Details) -> None:
    """Hold an upload to its conditions (`spec`)."""
    if not condition(_facts(wanted, described)):
        raise Refusal(400, FAILED)


def _facts(wanted: UploadParameters, described: Details) -> dict[str, object]:
    """Give all that can be asked for, by the names under which it is."""
    request = {
        "fileName": wanted.name,
        "useUniqueFileName": wanted.unique,
        "tags": wanted.tags,
        "folder": _folder(wanted.folder),
        "isPrivateFile": wanted.private,
        "isPublished": wanted.published,
        "customCoordinates": wanted.coordinates,
        "webhookUrl": wanted.webhook_url,
        "overwriteFile": wanted.overwrite,
        "overwriteAITags": wanted.overwrite_ai_tags,
        "overwriteTags": wanted.overwrite_tags,
        "overwriteCustomMetadata": wanted.overwrite_metadata,
    }
    custom = {f"customMetadata.{name}": value for name, value in (wanted.metadata or {}).items()}
    media = ("width", "height", "duration", "videoCodec", "audioCodec", "bitRate")
    return {
        **{f"request.{name}": value for name, value in (request | custom).items()},
        **{f"file.{name}": described.get(name) for name in ("size", "mime")},
        **{f"mediaMetadata.{name}": described.get(name) for name in media},
    }


def _folder(path: str) -> str:
    """Write a folder as conditions do: `marketing/`, and nothing for the root."""
    inner = path.strip("/")
    return f"{inner}/" if inner else ""


def _word(token: QueryToken, _now: datetime) -> str:
    """Read text, in quotes or not (`docs`: both are in the examples)."""
    return token.text


def _boolean(token: QueryToken, _now: datetime) -> bool:
    if token.text not in {"true", "false"}:
        raise QueryError(f"expected true or false, found {token.text!r}")
    return token.text == "true"


def _kind(literal: Reader, operators: frozenset[str]) -> Callable[[str, str], SearchField]:
    return lambda name, _asked: SearchField(lambda details: details.get(name), literal, operators)


def _in_folder(name: str, asked: str) -> SearchField:
    """Compare folders whatever slashes they are written with; `:` asks for the beginning of one (`guess`)."""

    def literal(token: QueryToken, _now: datetime) -> str:
        return token.text.lstrip("/") if asked == ":" else _folder(token.text)

    return SearchField(lambda details: details.get(name), literal, query.TEXT)


def _date(name: str, asked: str) -> SearchField:
    if asked == ":":
        return SearchField(lambda details: details.get(name), _word, _DATE)
    return SearchField(lambda details: query.dated(details.get(name)), query.read_date, _DATE)


def _select(token: QueryToken, now: datetime) -> object:
    """Read an option by its looks: a number, true or false, else text."""
    try:
        return query.read_any(token, now)
    except QueryError:
        return token.text


def _custom(name: str, schemas: Mapping[str, Mapping[str, Any]]) -> Callable[[str, str], SearchField] | None:
    group, _, key = name.partition("request.customMetadata.")
    return CUSTOM[schemas[key]["type"]] if not group and key in schemas else None


_DATE = query.TEXT | query.ORDER
_TEXT = _kind(_word, query.TEXT)
_FLAG = _kind(_boolean, _EQUAL)
_AMOUNT = _kind(query.read_number, _NUMBER)
_TAGS = _kind(_word, _LIST)

FIELDS: dict[str, Callable[[str, str], SearchField]] = {
    **dict.fromkeys(("request.fileName", "request.customCoordinates", "request.webhookUrl", "file.mime"), _TEXT),
    **dict.fromkeys(("mediaMetadata.videoCodec", "mediaMetadata.audioCodec"), _TEXT),
    **dict.fromkeys(("request.useUniqueFileName", "request.isPrivateFile", "request.isPublished"), _FLAG),
    **dict.fromkeys(("request.overwriteFile", "request.overwriteAITags", "request.overwriteTags"), _FLAG),
    "request.overwriteCustomMetadata": _FLAG,
    "request.tags": _TAGS,
    "request.folder": _in_folder,
    "file.size": _kind(query.read_bytes, _NUMBER),
    **dict.fromkeys(("mediaMetadata.width", "mediaMetadata.height", "mediaMetadata.bitRate"), _AMOUNT),
    "mediaMetadata.duration": _kind(query.read_seconds, _NUMBER),
}
"""What can be asked for, and how (`docs`: the table "Supported Fields for Upload API Checks")."""

CUSTOM: dict[str, Callable[[str, str], SearchField]] = {
    **dict.fromkeys(("Text", "Textarea"), _TEXT),
    "Number": _kind(query.read_number, _NUMBER | _EQUAL),
    "Date": _date,
    "Boolean": _FLAG,
    "SingleSelect": _kind(_select, _DATE),
    "MultiSelect": _TAGS,
}
"""The same of custom metadata, by the type of the field (`docs`)."""
