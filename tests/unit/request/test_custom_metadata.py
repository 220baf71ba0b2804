"""Custom metadata against the account's fields: text becomes the field's type, and nothing else changes."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from ikpipe.errors import InvalidValue
from ikpipe.request.metadata import MetadataField, fields_of, fit
from ikpipe.request.values import to_json

FIELDS = fields_of(
    [
        {"id": "1", "name": "price", "label": "Price", "schema": {"type": "Number", "minValue": 0, "maxValue": 99.5}},
        {"id": "2", "name": "sale", "label": "Sale", "schema": {"type": "Boolean"}},
        {"id": "3", "name": "since", "label": "Since", "schema": {"type": "Date"}},
        {"id": "4", "name": "brand", "label": "Brand", "schema": {"type": "Text", "minLength": 2, "maxLength": 4}},
        {"id": "5", "name": "story", "label": "Story", "schema": {"type": "Textarea"}},
        {"id": "6", "name": "size", "label": "Size", "schema": {"type": "SingleSelect", "selectOptions": ["S", 42]}},
        {"id": "7", "name": "uses", "label": "Uses", "schema": {"type": "MultiSelect", "selectOptions": ["a", "b", 1]}},
        {"id": "8", "name": "later", "label": "Later", "schema": {"type": "Colour"}},
    ]
)


def test_fields_are_read_from_the_apis_answer() -> None:
    """Name, type and limits, under the field's name."""
    assert FIELDS["sale"] == MetadataField("sale", "Boolean", {"type": "Boolean"}, "Sale")
    assert len(FIELDS) == 8


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
        ("since", " 2026-11-23 ", "2026-11-23"),
        ("since", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("since", datetime.date(2026, 11, 23), datetime.date(2026, 11, 23)),
        ("brand", "Nike", "Nike"),
        ("brand", "12", "12"),
        ("story", "x" * 5000, "x" * 5000),
        ("size", "S", "S"),
        ("size", "42", 42),
        ("size", 42, 42),
        ("uses", "a, b", ["a", "b"]),
        ("uses", '["a", "1"]', ["a", 1]),
        ("uses", ["b", 1], ["b", 1]),
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
        *(("sale", value, "wrong_type") for value in (1, 0.0, [])),
        ("sale", "maybe", "not_boolean"),
        *(("since", value, "wrong_type") for value in ("23.11.2026", "tomorrow", 20261123)),
        *(("brand", value, "out_of_range") for value in ("N", "Adidas")),
        *(("brand", value, "wrong_type") for value in (12, True)),
        *(("size", value, "out_of_range") for value in ("XL", 43)),
        ("uses", "a,c", "out_of_range"),
        ("uses", 7, "wrong_type"),
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
