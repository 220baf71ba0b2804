"""What a row of an update changes: values, rules and contradictions, found before anything is sent."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
import pytest

from ikpipe.errors import Problem
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.update_mapping import UpdateMapping
from ikpipe.request.metadata import MetadataField
from ikpipe.request.update_requests import UpdateBuilder, UpdateRequest

FIELDS = {
    "brand": MetadataField("brand", "Text", {"type": "Text"}),
    "price": MetadataField("price", "Number", {"type": "Number", "maxValue": 10}),
}


class Strange:
    """A cell that cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def built(cells: dict[str, Any], names: Any = "stored", **keywords: Any) -> list[UpdateRequest | list[Problem]]:
    """Return the requests of rows, or their problems."""
    frame = pd.DataFrame({"fileId": ["65f0c1d2e3a4b5c6d7e8f901"] * 2, **cells})
    columns = {name: name for name in ("file_name", "folder") if name in cells}
    mapping = UpdateMapping(frame.columns, columns, keywords)
    (chunk,) = InMemoryTable(frame).chunks()
    return UpdateBuilder(FIELDS, names).build(mapping.rows(chunk))


def request_of(cells: dict[str, Any], names: Any = "stored", **keywords: Any) -> UpdateRequest:
    """Return the request of a row."""
    request = built({name: [cell, None] for name, cell in cells.items()}, names, **keywords)[0]
    assert isinstance(request, UpdateRequest), request
    return request


def problems_of(cells: dict[str, Any], **keywords: Any) -> list[str]:
    """Return what is wrong with a row; the next row, which gives nothing, has no problem."""
    columns = {name: pd.Series([cell, None], dtype=object) for name, cell in cells.items()}
    first, second = built(columns, **keywords)
    assert isinstance(second, UpdateRequest) or keywords
    assert isinstance(first, list)
    return [f"{one.parameter}: {one.message}" for one in first]


@pytest.mark.parametrize(
    ("parameter", "cell", "words"),
    [
        ("tags", "x" * 501, "must not exceed 500 characters"),
        ("add_tags", "x" * 501, "must not exceed 500 characters"),
        ("remove_tags", ["a,b"], "cannot have a comma inside a tag"),
        ("tags", "50%", "cannot contain"),
        ("tags", {"a": 1}, "must be text"),
        ("description", Strange(), "cannot be read"),
        ("description", b"x", "must be text"),
        ("description", "half \ud800", "half a character"),
        ("description", 2.0**60, "lost its last digits"),
        ("custom_coordinates", "1,2,3", "must be x,y,width,height"),
        ("custom_metadata", "{", "must be a JSON object"),
        ("custom_metadata.price", "11", "must be at most 10"),
        ("custom_metadata.colour", "red", "no custom metadata field"),
        ("is_published", "maybe", "must be true or false"),
        ("is_private_file", "maybe", "must be true or false"),
        ("unset", "nothing", "cannot include"),
        ("unset", "custom_metadata.colour", "no custom metadata field"),
        ("unset", 5, "must be a list"),
        ("file_name", "a/b", "cannot contain"),
        ("folder", "/a" * 51, "50 levels"),
        ("file_path", "/a/", "must end with the name of a file"),
    ],
)
def test_a_value_that_breaks_a_rule(parameter: str, cell: object, words: str) -> None:
    """It is the problem of its row, and names the parameter."""
    (problem,) = problems_of({parameter: cell})
    assert problem.startswith(f"{parameter}: ")
    assert words in problem


@pytest.mark.parametrize("cell", ["../../accounts", "a b", "a/b", "", "?x=1", "\u00e4"])
def test_an_id_that_cannot_be_one(cell: str) -> None:
    """It would become a part of a URL; an empty cell names no file."""
    frame = pd.DataFrame({"fileId": [cell], "tags": ["x"]})
    (chunk,) = InMemoryTable(frame).chunks()
    (first,) = UpdateBuilder(None).build(UpdateMapping(frame.columns, None, {}).rows(chunk))
    assert first.file_id is None if isinstance(first, UpdateRequest) else "must be an id" in first[0].message


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        ({"description": "x", "unset": "description"}, "description"),
        ({"tags": "x", "unset": ["tags"]}, "tags"),
        ({"add_tags": "x", "unset": ["tags"]}, "tags"),
        ({"add_tags": "x", "remove_tags": "y,x"}, "x"),
        ({"custom_metadata.brand": "x", "unset": "customMetadata.brand"}, "custom_metadata.brand"),
    ],
)
def test_nothing_is_both_set_and_removed(cells: dict[str, Any], name: str) -> None:
    """That is a contradiction of the row."""
    assert f'The row both sets and removes "{name}".' in problems_of(cells)[0]


def test_values_are_written_as_those_of_uploads() -> None:
    """With the names and the texts of an upload's form."""
    cells = {
        "tags": ["b", "a"],
        "description": datetime.date(2026, 11, 30),
        "custom_metadata.price": "1.50",
        "custom_coordinates": "1, 2, 3, 4",
        "isPublished": "yes",
    }
    assert request_of(cells).fields == {
        "tags": "b,a",
        "description": "2026-11-30",
        "customMetadata": '{"price":1.5}',
        "customCoordinates": "1,2,3,4",
        "isPublished": "true",
    }


@pytest.mark.parametrize("cell", [None, float("nan"), pd.NA, ""])
def test_an_empty_cell_changes_nothing(cell: object) -> None:
    """It does not remove a detail."""
    cells = dict.fromkeys(("tags", "add_tags", "description", "custom_metadata.brand", "unset", "folder"), cell)
    cells.pop("tags")
    assert not request_of(cells).changes_something


def test_names_of_details_to_remove() -> None:
    """In either spelling, each once."""
    request = request_of({"unset": ["customMetadata.brand", "custom_metadata.brand", "description"]})
    assert request.unset == ("custom_metadata.brand", "description")


@pytest.mark.parametrize(
    ("cells", "target"),
    [
        ({"file_name": "c.txt"}, "/a/c.txt"),
        ({"folder": "/c//d/"}, "/c/d/b.txt"),
        ({"folder": "/"}, "/b.txt"),
        ({"folder": "c", "file_name": "d.txt"}, "/c/d.txt"),
        ({"file_name": "my photo.txt", "folder": "/a b"}, "/a_b/my_photo.txt"),
        ({"description": "x"}, "/a/b.txt"),
    ],
)
def test_the_new_path(cells: dict[str, Any], target: str) -> None:
    """What a row does not give stays."""
    assert request_of(cells).target("/a/b.txt") == target


def test_adjusted_names_are_a_warning() -> None:
    """Unless names are used as given."""
    assert [one.code for one in request_of({"file_name": "a b"}).warnings] == ["name_adjusted"]
    assert request_of({"file_name": "a b"}, "as_given").target("/x") == "/a b"
