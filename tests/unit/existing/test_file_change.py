"""What a row changes of a file: only what differs."""

from __future__ import annotations

from typing import Any

import pytest

from ikpipe.request.update_requests import UpdateRequest
from ikpipe.run.existing.differences import FileChange, file_change

FILE = {
    "fileId": "1",
    "filePath": "/a/b.txt",
    "tags": ["x", "y"],
    "customMetadata": {"brand": "Nike", "price": 1},
    "description": "d",
    "customCoordinates": "0,0,1,1",
}


def change(file: dict[str, Any] = FILE, names: str = "stored", **request: Any) -> FileChange:
    """Return what a row changes."""
    return file_change(UpdateRequest("r", 0, "1", None, request.pop("fields", {}), **request), file, names)


@pytest.mark.parametrize(
    "request_",
    [
        {"fields": {"tags": "y,x", "description": "d", "customMetadata": '{"brand":"Nike"}'}},
        {"add_tags": ("x",), "remove_tags": ("z",)},
        {"folder": "/a/", "name": "b.txt"},
        {"unset": ("custom_metadata.color",)},
    ],
)
def test_nothing_differs(request_: dict[str, Any]) -> None:
    """Nothing is sent."""
    assert change(**request_).parts == []


def test_tags_that_are_there_or_not() -> None:
    """Each once, and only those that differ."""
    changed = change(add_tags=("x", "z", "z"), remove_tags=("y", "w"))
    assert (changed.add_tags, changed.remove_tags) == (("z",), ("y",))
    assert changed.parts == ["tag z is added", "tag y is removed"]


@pytest.mark.parametrize(
    ("unset", "body"),
    [
        (("description",), {"description": ""}),
        (("tags", "custom_coordinates"), {"tags": None, "customCoordinates": None}),
        (("custom_metadata.brand",), {"customMetadata": {"brand": None}}),
        (("custom_metadata",), {"customMetadata": {"brand": None, "price": None}}),
    ],
)
def test_details_are_removed(unset: tuple[str, ...], body: dict[str, Any]) -> None:
    """As the media API wants it; a file without them is left."""
    assert change(unset=unset).details.changes == body
    assert change({"fileId": "1", "filePath": "/a/b.txt"}, unset=unset).parts == []


def test_one_field_is_set_and_another_removed() -> None:
    """In one request."""
    changed = change(fields={"customMetadata": '{"price":2}'}, unset=("custom_metadata.brand",))
    assert changed.details.changes == {"customMetadata": {"brand": None, "price": 2}}


@pytest.mark.parametrize(
    ("path", "names", "target"),
    [
        ("/a/my photo.txt", "stored", None),
        ("/a/my photo.txt", "as_given", "/a/my_photo.txt"),
        ("/a/My_photo.txt", "stored", "/a/my_photo.txt"),
        ("/my_photo.txt", "stored", "/a/my_photo.txt"),
    ],
)
def test_a_file_whose_name_is_that(path: str, names: str, target: str | None) -> None:
    """Characters that the service may replace are no difference, unless the account keeps them."""
    assert change({**FILE, "filePath": path}, names, folder="/a", name="my_photo.txt").target == target
