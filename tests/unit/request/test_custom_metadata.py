"""Custom metadata against the account's fields: values become the field's type if they can only mean one value."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.emulator.library.custom_fields import value_problem
from ikpipe.errors import InvalidValue
from ikpipe.request.columns import call_or_error
from ikpipe.request.formats import CellFormats
from ikpipe.request.metadata import MetadataField, fields_of, fit
from ikpipe.request.values import to_json

# Of Berlin before 1893; an offset of a zone in a table depends on the version of pandas.
LOCAL_MEAN_TIME = datetime.timezone(datetime.timedelta(minutes=53, seconds=28))
FIELDS = fields_of(
    [
        {"id": "1", "name": "price", "label": "Price", "schema": {"type": "Number", "minValue": 0, "maxValue": 99.5}},
        {"id": "2", "name": "sale", "label": "Sale", "schema": {"type": "Boolean"}},
        {"id": "3", "name": "since", "label": "Since", "schema": {"type": "Date"}},
        {"id": "4", "name": "brand", "label": "Brand", "schema": {"type": "Text", "minLength": 2, "maxLength": 4}},
        {"id": "5", "name": "story", "label": "Story", "schema": {"type": "Textarea"}},
        {"id": "6", "name": "size", "label": "Size", "schema": {"type": "SingleSelect", "selectOptions": ["S", 42]}},
        {"id": "7", "name": "uses", "label": "Uses", "schema": {"type": "MultiSelect", "selectOptions": ["a", "b", 1]}},
        {"id": "9", "name": "fits", "schema": {"type": "SingleSelect", "selectOptions": ["38", "1"]}},
        {"id": "10", "name": "season", "schema": {"type": "Date", "minValue": "2026-01-01", "maxValue": "2026-12-31"}},
        {"id": "8", "name": "later", "label": "Later", "schema": {"type": "Colour"}},
    ]
)


def test_fields_are_read_from_the_apis_answer() -> None:
    """Name, type and limits, under the field's name."""
    assert FIELDS["sale"] == MetadataField("sale", "Boolean", {"type": "Boolean"}, "Sale")
    assert len(FIELDS) == 10


@pytest.mark.parametrize(
    ("name", "value", "fitted"),
    [
        ("price", "12.5", Decimal("12.5")),
        ("price", " 7 ", Decimal(7)),
        ("price", 12, 12),
        ("price", 0.5, 0.5),
        ("sale", "YES", True),
        ("sale", "0", False),
        ("sale", True, True),
        *(("sale", value, True) for value in (1, 1.0, Decimal(1), np.int64(1), np.bool_(True), "1.0")),
        *(("sale", value, False) for value in (0, 0.0, np.float64(0), "0.0")),
        ("since", " 2026-11-23 ", "2026-11-23"),
        ("since", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("since", "2026-11-23 10:00:00+01:00", "2026-11-23T10:00:00+01:00"),
        ("since", datetime.date(2026, 11, 23), "2026-11-23"),
        (
            "since",
            pd.Timestamp("2026-11-23 10:00:00.123456789", tz="Europe/Berlin"),
            "2026-11-23T10:00:00.123456+01:00",
        ),
        ("since", datetime.datetime(1880, 1, 1, 10, tzinfo=LOCAL_MEAN_TIME), "1880-01-01T09:06:32+00:00"),
        ("brand", "Nike", "Nike"),
        ("brand", "12", "12"),
        ("brand", 501, "501"),
        ("brand", 12.5, "12.5"),
        ("brand", Decimal("1.50"), "1.50"),
        ("story", pd.Timestamp("2026-11-23"), "2026-11-23"),
        ("story", "x" * 5000, "x" * 5000),
        ("size", "S", "S"),
        ("size", "42", 42),
        ("size", 42, 42),
        ("size", 42.0, 42),
        ("fits", 38, "38"),
        ("uses", "a, b", ["a", "b"]),
        ("uses", '["a", "1"]', ["a", 1]),
        ("uses", ["b", 1], ["b", 1]),
        ("uses", 1, [1]),
        ("later", {"any": "thing"}, {"any": "thing"}),
    ],
)
def test_text_becomes_what_the_field_is(name: str, value: object, fitted: object) -> None:
    """Text turns into Number, Boolean, Date or an option where the field says so; other values keep their type."""
    found = fit(value, name, FIELDS)
    assert (found, type(found)) == (fitted, type(fitted))


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        *(("price", value, "wrong_type") for value in ("12,5", "1_000", "abc", "NaN", "Infinity", True, [1])),
        *(("price", value, "wrong_type") for value in ("1e999999999", "-1e999", float("inf"))),
        *(("price", value, "out_of_range") for value in ("99.6", -1, 100)),
        ("sale", [], "wrong_type"),
        *(("sale", value, "not_boolean") for value in ("maybe", 2, 0.5)),
        *(("since", value, "wrong_type") for value in ("23.11.2026", "tomorrow", 20261123, "20261130", "2026-W48-1")),
        *(("since", value, "wrong_type") for value in ("2026-02-30", "2026-11-23T25:00", datetime.time(10))),
        *(("season", value, "out_of_range") for value in ("2025-12-31", datetime.date(2027, 1, 1))),
        *(("brand", value, "out_of_range") for value in ("N", "Adidas")),
        *(("brand", value, "wrong_type") for value in (True, ["a"])),
        ("story", 2.0**53, "lost_digits"),
        *(("size", value, "out_of_range") for value in ("XL", 43, True)),
        *(("fits", value, "out_of_range") for value in (True, 1.5)),
        ("uses", "a,c", "out_of_range"),
        ("uses", 7, "out_of_range"),
        ("uses", True, "wrong_type"),
    ],
)
def test_what_does_not_fit_is_a_problem(name: str, value: Any, code: str) -> None:
    """The wrong type, or outside the limits, is a problem that says what the field takes."""
    with pytest.raises(InvalidValue) as caught:
        fit(value, name, FIELDS)
    assert caught.value.code == code
    assert caught.value.fix


