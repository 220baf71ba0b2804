"""Check custom metadata against the account's fields, and convert text to their types. Pure."""

import datetime
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, NamedTuple

from ikpipe.errors import CREATE_FIELDS, InvalidValue, Message, did_you_mean, keyword, quoted
from ikpipe.request.formats import DEFAULT_FORMATS, CellFormats
from ikpipe.request.missing import missing
from ikpipe.request.values import iso_date, tag_list, to_text

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


def fit(
    value: object, name: str, fields: Mapping[str, MetadataField], formats: CellFormats = DEFAULT_FORMATS
) -> object:
    """Return a metadata value in the type of its field.

    Text becomes a number, a boolean, a date or an option; numbers and dates become text where the field is text.

    Raise `InvalidValue` if there is no such field, or the value has the wrong type or is outside the field's limits.
    """
    if name not in fields:
        raise InvalidValue(
            "unknown_name",
            f"The account has no custom metadata field {name!r}{did_you_mean(name, fields)}.",
            Message("Correct the name, or create the field with ", CREATE_FIELDS, "."),
        )
    field = fields[name]
    if hasattr(value, "tolist"):  # numpy's scalars and arrays in an object
        value = value.tolist()
    try:
        return _FITTERS[field.type](value, field, formats) if field.type in _FITTERS else value
    except InvalidValue as bad:
        raise bad.of(field.label or name) from None


def _wrong(value: object, kind: str, example: str = "") -> InvalidValue:
    fix = f"Use {kind}{example and f', such as {example}'}."
    return InvalidValue.breaks(f"must be {kind}, not {quoted(value)}.", "wrong_type", fix)


def _check_range(number: Any, least: Any, most: Any, rule: str, shown: str) -> None:
    if (least is None or number >= least) and (most is None or number <= most):
        return
    both = f"between {_grouped(least)} and {_grouped(most)}"
    limits = f"at most {_grouped(most)}" if least is None else f"at least {_grouped(least)}" if most is None else both
    raise InvalidValue.breaks(f"{rule.format(limits)}, not {shown}.", "out_of_range", "Correct the value.")


def _grouped(limit: Any) -> str:
    """Return a limit with thousands separators; a field of the API can have any value there."""
    return f"{limit:,}" if type(limit) in (int, float) else str(limit)


def _number(value: object, field: MetadataField, formats: CellFormats) -> object:
    shown = value
    if isinstance(shown, str):
        try:
            value = formats.to_number(shown)
        except ArithmeticError:
            raise _not_a_number(shown, formats) from None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise _wrong(value, "a number")
    if (isinstance(value, Decimal) and value.is_nan()) or not -_LARGEST <= value <= _LARGEST:
        raise _wrong(shown, "a finite number")
    _check_range(float(value), field.schema.get("minValue"), field.schema.get("maxValue"), "must be {}", f"{value}")
    return value


def _not_a_number(text: str, formats: CellFormats) -> InvalidValue:
    """Return the problem of text that is not a number; it names the other decimal mark if that would read it."""
    other = formats._replace(decimal="," if formats.decimal == "." else ".")
    bad = _wrong(text, "a number", f"12{formats.decimal}5")
    try:
        other.to_number(text)
    except ArithmeticError:
        return bad
    ways = (f"Use {formats.decimal} as the decimal mark, or pass ", keyword("decimal", other.decimal), ".")
    return InvalidValue.breaks(bad.rule or "", bad.code, Message(*ways))


def _boolean(value: object, _field: MetadataField, formats: CellFormats) -> object:
    if not isinstance(value, (bool, str, int, float, Decimal)):
        raise _wrong(value, "true or false")
    return formats.to_flag(value) == "true"


def _date(value: object, field: MetadataField, _formats: CellFormats) -> object:
    try:
        if not isinstance(value, (str, datetime.date)):
            raise TypeError
        text = iso_date(value)
    except (TypeError, ValueError):
        raise _not_a_date(value) from None
    least, most = (_day(field.schema.get(limit)) for limit in ("minValue", "maxValue"))
    _check_range(datetime.date.fromisoformat(text[:10]), least, most, "must be {}", text)
    return text


def _day(limit: object) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(iso_date(limit)[:10]) if isinstance(limit, str) else None
    except ValueError:
        return None


def _not_a_date(value: object) -> InvalidValue:
    """Return the problem of a value that is not a date; it has the date if that can only be one."""
    try:
        example = datetime.datetime.fromisoformat(value.strip()).date().isoformat() if isinstance(value, str) else ""
    except ValueError:
        example = ""
    return _wrong(value, "a date", example or "2026-11-23 or 2026-11-23T10:00:00Z")


def _text(value: object, field: MetadataField, _formats: CellFormats) -> object:
    if isinstance(value, (int, float, Decimal, datetime.date)) and not isinstance(value, bool):
        value = to_text(value)
    if not isinstance(value, str):
        raise InvalidValue.breaks(f"must be text, not {quoted(value)}.", "wrong_type", "Convert the column to text.")
    least, most = field.schema.get("minLength"), field.schema.get("maxLength")
    _check_range(len(value), least, most, "must have {} characters", f"{len(value):,}")
    return value


def _option(value: object, field: MetadataField, _formats: CellFormats = DEFAULT_FORMATS) -> object:
    """Return the option that a value is, or has the text of: 1 for "1", and "1" for 1."""
    options = field.schema.get("selectOptions", ())
    for option in options:
        if isinstance(value, bool) == isinstance(option, bool) and value == option:
            return option
    texts = {str(option): option for option in options}
    shown = to_text(value) if isinstance(value, (str, int, float, Decimal)) else ""
    if shown in texts and not isinstance(value, bool):
        return texts[shown]
    words = f"{field.label or field.name} has no option {quoted(value)}."
    similar = get_close_matches(str(value), texts, n=1)
    fix = f"Did you mean {quoted(similar[0])}?" if similar else f"Use one of {', '.join(texts)}."
    raise InvalidValue("out_of_range", words, fix)


def _options(value: object, field: MetadataField, formats: CellFormats) -> object:
    if isinstance(value, str):
        value = tag_list(formats.split_tags(value))
    elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, Sequence):
        raise _wrong(value, "a list")
    return [_option(item, field) for item in value if not missing(item)]


_FITTERS: dict[str, Callable[[object, MetadataField, CellFormats], object]] = {
    "Number": _number,
    "Boolean": _boolean,
    "Date": _date,
    "Text": _text,
    "Textarea": _text,
    "SingleSelect": _option,
    "MultiSelect": _options,
}
