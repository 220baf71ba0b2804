"""Which details of a row differ from those of the file in the library."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ikpipe.run.existing.differences import differences, same_value

FILE: dict[str, Any] = {
    "tags": ["red", "blue"],
    "customMetadata": {"brand": "Nike", "price": 12, "colors": ["a", "b"]},
    "description": "A shoe",
    "customCoordinates": "1,2,3,4",
    "isPrivateFile": True,
    "isPublished": True,
}


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({}, {}),
        ({"tags": "blue,red,red"}, {}),
        ({"tags": "red"}, {"tags": ["red"]}),
        ({"tags": "b,a,b"}, {"tags": ["b", "a"]}),
        ({"customMetadata": json.dumps({"brand": "Nike", "price": 12.0, "colors": ["b", "a"]})}, {}),
        ({"customMetadata": json.dumps({"brand": "Puma", "price": 12})}, {"customMetadata": {"brand": "Puma"}}),
        ({"customMetadata": json.dumps({"size": 1})}, {"customMetadata": {"size": 1}}),
        ({"description": "A shoe"}, {}),
        ({"description": "A boot"}, {"description": "A boot"}),
        ({"customCoordinates": "1,2,3,4"}, {}),
        ({"customCoordinates": "1,2,3,5"}, {"customCoordinates": "1,2,3,5"}),
        ({"extensions": '[{"name":"remove-bg"}]', "webhookUrl": "https://a.example", "responseFields": "tags"}, {}),
    ],
)
def test_only_given_details_that_differ_are_changed(fields: dict[str, str], changes: dict[str, Any]) -> None:
    """Only given details that differ are changed."""
    assert differences(fields, FILE).changes == changes


@pytest.mark.parametrize("empty", [{}, dict.fromkeys(FILE)])
def test_a_file_without_details_gets_those_of_the_row(empty: dict[str, Any]) -> None:
    """A file without details gets those of the row."""
    fields = {"tags": "a", "customMetadata": '{"b":1}', "description": "c", "customCoordinates": "1,1,1,1"}
    assert set(differences(fields, empty).changes) == set(fields)


@pytest.mark.parametrize(
    ("fields", "private", "published"),
    [
        ({}, None, None),
        ({"isPrivateFile": "true", "isPublished": "true"}, None, None),
        ({"isPrivateFile": "false", "isPublished": "false"}, False, False),
    ],
)
def test_privacy_and_publication_are_compared_if_the_row_gives_them(
    fields: dict[str, str], *, private: bool | None, published: bool | None
) -> None:
    """Privacy and publication are compared if the row gives them."""
    found = differences(fields, FILE)
    assert (found.private, found.published) == (private, published)


def test_a_file_whose_flags_are_not_listed_has_their_defaults() -> None:
    """A file whose flags are not listed has their defaults."""
    found = differences({"isPrivateFile": "false", "isPublished": "true"}, {})
    assert (found.private, found.published) == (None, None)


def test_differences_are_named_for_people() -> None:
    """Differences are named for people."""
    fields = {
        "customCoordinates": "0,0,1,1",
        "customMetadata": '{"brand":"Puma"}',
        "isPublished": "false",
        "isPrivateFile": "false",
    }
    names = ["custom coordinates", "custom metadata brand", "publication", "privacy"]
    assert differences(fields, FILE).names == names


@pytest.mark.parametrize(
    ("given", "there"),
    [
        ("2026-11-30", "2026-11-30T00:00:00.000Z"),
        ("2026-11-30T10:00+01:00", "2026-11-30T09:00:00.000Z"),
        (1, 1.0),
        (["b", "a"], ["a", "b"]),
        (None, None),
        (True, True),
    ],
)
def test_the_same_value_in_another_form_is_no_difference(given: Any, there: Any) -> None:
    """The same value in another form is no difference."""
    assert same_value(given, there)


@pytest.mark.parametrize(
    ("given", "there"),
    [
        (True, 1),
        (0, False),
        ("1", 1),
        ("2026-11-30", "2026-12-01T00:00:00.000Z"),
        ("a", None),
        (["a"], "a"),
        (["a", "a"], ["a"]),
        ("a", "A"),
    ],
)
def test_another_value_is_a_difference(given: Any, there: Any) -> None:
    """Another value is a difference."""
    assert not same_value(given, there)
