"""The parameter `checks`: conditions on the request and the file, which an upload must meet [docs].

Field names are quoted, values need not be: `"file.size" < 1mb AND ("file.mime" : image OR "request.tags" HAS shoe)`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library import query_parser
from ikpipe.emulator.library.query_parser import Details, Predicate, QueryError, QueryToken, Reader, SearchField
from ikpipe.emulator.upload.parameters import UploadParameters

FieldMaker = Callable[[str, str], SearchField]
"""Returns a field for a name and an operator."""

SYNTAX = "Your request contains invalid syntax for the checks parameter."
FAILED = "Your request failed 'checks' validation."

_EQUAL = frozenset({"=", "NOT ="})
_NUMBER = frozenset({"=", *query_parser.ORDER})
_LIST = frozenset({"HAS", "NOT HAS"})


def read(text: str, schemas: Mapping[str, Mapping[str, Any]]) -> Predicate:
    """Parse conditions; `schemas` are those of the account's custom metadata fields by name.

    Raise `ErrorResponse` (400) if the text is not in the documented language [spec].
    """

    def _field_of(name: QueryToken, operator: str) -> SearchField:
        make = FIELDS.get(name.text) or _custom_field(name.text, schemas)
        # the docs say "remember to quote the fields"
        if make is None or name.kind != "string":
            raise QueryError(f"{name.text} is not a field")
        return make(name.text, operator)

    try:
        return query_parser.Parser(text, datetime.now(UTC), _field_of).parse()
    except QueryError:
        raise ErrorResponse(400, SYNTAX) from None


def check(condition: Predicate, parameters: UploadParameters, file: Details) -> None:
    """Reject an upload that does not meet its condition [spec]."""
    if not condition(_values(parameters, file)):
        raise ErrorResponse(400, FAILED)


def _values(parameters: UploadParameters, file: Details) -> dict[str, object]:
    """Return the values of all fields by their names in conditions."""
    request = {
        "fileName": parameters.name,
        "useUniqueFileName": parameters.unique,
        "tags": parameters.tags,
        "folder": _folder(parameters.folder),
        "isPrivateFile": parameters.private,
        "isPublished": parameters.published,
        "customCoordinates": parameters.coordinates,
        "webhookUrl": parameters.webhook_url,
        "overwriteFile": parameters.overwrite,
        "overwriteAITags": parameters.overwrite_ai_tags,
        "overwriteTags": parameters.overwrite_tags,
        "overwriteCustomMetadata": parameters.overwrite_metadata,
    }
    custom = {f"customMetadata.{name}": value for name, value in (parameters.metadata or {}).items()}
    media = ("width", "height", "duration", "videoCodec", "audioCodec", "bitRate")
    return {
        **{f"request.{name}": value for name, value in (request | custom).items()},
        **{f"file.{name}": file.get(name) for name in ("size", "mime")},
        **{f"mediaMetadata.{name}": file.get(name) for name in media},
    }


def _folder(path: str) -> str:
    """Return a folder as conditions write it: `marketing/`, and an empty text for the root."""
    inner = path.strip("/")
    return f"{inner}/" if inner else ""


def _text(token: QueryToken, _now: datetime) -> str:
    """Return text, quoted or not [docs: the examples have both]."""
    return token.text


def _boolean(token: QueryToken, _now: datetime) -> bool:
    if token.text not in {"true", "false"}:
        raise QueryError(f"expected true or false, found {token.text!r}")
    return token.text == "true"


def _field(literal: Reader, operators: frozenset[str]) -> FieldMaker:
    return lambda name, _operator: SearchField(lambda values: values.get(name), literal, operators)


def _folder_field(name: str, operator: str) -> SearchField:
    """Compare folders regardless of their outer slashes; `:` compares the beginning [guess]."""

    def _literal(token: QueryToken, _now: datetime) -> str:
        return token.text.lstrip("/") if operator == ":" else _folder(token.text)

    return SearchField(lambda values: values.get(name), _literal, query_parser.TEXT)


def _date_field(name: str, operator: str) -> SearchField:
    if operator == ":":
        return SearchField(lambda values: values.get(name), _text, _DATE)
    return SearchField(lambda values: query_parser.to_datetime(values.get(name)), query_parser.read_date, _DATE)


def _option(token: QueryToken, now: datetime) -> object:
    """Return an option as the type that it looks like: a number, true or false, or else text."""
    try:
        return query_parser.read_any(token, now)
    except QueryError:
        return token.text


def _custom_field(name: str, schemas: Mapping[str, Mapping[str, Any]]) -> FieldMaker | None:
    before, _, key = name.partition("request.customMetadata.")
    return CUSTOM[schemas[key]["type"]] if not before and key in schemas else None


_DATE = query_parser.TEXT | query_parser.ORDER
_TEXT_FIELD = _field(_text, query_parser.TEXT)
_BOOLEAN_FIELD = _field(_boolean, _EQUAL)
_NUMBER_FIELD = _field(query_parser.read_number, _NUMBER)
_LIST_FIELD = _field(_text, _LIST)

FIELDS: dict[str, FieldMaker] = {
    **dict.fromkeys(("request.fileName", "request.customCoordinates", "request.webhookUrl"), _TEXT_FIELD),
    **dict.fromkeys(("file.mime", "mediaMetadata.videoCodec", "mediaMetadata.audioCodec"), _TEXT_FIELD),
    **dict.fromkeys(("request.useUniqueFileName", "request.isPrivateFile", "request.isPublished"), _BOOLEAN_FIELD),
    **dict.fromkeys(("request.overwriteFile", "request.overwriteAITags", "request.overwriteTags"), _BOOLEAN_FIELD),
    "request.overwriteCustomMetadata": _BOOLEAN_FIELD,
    "request.tags": _LIST_FIELD,
    "request.folder": _folder_field,
    "file.size": _field(query_parser.read_bytes, _NUMBER),
    **dict.fromkeys(("mediaMetadata.width", "mediaMetadata.height", "mediaMetadata.bitRate"), _NUMBER_FIELD),
    "mediaMetadata.duration": _field(query_parser.read_seconds, _NUMBER),
}
"""The fields of conditions [docs: the table "Supported Fields for Upload API Checks"]."""

CUSTOM: dict[str, FieldMaker] = {
    **dict.fromkeys(("Text", "Textarea"), _TEXT_FIELD),
    "Number": _field(query_parser.read_number, _NUMBER | _EQUAL),
    "Date": _date_field,
    "Boolean": _BOOLEAN_FIELD,
    "SingleSelect": _field(_option, _DATE),
    "MultiSelect": _LIST_FIELD,
}
"""Custom metadata fields by type [docs]."""
