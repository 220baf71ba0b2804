"""Check custom metadata against the account's fields, and convert text to their types. Pure."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, NamedTuple

from ikpipe.errors import InvalidValue, did_you_mean, quoted
from ikpipe.request.missing import missing
from ikpipe.request.values import tag_list, to_flag

_LARGEST = sys.float_info.max


class MetadataField(NamedTuple):
    """One custom metadata field of an account, as `GET /v1/customMetadataFields` returns it [spec]."""

    name: str
    type: str
    schema: Mapping[str, Any]
    label: str = ""


def fields_of(reply: Sequence[Mapping[str, Any]]) -> dict[str, MetadataField]:
    """Return the fields of the API's list by their names."""
    fields = (MetadataField(one["name"], one["schema"]["type"], one["schema"], _label(one)) for one in reply)
    return {field.name: field for field in fields}


def _label(field: Mapping[str, Any]) -> str:
    label = field.get("label")
    return label if isinstance(label, str) else ""


def fit(value: object, name: str, fields: Mapping[str, MetadataField]) -> object:
    """Return a metadata value in the type of its field.

    Only text is converted; other values must have the type already.

    Raises
    ------
    InvalidValue
        No such field, the wrong type, or outside the field's limits.
    """
    if name not in fields:
        raise InvalidValue(
            "unknown_name",
            f"The account has no custom metadata field {name!r}{did_you_mean(name, fields)}.",
            "Correct the name, or create the field first.",
        )
    field = fields[name]
    try:
        return _FITTERS[field.type](value, field) if field.type in _FITTERS else value
    except InvalidValue as bad:
        raise bad.of(field.label or name) from None


def _wrong(value: object, kind: str, example: str = "") -> InvalidValue:
    fix = f"Use {kind}{example and f', such as {example}'}."
    return InvalidValue.breaks(f"must be {kind}, not {quoted(value)}.", "wrong_type", fix)


def _check_range(number: float, least: Any, most: Any, rule: str, shown: str) -> None:
    if (least is None or number >= least) and (most is None or number <= most):
        return
    both = f"between {_grouped(least)} and {_grouped(most)}"
    limits = f"at most {_grouped(most)}" if least is None else f"at least {_grouped(least)}" if most is None else both
    raise InvalidValue.breaks(f"{rule.format(limits)}, not {shown}.", "out_of_range", "Correct the value.")


def _grouped(limit: Any) -> str:
    """Return a limit with thousands separators; a field of the API can have any value there."""
    return f"{limit:,}" if type(limit) in (int, float) else str(limit)


def _number(value: object, field: MetadataField) -> object:
    shown = value
    if isinstance(value, str):
        try:
            value = Decimal(value.strip().replace("_", "x"))
        except ArithmeticError:
            raise _wrong(value, "a number", "12.5") from None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise _wrong(value, "a number")
    if (isinstance(value, Decimal) and value.is_nan()) or not -_LARGEST <= value <= _LARGEST:
        raise _wrong(shown, "a finite number")
    _check_range(float(value), field.schema.get("minValue"), field.schema.get("maxValue"), "must be {}", f"{value}")
    return value


def _boolean(value: object, _field: MetadataField) -> object:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise _wrong(value, "true or false")
    return to_flag(value) == "true"


def _date(value: object, _field: MetadataField) -> object:
    if isinstance(value, str):
        try:
            datetime.datetime.fromisoformat(value.strip())
        except ValueError:
            raise _wrong(value, "a date", "2026-11-23 or 2026-11-23T10:00:00Z") from None
        value = value.strip()
    elif not isinstance(value, datetime.date):
        raise _wrong(value, "a date")
    return value


def _text(value: object, field: MetadataField) -> object:
    if not isinstance(value, str):
        raise InvalidValue.breaks(f"must be text, not {quoted(value)}.", "wrong_type", "Convert the column to text.")
    least, most = field.schema.get("minLength"), field.schema.get("maxLength")
    _check_range(len(value), least, most, "must have {} characters", f"{len(value):,}")
    return value


def _option(value: object, field: MetadataField) -> object:
    """Return the option that a value is, or is the text of: 1 for "1"."""
    options = field.schema.get("selectOptions", ())
    for option in options:
        if value == option or (isinstance(value, str) and value == str(option)):
            return option
    words = f"{field.label or field.name} has no option {quoted(value)}."
    similar = get_close_matches(str(value), texts := list(map(str, options)), n=1)
    fix = f"Did you mean {quoted(similar[0])}?" if similar else f"Use one of {', '.join(texts)}."
    raise InvalidValue("out_of_range", words, fix)


def _options(value: object, field: MetadataField) -> object:
    if isinstance(value, str):
        value = tag_list(value)
    if not isinstance(value, Sequence):
        raise _wrong(value, "a list")
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