def test_an_unknown_field_names_the_nearest() -> None:
    """A field must exist first (seed); a misspelt name brings the right one."""
    with pytest.raises(InvalidValue, match=r"no custom metadata field 'brnd' \(did you mean 'brand'\?\)") as caught:
        fit("Nike", "brnd", FIELDS)
    assert caught.value.code == "unknown_name"


def test_a_price_is_sent_as_it_was_written() -> None:
    """A number that was text is printed with its own digits."""
    assert to_json({"price": fit("19.99", "price", FIELDS)}) == '{"price":19.99}'


@pytest.mark.parametrize(
    ("value", "day"), [("20261130", "2026-11-30"), ("2026-W48-1", "2026-11-23"), ("23.11.2026", "2026-11-23 or")]
)
def test_a_date_in_another_form_gets_the_form_that_imagekit_takes(value: str, day: str) -> None:
    """Where the text can only be one date, the fix has that date."""
    with pytest.raises(InvalidValue) as caught:
        fit(value, "since", FIELDS)
    assert f"such as {day}" in caught.value.fix


COMMA = CellFormats(decimal=",", tag_separator=";", true_values=("ja",), false_values=("nein",))


@pytest.mark.parametrize(
    ("name", "value", "fitted"),
    [
        ("price", "12,5", Decimal("12.5")),
        ("price", "-0,25", None),
        ("price", "1.234,50", None),
        ("price", "7", Decimal(7)),
        ("price", "12.5", None),
        ("price", "1.234", None),
        ("price", "1,2,3", None),
        ("uses", "{a;b}", None),
        ("uses", "{a}", None),
        ("sale", "Ja", True),
        ("sale", "NEIN", False),
        ("sale", "yes", True),
        ("uses", "a;b", ["a", "b"]),
        ("uses", '["a", "b"]', ["a", "b"]),
    ],
)
def test_the_formats_of_another_country(name: str, value: str, fitted: object) -> None:
    """A decimal comma, words for booleans, another separator; a number that could be two is a problem."""
    if fitted is None:
        with pytest.raises(InvalidValue):
            fit(value, name, FIELDS, COMMA)
    else:
        assert fit(value, name, FIELDS, COMMA) == fitted


def test_a_number_with_the_other_decimal_mark_names_the_keyword() -> None:
    """`12,5` is a problem whose fix is `decimal=","`."""
    with pytest.raises(InvalidValue, match=r"12,5") as caught:
        fit("12,5", "price", FIELDS)
    assert "decimal=','" in caught.value.fix


def test_thousands_are_separated_only_beside_a_decimal_mark() -> None:
    """`1.234,50` can only be one number, `1.234` two."""
    assert COMMA.to_number("1.234,50") == CellFormats().to_number("1,234.50") == Decimal("1234.5")
    for text in ("1.234", "12.34,5", "1.2345,6"):
        with pytest.raises(ArithmeticError):
            COMMA.to_number(text)


@given(
    st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.datetimes(timezones=st.none() | st.timezones()).map(str)
    | st.text(st.sampled_from("0123456789-T: .ZW+"), max_size=20)
    | st.from_regex(r"20\d\d-?[01]\d-?[0-3]\d([T ]\d\d:?\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?", fullmatch=True)
)
def test_a_date_that_passes_is_one_that_the_service_takes(value: object) -> None:
    """Whatever the form: a problem, or a text that the emulator's own rule accepts."""
    fitted = call_or_error(fit, value, "since", FIELDS)
    if isinstance(fitted, InvalidValue):
        assert fitted.code == "wrong_type"
    else:
        assert value_problem(fitted, {"type": "Date"}) is None
