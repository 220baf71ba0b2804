"""Custom metadata fields: checks of their schemas, and of the values in them."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter

Schema = dict[str, Any]

BOUNDS = ("minValue", "maxValue")
LENGTHS = ("minLength", "maxLength")
KEYS: dict[str, tuple[str, ...]] = {
    "Text": LENGTHS,
    "Textarea": LENGTHS,
    "Number": BOUNDS,
    "Date": BOUNDS,
    "Boolean": (),
    "SingleSelect": ("selectOptions",),
    "MultiSelect": ("selectOptions",),
}
"""The types, and the keys that each schema may have besides the common ones [spec]."""
RESERVED = "_internal_original_created_datetime"
"""A name that no field can have [spec]."""
COMMON_KEYS = ("type", "isValueRequired", "defaultValue")

_OPTIONS = (str, int, float, bool)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?", re.ASCII)


def check_values(values: Mapping[str, object], fields: Sequence[Mapping[str, Any]]) -> None:
    """Reject metadata with unknown fields, invalid values, or missing required fields.

    Fields must exist [upload docs]; values must match the schemas [spec]; the messages are guesses.
    """
    schemas = {field["name"]: field["schema"] for field in fields}
    for name, value in values.items():
        _check_value(name, value, schemas)
    _check_required(values, schemas)


def check_changes(
    changes: Mapping[str, object], old: Mapping[str, object], fields: Sequence[Mapping[str, Any]]
) -> None:
    """Reject invalid changes of a file's metadata, in which null removes a value, by the same rules as metadata."""
    schemas = {field["name"]: field["schema"] for field in fields}
    for name, value in changes.items():
        # the value of a field that was deleted can be removed
        if value is not None or name not in old:
            _check_value(name, value, schemas, removed=value is None)
    _check_required({**old, **changes}, schemas)


def _check_value(name: str, value: object, schemas: Mapping[str, Schema], *, removed: bool = False) -> None:
    if name not in schemas:
        raise invalid_parameter("customMetadata", f"The field {name} does not exist.")
    problem = None if removed else value_problem(value, schemas[name])
    if problem:
        raise invalid_parameter("customMetadata", f"The value of {name} {problem}.")


def _check_required(values: Mapping[str, object], schemas: Mapping[str, Schema]) -> None:
    for name, schema in schemas.items():
        if schema.get("isValueRequired") and values.get(name) in (None, ""):
            raise invalid_parameter("customMetadata", f"The field {name} is required.")


def value_problem(value: object, schema: Schema) -> str | None:
    """Return what is wrong with a value of a field, or None."""
    return VALUE_PROBLEMS[schema["type"]](value, schema)


def _text(value: object, schema: Schema) -> str | None:
    if not isinstance(value, str):
        return "must be text"
    if len(value) < schema.get("minLength", 0):
        return f"is shorter than {schema['minLength']} characters"
    if len(value) > schema.get("maxLength", len(value)):
        return f"is longer than {schema['maxLength']} characters"
    return None


def _number(value: object, schema: Schema) -> str | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "must be a number"
    if value < schema.get("minValue", value):
        return f"is less than {schema['minValue']}"
    if value > schema.get("maxValue", value):
        return f"is greater than {schema['maxValue']}"
    return None


def _date(value: object, schema: Schema) -> str | None:
    when = _day(value)
    if when is None:
        return "must be an ISO 8601 date"
    if when < (_day(schema.get("minValue")) or when):
        return f"is before {schema['minValue']}"
    if when > (_day(schema.get("maxValue")) or when):
        return f"is after {schema['maxValue']}"
    return None


def _day(value: object) -> date | None:
    """Return the day of an ISO 8601 date or time [guess: the service stores days]."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        return None


def _boolean(value: object, _schema: Schema) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _single_select(value: object, schema: Schema) -> str | None:
    return None if _is_option(value, schema) else "is none of the field's options"


def _multi_select(value: object, schema: Schema) -> str | None:
    if not isinstance(value, list):
        return "must be an array"
    return None if all(_is_option(item, schema) for item in value) else "has an element that is none of the options"


def _is_option(value: object, schema: Schema) -> bool:
    """Whether a value is an option; compared with its type, since `True == 1` in Python but not in JSON."""
    return any(type(option) is type(value) and option == value for option in schema["selectOptions"])


VALUE_PROBLEMS: dict[str, Callable[[object, Schema], str | None]] = {
    "Text": _text,
    "Textarea": _text,
    "Number": _number,
    "Date": _date,
    "Boolean": _boolean,
    "SingleSelect": _single_select,
    "MultiSelect": _multi_select,
}


NOT_ALLOWED = "not allowed for this type"
"""What is wrong with a key of a schema that its type does not have [recorded]."""


def _bound(value: object, kind: str) -> str | None:
    return None if VALUE_PROBLEMS[kind](value, {}) is None else f"should be of type {kind.lower()}"


def _length(value: object, _kind: str) -> str | None:
    return None if type(value) is int and value >= 0 else "should be of type number"


def _options(value: object, _kind: str) -> str | None:
    valid = isinstance(value, list) and value and all(type(option) in _OPTIONS for option in value)
    return None if valid else "should be an array of texts, numbers or booleans, with one at least"


def _flag(value: object, _kind: str) -> str | None:
    return None if isinstance(value, bool) else "should be of type boolean"


_PROBLEMS: dict[str, Callable[[object, str], str | None]] = {
    **dict.fromkeys(BOUNDS, _bound),
    **dict.fromkeys(LENGTHS, _length),
    "selectOptions": _options,
    "isValueRequired": _flag,
}
"""What is wrong with the value of a schema's key, or None [docs for the first words; guess for the others]."""


def changed_schema(schema: Schema, changes: object) -> Schema:
    """Return a schema with changes of all but its type, which cannot change [spec]."""
    if not isinstance(changes, dict):
        raise _bad_schema({"schema": "should be of type object"})
    return schema | changes | {"type": schema["type"]}


def check_schema(schema: object, *, required_default: bool) -> None:
    """Reject an invalid schema of a field [spec], with what is wrong with each of its keys [recorded]."""
    if not isinstance(schema, dict):
        raise _bad_schema({"schema": "should be of type object"})
    errors = _schema_errors(schema) or _default_errors(schema, required_default=required_default)
    if errors:
        raise _bad_schema(errors)


def _bad_schema(errors: Mapping[str, str]) -> ErrorResponse:
    return ErrorResponse(400, "Invalid schema object", more={"errors": errors})


def _schema_errors(schema: Schema) -> dict[str, str]:
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in KEYS:
        return {"type": f"should be one of {', '.join(KEYS)}"}
    errors = {key: NOT_ALLOWED for key in schema if key not in (*COMMON_KEYS, *KEYS[kind])}
    if "selectOptions" in KEYS[kind]:
        schema = {"selectOptions": None, **schema}
    checked = {key: _PROBLEMS[key](value, kind) for key, value in schema.items() if key in _PROBLEMS.keys() - errors}
    return errors | {key: problem for key, problem in checked.items() if problem is not None}


def _default_errors(schema: Schema, *, required_default: bool) -> dict[str, str]:
    if "defaultValue" in schema:
        problem = value_problem(schema["defaultValue"], schema)
        return {} if problem is None else {"defaultValue": problem}
    needed = schema.get("isValueRequired") and required_default
    return {"defaultValue": "is required if isValueRequired is true"} if needed else {}
