"""Answers of the real service that were published, word for word [recorded]."""

from __future__ import annotations

import hmac
import time
from typing import Any

import pytest
from emulator_client import Client, refused

HELP = "For support kindly contact us at support@imagekit.io ."
UNKNOWN_ID = "65f3c0aa7b1d2e9f40c8d123"
BAD_FILE_ID = "Your request contains invalid fileId parameter."
BAD_FIELD_ID = "Your request contains invalid ID parameter."
NO_FIELD = "No such custom metadata field exists"
NAME_TAKEN = "A custom metadata field with this name already exists"
BAD_DATE = (
    "Invalid search query - createdAt field must have a valid date value. "
    "Make sure the value is enclosed within quotes. Please refer to the documentation for syntax specification."
)
USED = (
    "The token with value '{}' has been used before. "
    "We suggest using V4 UUIDs, or another random string with enough entropy to avoid collisions."
)
BAD_EXPIRE = (
    "Your request contains invalid expire parameter. "
    "Expire parameter should be a Unix time in less than 1 hour into the future."
)
ANSWERS = [
    ("GET", "/v1/files/fake_file_xbc/details", 400, BAD_FILE_ID),
    ("DELETE", "/v1/files/fake_file_xbc", 400, BAD_FILE_ID),
    ("DELETE", "/v2/files/1234/", 400, BAD_FILE_ID),
    ("GET", "/v1/files/fake_file_xbc/versions", 400, BAD_FILE_ID),
    ("GET", f"/v1/files/fake_file_xbc/versions/{UNKNOWN_ID}", 400, BAD_FILE_ID),
    ("GET", f"/v1/files/{UNKNOWN_ID}/versions", 404, "The requested asset does not exist."),
    ("GET", f"/v1/files/{UNKNOWN_ID}/details", 404, "The requested asset does not exist."),
    ("DELETE", f"/v1/files/{UNKNOWN_ID}", 404, "The requested file does not exist."),
    ("PATCH", "/v1/customMetadataFields/field_id", 400, BAD_FIELD_ID),
    ("DELETE", "/v1/customMetadataFields/field_id", 400, BAD_FIELD_ID),
    ("PATCH", f"/v1/customMetadataFields/{UNKNOWN_ID}", 404, NO_FIELD),
    ("DELETE", f"/v1/customMetadataFields/{UNKNOWN_ID}", 404, NO_FIELD),
    ("GET", "/v1/files/purge/unknown", 400, "No request found for this requestId."),
    ("GET", "/v1/files?searchQuery=createdAt > 'x'", 400, BAD_DATE),
    ("GET", '/v1/files?searchQuery=createdAt > "yesterday"', 400, BAD_DATE),
    ("GET", "/v1/files?searchQuery=createdAt > soon", 400, BAD_DATE),
]


@pytest.mark.parametrize(("method", "path", "status", "message"), ANSWERS)
def test_message(client: Client, method: str, path: str, status: int, message: str) -> None:
    """The status and the body are the recorded ones."""
    reply = client.api(method, path, **({"json": {"label": "x"}} if method == "PATCH" else {}))
    assert (reply.status_code, reply.json()) == (status, {"message": message, "help": HELP})


def test_name_of_a_field_that_is_taken(client: Client) -> None:
    """A name that is taken is a 400, also if a field had it that was deleted."""
    field = client.add_field("taken", type="Text").json()
    assert refused(client.add_field("taken", type="Text")) == (400, NAME_TAKEN)
    client.api("DELETE", f"/v1/customMetadataFields/{field['id']}")
    assert refused(client.add_field("taken", type="Text")) == (400, NAME_TAKEN)


