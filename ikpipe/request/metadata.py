"""Custom metadata against the account's fields: which exist, and what text is to become. Pure."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from ikpipe.errors import InvalidValue, did_you_mean, short_repr
from ikpipe.request.missing import missing
from ikpipe.request.values import tag_list, to_flag

_LARGEST = sys.float_info.max


class MetadataField(NamedTuple):
    """One custom metadata field of an account, as `GET /v1/customMetadataFields` tells it (spec)."""

    name: str
    type: str
    schema: Mapping[str, Any]


def fields_of(reply: Sequence[Mapping[str, Any]]) -> dict[str, MetadataField]:
    """Read the API's list of fields into name → field."""
    return {one["name"]: MetadataField(one["name"], one["schema"]["type"], one["schema"]) for one in reply}


def fit(value: object, name: str, fields: Mapping[str, MetadataField]) -> object:
    """Give a metadata value the type of its field, or say why it does not fit.

    Only text is turned into something else; other values must have the right type already.

    Raises
    ------
    InvalidValue
        No such field, the wrong type, or outside the field's limits.
    """
    if name not in fields:
        raise InvalidValue(
            "unknown_name",
            f"the account has no custom metadata field {name!r}{did_you_mean(name, fields)}",
            "create the field first, or mend the name",
        )
    field = fields[name]
    return _FITTERS[field.type](value, field) if field.type in _FITTERS else value


def _wrong(value: object, field: MetadataField, wanted: str) -> InvalidValue:
    return InvalidValue(
        "wrong_type", f"the field {field.name!r} is a {field.type}; {short_repr(value)} is not", f"give {wanted}"
    )


def _within(size: float, value: object, field: MetadataField, low: str, high: str) -> None:
    least, most = field.schema.get(low), field.schema.get(high)
    if (least is not None and size < least) or (most is not None and size > most):
        raise InvalidValue(
            "out_of_range",
            f"the field {field.name!r} takes {low} {least}, {high} {most}; {short_repr(value)} is outside",
            "mend the value",
        )


def _number(value: object, field: MetadataField) -> object:
    if isinstance(value, str):
        try:
            number = Decimal(value.strip().replace("_", "x"))
        except ArithmeticError:
            raise _wrong(value, field, "a number such as 12.5") from None
        value = number
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise _wrong(value, field, "a number")
    if (isinstance(value, Decimal) and value.is_nan()) or not -_LARGEST <= value <= _LARGEST:
        raise _wrong(value, field, "a finite number")
    _within(float(value), value, field, "minValue", "maxValue")
    return value


def _boolean(value: object, field: MetadataField) -> object:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise _wrong(value, field, "true or false")
    return to_flag(value) == "true"


def _date(value: object, field: MetadataField) -> object:
    if isinstance(value, str):
        try:
            datetime.datetime.fromisoformat(value.strip())
        except ValueError:
            raise _wrong(value, field, "a date such as 2026-11-23, or 2026-11-23T10:00:00Z") from None
        value = value.strip()
    elif not isinstance(value, datetime.date):
        raise _wrong(value, field, "a date")
    return value


def _text(value: object, field: MetadataField) -> object:
    if not isinstance(value, str):
        raise _wrong(value, field, "text: turn the column into text first")
    _within(len(value), value, field, "minLength", "maxLength")
    return value


def _option(value: object, field: MetadataField) -> object:
    """Take an option itself, or the text that it is written as: 1 for "1"."""
    for option in field.schema.get("selectOptions", ()):
        if value == option or (isinstance(value, str) and value == str(option)):
            return option
    raise InvalidValue(
        "out_of_range",
        f"{short_repr(value)} is no option of the field {field.name!r}",
        f"use one of {', '.join(map(str, field.schema.get('selectOptions', ())))}",
    )


def _options(value: object, field: MetadataField) -> object:
    if isinstance(value, str):
        value = tag_list(value)
    if not isinstance(value, Sequence):
        raise _wrong(value, field, "a list")
    return [_option(item, field) for item in value if not missing(item)]


_FITTERS: dict[str, Callable[[object, MetadataField], object]] = {
    "Number": _number,
    "Boolean": _boolean,
    "Date": _date,
    "Text": _text,
    "Textarea": _text,
    "SingleSelect": _option,
    "MultiSelect": _options,
}
