"""The parameter `checks`: conditions on the request and the file."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, picture, refused
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.upload import checks_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAILED = (400, "Your request failed 'checks' validation.")
SYNTAX = (400, "Your request contains invalid syntax for the checks parameter.")
FIELDS = {
    "text": "Text",
    "number": "Number",
    "date": "Date",
    "flag": "Boolean",
    "one": "SingleSelect",
    "many": "MultiSelect",
}
VALUES = {"text": "red dress", "number": 7, "date": "2026-01-02", "flag": True, "one": "L", "many": ["a", "b"]}


@pytest.fixture(scope="module")
def client(client: Client) -> Iterator[Client]:
    """One emulator with a custom metadata field of each type."""
    for name, kind in FIELDS.items():
        client.add_field(name, type=kind, **({"selectOptions": ["L", "a", "b"]} if "Select" in kind else {}))
    return client


def upload(client: Client, text: str) -> Any:
    """Upload an image of 20 by 10 pixels with conditions."""
    fields = {"fileName": "shoe.jpg", "folder": "/marketing/new", "tags": "red,summer sale", "isPrivateFile": "true"}
    return client.upload(picture(), checks=text, customMetadata=json.dumps(VALUES), **fields)


@pytest.mark.parametrize(
    "text",
    [
        '"request.folder" : "marketing/"',
        '"request.folder" = marketing/new',
        '"request.folder" = "/marketing/new/"',
        '"request.folder" NOT = marketing',
        '"request.folder" IN ["sales", "marketing/new"]',
        '"request.fileName" : shoe',
        '"request.fileName" NOT IN ["a.jpg", "b.jpg"]',
        '"request.useUniqueFileName" = true',
        '"request.isPrivateFile" NOT = "false"',
        '"request.overwriteTags" = true',
        '"request.tags" HAS red',
        '"request.tags" NOT HAS winter',
        '"file.mime" : image',
        '"file.mime" = "image/jpeg"',
        "'file.size' < '1mb'",
        '"file.size" >= 100b',
        '"mediaMetadata.width" <= 1500 AND "mediaMetadata.height" <= 2000',
        '"mediaMetadata.width" = 20',
        '"file.mime" : video OR ("mediaMetadata.width" > 10 AND "mediaMetadata.height" < 11)',
        '"mediaMetadata.videoCodec" NOT = hevc',
        '"request.customMetadata.text" : red',
        '"request.customMetadata.number" > 6.5',
        '"request.customMetadata.number" NOT = 6',
        '"request.customMetadata.date" < "2026-02-01"',
        '"request.customMetadata.date" = "2026-01-02"',
        '"request.customMetadata.date" : 2026',
        '"request.customMetadata.flag" = true',
        '"request.customMetadata.one" IN [L, XL]',
        '"request.customMetadata.many" HAS b',
    ],
)
def test_conditions_that_hold(client: Client, text: str) -> None:
    """Each documented field and operator can be true for a request."""
    assert upload(client, text).status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        '"request.folder" : "sales/"',
        '"request.folder" = marketing',
        '"request.folder" NOT = marketing/new',
        '"request.isPrivateFile" = false',
        '"request.tags" HAS winter',
        '"request.webhookUrl" : http',
        '"file.mime" : video',
        '"file.size" > 1mb',
        '"mediaMetadata.width" > 20',
        '"mediaMetadata.duration" > 0',
        '"mediaMetadata.width" = 20 AND "mediaMetadata.height" = 20',
        '"request.customMetadata.flag" = false',
        '"request.customMetadata.one" = XL',
        '"request.customMetadata.many" NOT HAS b',
    ],
)
def test_conditions_that_fail(client: Client, text: str) -> None:
    """A false condition rejects the upload with the documented message; nothing is stored."""
    before = len(client.api("GET", "/v1/files").json())
    assert refused(upload(client, text)) == FAILED
    assert len(client.api("GET", "/v1/files").json()) == before


@pytest.mark.parametrize(
    "text",
    [
        *("folder", '"request.folder" ; "x/"', '"folder" : "x"', "size < 3", "request.folder = x", '"request.folder"'),
        *('"file.size" : 3', '"file.size" < large', '"request.tags" = red', '"request.isPrivateFile" = maybe'),
        *('"mediaMetadata.width" NOT = 3', '"request.customMetadata.nothing" = 3', '"file.size" < 3 AND', "(", " "),
        '"request.customMetadata.number" : 7',
        '"request.token" = x',
    ],
)
def test_conditions_that_can_not_be_read(client: Client, text: str) -> None:
    """Unknown fields, operators that a field lacks, and values of another type are invalid syntax."""
    assert refused(upload(client, text)) == SYNTAX


def test_bytes_of_what_is_refused_are_dropped(start: Callable[..., Client]) -> None:
    """A rejected file leaves nothing on disk."""
    client = start()
    assert refused(client.upload(picture(), checks='"file.size" < 1')) == FAILED
    assert list((client.emulator.directory / "versions").iterdir()) == []


@given(
    st.lists(
        st.sampled_from(['"file.size"', '"request.tags"', "AND", "OR", "NOT", "HAS", "=", "<", "(", ")", "3", "x"])
    )
)
def test_any_text_is_read_or_refused(words: list[str]) -> None:
    """Any text is a condition or an error response."""
    text = " ".join(words)
    with suppress(ErrorResponse):
        assert checks_parameter.read(text, {})({"file.size": 3, "request.tags": ["x"]}) in {True, False}
