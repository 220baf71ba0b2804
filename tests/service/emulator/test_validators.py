"""Every documented error message, and its cause."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, Clock, picture, refused

if TYPE_CHECKING:
    from collections.abc import Callable

TAKEN = (
    400,
    (
        "A file with the same name already exists at the exact location. "
        "We could not overwrite it because both overwriteFile and useUniqueFileName are set to false."
    ),
)
NO_FILE = (400, "Your request is missing file parameter.")


@pytest.mark.parametrize("file", [None, b"", ""], ids=["none", "empty part", "empty text"])
def test_missing_file(client: Client, file: bytes | str | None) -> None:
    """No file and a file without bytes are the same."""
    assert refused(client.upload(file)) == NO_FILE


def test_two_files(client: Client) -> None:
    """A second file is rejected."""
    form = [("file", ("a", b"x")), ("file", ("b", b"y")), ("fileName", (None, "a"))]
    form.append(("token", (None, client.token({"fileName": "a"}))))
    status, message = refused(client.http.post(client.emulator.upload_url, files=form))
    assert (status, message.partition(". ")[0]) == (400, "Your request contains invalid file parameter")


TOO_LARGE = (400, "Your request contains invalid file parameter. The file size exceeds limits.")


def test_file_of_just_the_limit(start: Callable[..., Client]) -> None:
    """The limit itself is allowed."""
    client = start(other_limit=1000, image_limit=10, video_limit=10)
    assert client.upload(b"x" * 1000).status_code == 200


@pytest.mark.parametrize("size", [1001, 5000, 3_000_000])
def test_file_over_the_limit(start: Callable[..., Client], size: int) -> None:
    """A larger file is rejected, however large it is."""
    client = start(other_limit=1000, image_limit=10, video_limit=10)
    assert refused(client.upload(b"x" * size)) == TOO_LARGE
    assert client.api("GET", "/v1/files").json() == []


def test_image_and_other_files_have_limits_of_their_own(start: Callable[..., Client]) -> None:
    """Images have their own limit."""
    client = start(image_limit=100)
    assert refused(client.upload(picture(), fileName="a.jpg")) == TOO_LARGE
    assert client.upload(b"x" * 500).status_code == 200


def test_video_has_a_limit_of_its_own(start: Callable[..., Client]) -> None:
    """Videos have their own limit."""
    video = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0\0\1\0free" + b"\0" * 248
    client = start(other_limit=10, image_limit=10, video_limit=280)
    assert client.upload(video, fileName="a.mp4").status_code == 200
    assert refused(client.upload(video + b"\0\0\0\x08free", fileName="a.mp4")) == TOO_LARGE


def test_name_that_is_taken(client: Client) -> None:
    """Without a unique name and without overwriting, the message is the documented one."""
    client.fixed("taken.bin")
    assert refused(client.fixed("taken.bin", overwriteFile="false")) == TAKEN


def test_upload_quota(start: Callable[..., Client]) -> None:
    """An upload beyond the quota is rejected."""
    client = start(upload_quota=1)
    assert client.upload().status_code == 200
    assert refused(client.upload()) == (400, "Upload Limit Exceeded.")


def test_quota_with_the_older_status(start: Callable[..., Client]) -> None:
    """`quota_status` sets the 403 of older docs."""
    assert refused(start(upload_quota=0, quota_status=403).upload()) == (403, "Upload Limit Exceeded.")


def test_extension_quota(start: Callable[..., Client]) -> None:
    """An upload with more extensions than the quota has left is rejected; others are accepted."""
    client = start(extension_quota=1)
    extensions = json.dumps([{"name": "remove-bg"}])
    assert client.upload(extensions=extensions).status_code == 200
    assert refused(client.upload(extensions=extensions)) == (400, "Extensions quota exceeded.")
    assert client.upload().status_code == 200


def test_file_that_is_updated_too_often(start: Callable[..., Client]) -> None:
    """`busy` matches the files, `busy_times` is how often each is rejected before it is accepted."""
    client = start(busy="hot*", busy_times=2)
    words = "You have sent too many requests to update the file recently. Please try again later."
    assert [client.fixed("hot.bin").status_code for _ in range(3)] == [400, 400, 200]
    assert refused(client.fixed("hot2.bin")) == (400, words)
    assert client.fixed("cold.bin").status_code == 200


TRANSFORMATION = (400, "The file could not be uploaded because the transformation field is invalid.")


@pytest.mark.parametrize(
    "text",
    [
        "w-400",
        "[]",
        "{}",
        '{"pre": ""}',
        '{"pre": 4}',
        '{"middle": "w-4"}',
        '{"post": {}}',
        '{"post": ["w-4"]}',
        '{"post": [{"type": "transformation"}]}',
        '{"post": [{"type": "other", "value": "w-4"}]}',
        '{"post": [{"type": "abs", "value": "sr-240", "protocol": "ftp"}]}',
        '{"post": [{"type": "abs", "value": "sr-240", "protocol": ["hls"]}]}',
        '{"post": [{"type": "thumbnail", "protocol": "hls"}]}',
        '{"post": [{"type": ["abs"], "value": "w-4"}]}',
        '{"post": [{"type": "transformation", "value": 4}]}',
    ],
)
def test_invalid_transformation(client: Client, text: str) -> None:
    """A parameter that is not as documented is rejected."""
    assert refused(client.upload(transformation=text)) == TRANSFORMATION


@pytest.mark.parametrize(
    "post",
    [
        {"type": "transformation", "value": "w-4"},
        {"type": "abs", "value": "sr-240_360", "protocol": "dash"},
        {"type": "gif-to-video"},
        {"type": "thumbnail", "value": "so-2"},
    ],
    ids=str,
)
def test_post_transformation(client: Client, post: dict[str, str]) -> None:
    """Each documented type is accepted with a 200."""
    assert client.upload(transformation=json.dumps({"post": [post]})).status_code == 200


def test_pre_transformation_is_queued(client: Client) -> None:
    """The response to a pre-transformation is a 202 with the documented message, and the file is stored."""
    reply = client.fixed("queued.bin", folder="/queued", transformation='{"pre": "w-400"}')
    words = {"message": "The pre-transformation has been queued successfully."}
    assert (reply.status_code, reply.json()) == (202, words)
    assert [file["name"] for file in client.api("GET", "/v1/files?path=/queued").json()] == ["queued.bin"]


@pytest.mark.parametrize(
    ("rule", "status", "message"),
    [
        ("key_missing", 401, "Your request does not contain private API key."),
        ("account_unauthenticated", 403, "Your account cannot be authenticated."),
        ("key_expired", 403, "Your request contains expired private API key."),
        ("account_disabled", 403, "Your account is disabled."),
    ],
)
def test_account_that_is_refused(start: Callable[..., Client], rule: str, status: int, message: str) -> None:
    """Each error state of an account is a rule, for uploads and the API."""
    client = start(**{rule: True})
    assert refused(client.upload()) == (status, message)
    assert refused(client.api("GET", "/v1/files")) == (status, message)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_outage(start: Callable[..., Client], status: int) -> None:
    """During an outage the responses have an empty body."""
    client = start(outage=status, outage_times=1)
    reply = client.upload()
    assert (reply.status_code, reply.content) == (status, b"")
    assert client.upload().status_code == 200


def test_upload_rate(start: Callable[..., Client]) -> None:
    """Beyond the rate, the response is a 429 with only a message, and the three headers in milliseconds."""
    client = start(upload_rate=1, rate_interval=60_000)
    assert client.upload().status_code == 200
    reply = client.upload()
    assert (reply.status_code, list(reply.json())) == (429, ["message"])
    assert (reply.headers["X-RateLimit-Limit"], reply.headers["X-RateLimit-Interval"]) == ("1", "60000")
    assert 50_000 < int(reply.headers["X-RateLimit-Reset"]) <= 60_001


@pytest.mark.parametrize("rules", [{"upload_rate": 0}, {"faults": {"429": 1}}], ids=str)
def test_429_without_headers(start: Callable[..., Client], rules: dict[str, Any]) -> None:
    """`rate_headers` can omit the headers of every 429."""
    reply = start(rate_headers=False, **rules).upload()
    assert reply.status_code == 429
    assert [name for name in reply.headers if "ratelimit" in name] == []


def test_429_of_the_api_without_headers(start: Callable[..., Client]) -> None:
    """The other APIs have a rate of their own."""
    reply = start(rate_headers=False, api_rate=0).api("GET", "/v1/files")
    assert (reply.status_code, reply.headers.get("X-RateLimit-Reset")) == (429, None)


def test_rate_window_ends(start: Callable[..., Client]) -> None:
    """After the time in the header, requests are accepted again."""
    client = start(upload_rate=1, rate_interval=100, clock=(clock := Clock()))
    assert client.upload().status_code == 200
    clock.go_on(0.04)
    wait = client.upload().headers["X-RateLimit-Reset"]
    assert 60 <= int(wait) <= 61
    clock.go_on(0.059)
    assert client.upload().status_code == 429
    clock.go_on(0.002)
    assert client.upload().status_code == 200


def test_refusals_have_message_and_help(client: Client) -> None:
    """An error has `message` and `help`."""
    assert client.upload(None).json().keys() == {"message", "help"}
