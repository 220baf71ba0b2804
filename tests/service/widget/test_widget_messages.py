"""Messages from a page are validated: types, sizes and names; any invalid one raises `InvalidMessage`."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.widget import messages
from ikpipe.widget.message_fields import InvalidMessage
from ikpipe.widget.messages import read

FILE = {"key": "k1", "name": "a.png", "path": "trip", "size": 3, "type": "image/png", "modified": 1.7e12}
GOOD: list[dict[str, Any]] = [
    {"type": "hello", "view": "v"},
    {"type": "add", "request": "q1", "files": [FILE]},
    {"type": "remove", "ids": ["b0"]},
    {"type": "select", "ids": ["b0", "b0"]},
    {"type": "edit", "request": 4, "ids": ["b0"], "column": "tags", "value": ["a", "b"]},
    {"type": "edit", "request": "q", "ids": ["b0"], "column": "custom_metadata.brand", "value": 1.5},
    {"type": "edit", "request": "q", "ids": ["b0"], "column": "custom_metadata.sizes", "value": [36, 37.5]},
    {"type": "edit", "request": "q", "ids": ["b0"], "column": "tags", "value": None, "step": "s1"},
    {"type": "edit", "request": "q", "ids": ["b0", "b1"], "column": "tags", "values": [["a"], None]},
    {"type": "remove", "ids": ["b0"], "step": "s1"},
    {"type": "undo", "request": "q", "step": "s1"},
    {"type": "redo", "request": "q"},
    {"type": "have", "ids": ["b0"], "again": True},
    {"type": "lost", "ids": ["b0"]},
    {"type": "send", "ids": None},
    {"type": "cancel", "ids": ["b0"]},
    {"type": "cancel", "ids": ["b0"], "now": True},
    {"type": "retry"},
    {"type": "progress", "id": "b0", "attempt": 1, "loaded": 1, "total": 2},
    {"type": "result", "id": "b0", "attempt": 1, "status": 200, "body": "{}", "request_id": "x"},
    {"type": "result", "id": "b0", "attempt": 1, "error": "network", "left": False},
    {"type": "preview", "ids": ["r0"], "size": "thumb"},
    {
        "type": "adopt",
        "session": "s",
        "key": "k",
        "rows": [{**FILE, "id": "b0", "edits": {"tags": ["a"]}, "state": ""}],
    },
    {"type": "csv", "request": "q"},
    {"type": "ping", "n": 1},
]
JUNK = "x" * 10_000_000


@pytest.mark.parametrize("content", GOOD, ids=lambda content: content["type"])
def test_a_good_message_is_read(content: dict[str, Any]) -> None:
    """Each type has its own tuple."""
    assert isinstance(read(content), messages.Message)


def test_ids_are_given_once() -> None:
    """A repeated id is one row."""
    assert read({"type": "select", "ids": ["b0", "b1", "b0"]}) == messages.SelectMessage(["b0", "b1"])


@pytest.mark.parametrize("content", [None, 3, "hello", [], {}, {"type": 3}, {"type": "sign"}, {"type": JUNK}])
def test_other_objects_are_not_messages(content: object) -> None:
    """Other objects and unknown types, such as a request to sign, are rejected."""
    with pytest.raises(InvalidMessage):
        read(content)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "add", "files": [FILE] * 10_001}, "files"),
        ({"type": "add", "files": FILE}, "files"),
        ({"type": "add", "files": [{**FILE, "name": JUNK}]}, "name"),
        ({"type": "add", "files": [{**FILE, "name": ""}]}, "name"),
        ({"type": "add", "files": [{**FILE, "size": -1}]}, "size"),
        ({"type": "add", "files": [{**FILE, "size": True}]}, "size"),
        ({"type": "add", "files": [{**FILE, "size": 1e300}]}, "size"),
        ({"type": "add", "files": [{**FILE, "path": "\ud800"}]}, "path"),
        ({"type": "add", "files": [{**FILE, "modified": float("nan")}]}, "modified"),
        ({"type": "remove", "ids": ["x"] * 100_001}, "ids"),
        ({"type": "select", "ids": [3]}, "ids"),
        ({"type": "edit", "ids": ["b0"], "column": "file", "value": "/etc/passwd"}, "column"),
        ({"type": "edit", "ids": ["b0"], "column": "webhook_url", "value": "https://x.example"}, "column"),
        ({"type": "edit", "ids": ["b0"], "column": "tags", "value": {"a": 1}}, "value"),
        ({"type": "edit", "ids": ["b0"], "column": "tags", "value": [1]}, "value"),
        ({"type": "edit", "ids": ["b0"], "column": "custom_metadata.a", "value": [None]}, "value"),
        ({"type": "edit", "ids": ["b0"], "column": "description", "value": JUNK}, "value"),
        ({"type": "edit", "ids": ["b0"], "column": "description", "value": float("inf")}, "value"),
        ({"type": "edit", "ids": ["b0"], "column": "description", "value": "\udfff"}, "value"),
        ({"type": "edit", "ids": ["b0"], "column": "custom_metadata.", "value": 1}, "column"),
        ({"type": "edit", "ids": ["b0", "b1"], "column": "folder", "values": ["/a"]}, "values are not as many"),
        ({"type": "edit", "ids": ["b0", "b0"], "column": "folder", "values": ["/a", "/b"]}, "values are not as many"),
        ({"type": "edit", "ids": ["b0"], "column": "folder", "values": "/a"}, "values is not a list"),
        ({"type": "edit", "ids": ["b0"], "column": "tags", "values": [[1]]}, "value"),
        ({"type": "send", "ids": "b0"}, "ids"),
        ({"type": "progress", "id": "b0", "attempt": "1", "loaded": 1, "total": 2}, "attempt"),
        ({"type": "result", "id": "b0", "attempt": 1, "status": 600, "body": ""}, "status"),
        ({"type": "result", "id": "b0", "attempt": 1, "status": 200, "body": JUNK}, "body"),
        ({"type": "result", "id": "b0", "attempt": 1, "status": 200, "body": {"fileId": "x"}}, "body"),
        ({"type": "result", "id": "b0", "attempt": 1, "error": "gone"}, "error"),
        ({"type": "result", "id": "b0", "attempt": 1, "error": "network", "left": "no"}, "left"),
        ({"type": "preview", "ids": ["r0"], "size": "huge"}, "size"),
        ({"type": "adopt", "session": "s", "rows": [{**FILE, "edits": {"file": "x"}}]}, "column"),
        ({"type": "adopt", "session": "s", "rows": [{**FILE, "edits": [1]}]}, "edits"),
        ({"type": "csv", "request": {}}, "request"),
        ({"type": "ping", "n": JUNK}, "n is"),
    ],
)
def test_an_invalid_field_is_rejected(change: dict[str, Any], words: str) -> None:
    """The error names the field without its value, and has the request."""
    with pytest.raises(InvalidMessage, match=words) as caught:
        read({"request": "q7", **change})
    assert len(str(caught.value)) < 200
    assert caught.value.request == (None if "request" in change else "q7")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = sorted({name for one in GOOD for name in one} | set(FILE))


@given(st.sampled_from(GOOD), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
def test_a_changed_message_is_read_or_rejected(good: dict[str, Any], changes: dict[str, Any]) -> None:
    """A changed message is read or rejected; no other error is raised."""
    with suppress(InvalidMessage):
        assert isinstance(read({**good, **changes}), messages.Message)