@pytest.mark.parametrize(
    ("schema", "errors"),
    [
        ({"type": "Text", "minValue": 1}, {"minValue": "not allowed for this type"}),
        ({"type": "Number", "minValue": "x", "maxLength": 1}, {"minValue": "should be of type number"}),
        ({"type": "Boolean", "minValue": 1, "maxLength": 1}, {"minValue": "not allowed for this type"}),
    ],
    ids=str,
)
def test_schema_that_can_not_be(client: Client, schema: dict[str, Any], errors: dict[str, str]) -> None:
    """`errors` says what is wrong with each key of a schema, all of them at once."""
    body = client.add_field("bad", **schema).json()
    expected = errors | ({"maxLength": "not allowed for this type"} if "maxLength" in schema else {})
    assert body == {"message": "Invalid schema object", "help": HELP, "errors": expected}


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/v1/files/batch/deleteByFileIds", {}),
        ("/v1/files/addTags", {"tags": ["a"]}),
        ("/v1/files/removeTags", {"tags": ["a"]}),
    ],
)
def test_unknown_ids_of_a_batch(client: Client, path: str, more: dict[str, Any]) -> None:
    """A batch names the unknown ids, malformed or not, and changes nothing."""
    file_id = client.upload(tags="b").json()["fileId"]
    reply = client.api("POST", path, json={"fileIds": ["fake_123", file_id, UNKNOWN_ID], **more})
    assert (reply.status_code, reply.json()) == (
        404,
        {"message": "The requested file(s) does not exist.", "help": HELP, "missingFileIds": ["fake_123", UNKNOWN_ID]},
    )
    assert client.details(file_id)["tags"] == ["b"]


def test_v1_token_that_was_used(client: Client) -> None:
    """A V1 token that was used is named, with the advice for random ones."""
    fields = v1_fields(client, int(time.time()) + 60)
    replies = [client.http.post(client.emulator.url + "/api/v1/files/upload", files=form(fields)) for _ in range(2)]
    assert refused(replies[1]) == (400, USED.format(fields["token"]))


@pytest.mark.parametrize("expire", ["0", "x", "", "-1", "in two hours", "9" * 40])
def test_v1_expire(client: Client, expire: str) -> None:
    """An expiry in the past, too far in the future, or that is no time, gets the same message."""
    late = str(int(time.time()) + 7200)
    fields = v1_fields(client, late if expire == "in two hours" else expire or " ")
    reply = client.http.post(client.emulator.url + "/api/v1/files/upload", files=form(fields))
    assert refused(reply) == (400, BAD_EXPIRE)


def v1_fields(client: Client, expire: object) -> dict[str, str]:
    """Return the fields of a V1 upload."""
    token = f"token {time.time_ns()}"
    signature = hmac.digest(client.emulator.private_key.encode(), f"{token}{expire}".encode(), "sha1").hex()
    known = {"publicKey": client.emulator.public_key, "fileName": "a", "file": "YQ=="}
    return {"token": token, "expire": str(expire), "signature": signature, **known}


def form(fields: dict[str, str]) -> dict[str, tuple[None, str]]:
    """Return fields as multipart."""
    return {name: (None, value) for name, value in fields.items()}


@pytest.mark.parametrize("text", ["/home/me/a.jpg", "no base64 ☃", "a"])
def test_text_that_is_not_base64(start: Any, text: str) -> None:
    """By the rule `bad_base64`, it is rejected, or what can be decoded of it is stored."""
    assert refused(start().upload(text))[0] == 400
    assert start(bad_base64="store").upload(text).status_code == 200


def test_garbage_of_a_path(start: Any) -> None:
    """A path is decoded as Node.js decodes it: what is not base64 is left out, `-` and `_` are `+` and `/`."""
    client = start(bad_base64="store")
    stored = [
        client.http.get(client.upload(text).json()["url"]).content for text in ("./YQ==", "Y~Q", "_--_\n", "ab c")
    ]
    assert stored == [b"\xfd\x84", b"a", b"\xff\xef\xbf", b"i\xb7"]


def test_long_garbage(start: Any) -> None:
    """Garbage longer than a piece of decoding is decoded as a whole."""
    assert start(bad_base64="store").upload("YWJj!" * 200_000).json()["size"] == 600_000
