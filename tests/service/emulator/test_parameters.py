"""What each form field may contain, and its value in the response."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

import pytest
from emulator_client import Client, picture, refused
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.emulator import Rules
from ikpipe.emulator.upload import parameters

if TYPE_CHECKING:
    from collections.abc import Callable


def invalid(reply: object) -> str:
    """Return the parameter that a response calls invalid."""
    status, message = refused(reply)  # type: ignore[arg-type]
    assert status == 400
    return message.removeprefix("Your request contains invalid ").partition(" parameter.")[0]


@given(st.text(min_size=1))
def test_file_name_keeps_letters_marks_numerals(name: str) -> None:
    """In any name, exactly the documented characters are kept, and its length stays the same."""
    kept = parameters.file_name(name, Rules())
    assert len(kept) == len(name)
    for old, new in zip(name, kept, strict=True):
        assert new == (old if old in "._-" or unicodedata.category(old)[0] in "LMN" else "_")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a b&c.jpg", "a_b_c.jpg"),
        ("靴下.png", "靴下.png"),
        ("क्ष.jpg", "क्ष.jpg"),
        ("🧦.jpg", "_.jpg"),
        ("a/b.jpg", "a_b.jpg"),
    ],
)
def test_file_name_in_the_answer(client: Client, name: str, kept: str) -> None:
    """The response has the name as stored."""
    assert client.fixed(name).json()["name"] == kept


@given(st.lists(st.text("aé५_-", min_size=1), max_size=50), st.integers(1, 3))
def test_folder_has_a_slash_at_both_ends(levels: list[str], slashes: int) -> None:
    """Additional slashes do not change the folder."""
    text = ("/" * slashes).join(levels)
    assert parameters.folder(text, Rules()) == "/".join(["", *levels, ""])


def test_folder_can_have_50_levels(client: Client) -> None:
    """The fiftieth level is allowed, the next is not."""
    assert client.upload(folder="/a" * 50).status_code == 200
    assert invalid(client.upload(folder="/a" * 51)) == "folder"


def test_other_characters_in_a_folder_are_replaced(client: Client) -> None:
    """By default, folders are treated like file names."""
    assert client.fixed("a.bin", folder="/é b/c.d/").json()["filePath"] == "/é_b/c_d/a.bin"


def test_other_characters_can_be_kept_in_names_and_folders(start: Callable[..., Client]) -> None:
    """`names="keep"` is what a recorded run of another client saw."""
    client = start(names="keep")
    details = client.fixed("a b, c&d+é.bin", folder="/My photos/v1.0 @/").json()
    assert details["filePath"] == "/My photos/v1.0 @/a b, c&d+é.bin"
    assert client.http.get(details["url"]).content == b"some bytes"


def test_names_that_are_kept_are_found_again(start: Callable[..., Client]) -> None:
    """By a search for the name, in its folder."""
    client = start(names="keep")
    made = client.fixed('say "a\\b", #1?.bin', folder="/My photos").json()
    query = {"searchQuery": f"name = {json.dumps(made['name'])}", "path": "/My photos"}
    assert [file["fileId"] for file in client.api("GET", "/v1/files", params=query).json()] == [made["fileId"]]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fileName", ""),
        ("tags", "x" * 501),
        ("tags", "50%"),
        ("useUniqueFileName", "True"),
        ("isPrivateFile", "yes"),
        ("isPublished", "1"),
        ("overwriteFile", ""),
        ("overwriteAITags", "no"),
        ("overwriteTags", "FALSE"),
        ("overwriteCustomMetadata", " true"),
        ("customCoordinates", "1,2,3"),
        ("customCoordinates", "1,2,3,-4"),
        ("customCoordinates", "a,b,c,d"),
        ("customCoordinates", f"0,0,5,{'9' * 5000}"),
        ("responseFields", "tags,colour"),
        ("extensions", "remove-bg"),
        ("extensions", "{}"),
        ("extensions", '["remove-bg"]'),
        ("extensions", '[{"name": "unknown"}]'),
        ("extensions", '[{"name": ["remove-bg"]}]'),
        ("extensions", '[{"name": "google-auto-tagging", "maxTags": 5}]'),
        ("extensions", '[{"name": "aws-auto-tagging", "maxTags": "5", "minConfidence": 9}]'),
        ("extensions", '[{"name": "ai-tasks"}]'),
        ("extensions", f'[{{"name": "google-auto-tagging", "maxTags": 1{"0" * 400}, "minConfidence": 9}}]'),
        ("extensions", '[{"name": "saved-extension"}]'),
        ("webhookUrl", "http://[x/"),
        ("webhookUrl", "ftp://example.com"),
        ("webhookUrl", "https://"),
        ("customMetadata", "brand"),
        ("customMetadata", "[]"),
        ("customMetadata", "[" * 100_000),
        ("customMetadata", '{"brand": NaN}'),
        ("customMetadata", '{"brand": 1e999}'),
        ("customMetadata", f'{{"brand": {"9" * 400}}}'),
        ("customMetadata", '{"brand": "\\ud800"}'),
        ("description", "x" * 1_048_577),
    ],
)
def test_value_that_breaks_a_rule(client: Client, field: str, value: str) -> None:
    """An invalid value is rejected, and the message names its parameter."""
    assert invalid(client.upload(**{field: value})) == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tags", "x" * 500),
        ("customCoordinates", "0,0,10,10"),
        ("extensions", "[]"),
        ("webhookUrl", "http://127.0.0.1/hook"),
        ("customMetadata", "{}"),
        ("description", "A teal rectangle."),
    ],
)
def test_value_that_keeps_the_rule(client: Client, field: str, value: str) -> None:
    """A value at a limit is accepted."""
    assert client.upload(**{field: value}).status_code == 200


def test_text_that_is_not_utf8(client: Client) -> None:
    """A field that is not UTF-8 is rejected."""
    form = [("tags", (None, b"\xff")), ("token", (None, "x"))]
    assert invalid(client.http.post(client.emulator.upload_url, files=form)) == "tags"


@pytest.mark.parametrize(
    "body", [b"--B\r\nnonsense", b"no boundary at all", b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nx']
)
def test_body_that_is_broken(client: Client, body: bytes) -> None:
    """A multipart body that is malformed or ends early is a 400."""
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    assert client.http.post(client.emulator.upload_url, content=body, headers=headers).status_code == 400


def test_multipart_without_boundary(client: Client) -> None:
    """A content type without a boundary is an empty form."""
    headers = {"Content-Type": "multipart/form-data"}
    reply = client.http.post(client.emulator.upload_url, content=b"x", headers=headers)
    assert refused(reply) == (400, "Your request is missing token parameter.")


def test_boundary_that_is_too_long(client: Client) -> None:
    """An invalid boundary is a 400."""
    headers = {"Content-Type": f"multipart/form-data; boundary={'b' * 300}"}
    assert client.http.post(client.emulator.upload_url, content=b"x", headers=headers).status_code == 400


def test_drafts_can_be_outside_the_plan(start: Callable[..., Client]) -> None:
    """`drafts=False` is a plan below enterprise."""
    client = start(drafts=False)
    assert invalid(client.upload(isPublished="false")) == "isPublished"


def test_response_has_the_documented_fields(client: Client) -> None:
    """The response for an image has the documented fields, and none that must be requested."""
    answer = client.fixed("seed.jpg", picture(), folder="images", tags="a, b,,c").json()
    file_id, endpoint = answer["fileId"], client.emulator.url_endpoint
    assert answer == {
        "fileId": file_id,
        "name": "seed.jpg",
        "url": f"{endpoint}/images/seed.jpg",
        "thumbnailUrl": f"{endpoint}/tr:n-media_library_thumbnail/images/seed.jpg",
        "height": 10,
        "width": 20,
        "size": len(picture()),
        "filePath": "/images/seed.jpg",
        "tags": ["a", "b", "c"],
        "AITags": None,
        "versionInfo": {"id": file_id, "name": "Version 1"},
        "isPrivateFile": False,
        "customCoordinates": None,
        "fileType": "image",
    }


def test_answer_for_another_file(client: Client) -> None:
    """A file that is not an image has no dimensions and no thumbnail; without tags they are null."""
    answer = client.upload(b"text").json()
    assert (answer["fileType"], answer["tags"]) == ("non-image", None)
    assert not answer.keys() & {"width", "height", "thumbnailUrl", "bitRate", "duration", "extensionStatus"}


def test_response_fields(client: Client) -> None:
    """Each optional field is in the response if requested."""
    client.add_field("brand", type="Text")
    asked = ["embeddedMetadata", "customMetadata", "metadata", "isPublished", "selectedFieldsSchema"]
    metadata = {"brand": "Nike"}
    answer = client.upload(
        picture(), fileName="a.jpg", responseFields=",".join(asked), customMetadata=json.dumps(metadata)
    ).json()
    assert answer.keys() >= set(asked)
    assert (answer["customMetadata"], answer["isPublished"]) == (metadata, True)
    assert answer["selectedFieldsSchema"] == {"brand": {"type": "Text"}}


def test_fields_on_request_are_a_rule(start: Callable[..., Client]) -> None:
    """`on_request` can make the tags optional, as with V1."""
    client = start(on_request=("tags",))
    assert "tags" not in client.upload(tags="a").json()
    assert client.upload(tags="a", responseFields="tags").json()["tags"] == ["a"]


def test_coordinates_are_kept(client: Client) -> None:
    """Coordinates are returned as the text that was sent."""
    assert client.upload(customCoordinates="1,2,3,4").json()["customCoordinates"] == "1,2,3,4"
