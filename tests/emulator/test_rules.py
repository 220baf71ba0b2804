"""Every refusal that the documents word, and what brings each about."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from emulator_client import Client, base64url, picture, refused, sign

if TYPE_CHECKING:
    from collections.abc import Callable

INVALID = (400, "Your request has invalid token.")
EXPIRED = (400, "Your request contains expired token.")
MISMATCH = (
    400,
    "Your request contains invalid payload. It does not match with the payload used to generate token.",
)
BOTH = (
    400,
    (
        "Your request contains both token and basic auth parameter. "
        "Use only one method, you might be exposing your private API key."
    ),
)
TAKEN = (
    400,
    (
        "A file with the same name already exists at the exact location. "
        "We could not overwrite it because both overwriteFile and useUniqueFileName are set to false."
    ),
)
NO_FILE = (400, "Your request is missing file parameter.")


def test_a_good_upload_is_answered_200(client: Client) -> None:
    """A token made by PyJWT, with the claims of the form, is accepted."""
    now, fields = int(time.time()), {"fileName": "a.bin"}
    token = jwt.encode(
        {**fields, "iat": now, "exp": now + 3600},
        client.emulator.private_key,
        "HS256",
        headers={"kid": client.emulator.public_key},
    )
    assert client.upload(token=token, **fields).status_code == 200


def test_missing_token(client: Client) -> None:
    """Without a token there is no upload."""
    assert refused(client.upload(token="")) == (400, "Your request is missing token parameter.")


def test_body_that_is_no_form_misses_its_token(client: Client) -> None:
    """A body that is not multipart is an empty form."""
    reply = client.http.post(client.emulator.upload_url, json={"file": "x"})
    assert refused(reply) == (400, "Your request is missing token parameter.")


def test_token_and_basic_auth_exclude_each_other(client: Client) -> None:
    """An Authorization header beside the token is refused with the warning about the key."""
    assert refused(client.upload(headers={"Authorization": "Basic eDo="})) == BOTH


def test_expired_token(client: Client) -> None:
    """A token whose time is over is called expired."""
    token = client.token({"fileName": "file.bin"}, issued=int(time.time()) - 61, life=60)
    assert refused(client.upload(token=token)) == EXPIRED


def test_leeway_takes_a_token_that_has_just_expired(start: Callable[..., Client]) -> None:
    """The rule `leeway` forgives a clock that is behind."""
    client = start(leeway=5)
    token = client.token({"fileName": "file.bin"}, issued=int(time.time()) - 61, life=60)
    assert client.upload(token=token).status_code == 200


HEADER = {"alg": "HS256", "typ": "JWT", "kid": "PUBLIC"}


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "HS512"},
        {"alg": "none"},
        {"typ": "JWS"},
        {"kid": "public_of_another"},
        {"kid": None},
    ],
    ids=str,
)
def test_token_with_another_header(client: Client, change: dict[str, Any]) -> None:
    """Algorithm, type and key id must be the seed's."""
    now = int(time.time())
    header = {**HEADER, "kid": client.emulator.public_key, **change}
    payload = {"fileName": "file.bin", "iat": now, "exp": now + 60}
    assert refused(client.upload(token=sign(header, payload, client.emulator.private_key))) == INVALID


@pytest.mark.parametrize(
    "times",
    [
        {},
        {"iat": 0},
        {"exp": 60},
        {"iat": 0, "exp": 3601},
        {"iat": 60, "exp": 0},
        {"iat": 0.0, "exp": 60},
        {"iat": 0, "exp": "60"},
        {"iat": False, "exp": 60},
    ],
    ids=str,
)
def test_token_with_bad_times(client: Client, times: dict[str, Any]) -> None:
    """Both times are whole numbers, and an hour apart at most."""
    now = int(time.time())
    moved = {name: value if isinstance(value, str | bool) else value + now for name, value in times.items()}
    header = {**HEADER, "kid": client.emulator.public_key}
    token = sign(header, {"fileName": "file.bin", **moved}, client.emulator.private_key)
    assert refused(client.upload(token=token)) == INVALID


def test_token_of_another_key(client: Client) -> None:
    """A signature by another private key is none."""
    now = int(time.time())
    header = {**HEADER, "kid": client.emulator.public_key}
    token = sign(header, {"fileName": "file.bin", "iat": now, "exp": now + 60}, "private_of_somebody_else")
    assert refused(client.upload(token=token)) == INVALID


@pytest.mark.parametrize(
    "token",
    ["x", "a.b", "a.b.c", "....", "é.é.é", f"{base64url(b'[]')}.{base64url(b'[]')}.x", f"{base64url(b'{')}.x.y"],
)
def test_token_that_is_none(client: Client, token: str) -> None:
    """Whatever text is no token is answered, not stumbled over."""
    assert refused(client.upload(token=token)) == INVALID


def test_longest_life_is_an_hour(client: Client) -> None:
    """A token for 3600 s is accepted."""
    assert client.upload(token=client.token({"fileName": "file.bin"}, life=3600)).status_code == 200


def test_token_works_once(client: Client) -> None:
    """The second upload with a token is refused."""
    token = client.token({"fileName": "file.bin"})
    assert client.upload(token=token).status_code == 200
    assert refused(client.upload(token=token)) == INVALID


def test_used_token_in_the_words_of_v1(start: Callable[..., Client]) -> None:
    """The rule `used_token` chooses the other wording."""
    client = start(used_token="used-before")
    token = client.token({"fileName": "file.bin"})
    client.upload(token=token)
    status, message = refused(client.upload(token=token))
    assert (status, message.partition(". ")[0]) == (400, f"The token with value '{token}' has been used before")


def test_error_spends_the_token(client: Client) -> None:
    """A token is used up by a request that was refused."""
    token = client.token({"fileName": "file.bin"})
    assert refused(client.upload(None, token=token)) == NO_FILE
    assert refused(client.upload(token=token)) == INVALID


def test_error_can_leave_the_token(start: Callable[..., Client]) -> None:
    """With `error_spends=False` a refused request leaves its token usable, and a good one does not."""
    client = start(error_spends=False)
    token = client.token({"fileName": "file.bin"})
    assert refused(client.upload(None, token=token)) == NO_FILE
    assert client.upload(token=token).status_code == 200
    assert refused(client.upload(token=token)) == INVALID
    assert refused(client.upload(token=token)) == INVALID


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"fileName": "other.bin"},
        {"fileName": "file.bin", "tags": "x"},
        {"fileName": ["file.bin"]},
        {"fileName": "file.bin", "jti": "1"},
        {"fileName": "file.bin", "file": "some bytes"},
    ],
    ids=str,
)
def test_claims_that_are_not_the_fields(client: Client, claims: dict[str, Any]) -> None:
    """Claims that lack a field, differ from it or go beyond the form are a mismatch."""
    assert refused(client.upload(token=client.token(claims))) == MISMATCH


def test_field_that_is_no_claim(client: Client) -> None:
    """A field that was not signed is a mismatch."""
    assert refused(client.upload(token=client.token({"fileName": "file.bin"}), tags="x")) == MISMATCH


def test_field_sent_twice(client: Client) -> None:
    """A repeated field can not equal one claim."""
    fields = [("fileName", (None, "a")), ("fileName", (None, "a")), ("file", ("a", b"x"))]
    form = [*fields, ("token", (None, client.token({"fileName": "a"})))]
    assert refused(client.http.post(client.emulator.upload_url, files=form)) == MISMATCH


def test_json_is_compared_as_text(client: Client) -> None:
    """JSON that is printed otherwise than it was signed is a mismatch."""
    token = client.token({"fileName": "file.bin", "customMetadata": "{}"})
    assert refused(client.upload(token=token, customMetadata="{ }")) == MISMATCH


@pytest.mark.parametrize("claim", ["{}", {}], ids=str)
def test_json_can_be_compared_as_json(start: Callable[..., Client], claim: object) -> None:
    """With `payload="json"` the spelling of JSON does not matter."""
    client = start(payload="json")
    token = client.token({"fileName": "file.bin", "customMetadata": claim})
    assert client.upload(token=token, customMetadata="{ }").status_code == 200


def test_json_comparison_still_compares(start: Callable[..., Client]) -> None:
    """With `payload="json"` another value is a mismatch all the same."""
    client = start(payload="json")
    assert refused(client.upload(token=client.token({"fileName": "other"}))) == MISMATCH


@pytest.mark.parametrize("file", [None, b"", ""], ids=["none", "empty part", "empty text"])
def test_missing_file(client: Client, file: bytes | str | None) -> None:
    """No file and a file without bytes are the same."""
    assert refused(client.upload(file)) == NO_FILE


def test_two_files(client: Client) -> None:
    """One request uploads one file."""
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
    """A larger file is refused, by however much it is larger."""
    client = start(other_limit=1000, image_limit=10, video_limit=10)
    assert refused(client.upload(b"x" * size)) == TOO_LARGE
    assert client.api("GET", "/v1/files").json() == []


def test_image_and_other_files_have_limits_of_their_own(start: Callable[..., Client]) -> None:
    """An image is held to the limit for images."""
    client = start(image_limit=100)
    assert refused(client.upload(picture(), fileName="a.jpg")) == TOO_LARGE
    assert client.upload(b"x" * 500).status_code == 200


def test_video_has_a_limit_of_its_own(start: Callable[..., Client]) -> None:
    """A video is held to the limit for videos."""
    video = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0\0\1\0free" + b"\0" * 248
    client = start(other_limit=10, image_limit=10, video_limit=280)
    assert client.upload(video, fileName="a.mp4").status_code == 200
    assert refused(client.upload(video + b"\0\0\0\x08free", fileName="a.mp4")) == TOO_LARGE


def test_name_that_is_taken(client: Client) -> None:
    """Neither a new name nor overwriting: the documented sentence."""
    client.fixed("taken.bin")
    assert refused(client.fixed("taken.bin", overwriteFile="false")) == TAKEN


def test_upload_quota(start: Callable[..., Client]) -> None:
    """The upload after the last one of the quota is refused."""
    client = start(upload_quota=1)
    assert client.upload().status_code == 200
    assert refused(client.upload()) == (400, "Upload Limit Exceeded.")


def test_quota_with_the_older_status(start: Callable[..., Client]) -> None:
    """`quota_status` gives the 403 of older documents."""
    assert refused(start(upload_quota=0, quota_status=403).upload()) == (403, "Upload Limit Exceeded.")


def test_extension_quota(start: Callable[..., Client]) -> None:
    """An upload with more extensions than are left is refused; the others go on."""
    client = start(extension_quota=1)
    extensions = json.dumps([{"name": "remove-bg"}])
    assert client.upload(extensions=extensions).status_code == 200
    assert refused(client.upload(extensions=extensions)) == (400, "Extensions quota exceeded.")
    assert client.upload().status_code == 200


def test_file_that_is_updated_too_often(start: Callable[..., Client]) -> None:
    """`busy` names the files, `busy_times` how often each is refused before it passes."""
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
        '{"post": [{"type": "thumbnail", "protocol": "hls"}]}',
        '{"post": [{"type": ["abs"], "value": "w-4"}]}',
        '{"post": [{"type": "transformation", "value": 4}]}',
    ],
)
def test_invalid_transformation(client: Client, text: str) -> None:
    """What is not of the documented shape is refused."""
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
    """Each documented kind is accepted, and the answer is a plain 200."""
    assert client.upload(transformation=json.dumps({"post": [post]})).status_code == 200


def test_pre_transformation_is_queued(client: Client) -> None:
    """A pre-transformation is answered 202 with the documented words; the file is stored then."""
    reply = client.fixed("queued.bin", folder="/queued", transformation='{"pre": "w-400"}')
    words = {"message": "The pre-transformation has been queued successfully."}
    assert (reply.status_code, reply.json()) == (202, words)
    assert [file["name"] for file in client.api("GET", "/v1/files?path=/queued").json()] == ["queued.bin"]


@pytest.mark.parametrize("text", ["folder", '"request.folder" ; "x/"', '"request.folder" : x', '"folder" : "x"'])
def test_checks_that_can_not_be_read(client: Client, text: str) -> None:
    """Only the documented comparison is known."""
    words = "Your request contains invalid syntax for the checks parameter."
    assert refused(client.upload(checks=text)) == (400, words)


def test_checks_of_another_field(client: Client) -> None:
    """Any field can be compared with the beginning that it must have."""
    assert client.upload(checks='"request.tags" : "shoe"', tags="shoes").status_code == 200


def test_checks_that_fail(client: Client) -> None:
    """An upload to another folder than the checks name is refused."""
    reply = client.upload(checks='"request.folder" : "marketing/"', folder="/sales/")
    assert refused(reply) == (400, "Your request failed 'checks' validation.")


@pytest.mark.parametrize("folder", ["marketing", "/marketing/", "/marketing/eu"])
def test_checks_that_pass(client: Client, folder: str) -> None:
    """An upload into the folder that the checks name, or below it, passes."""
    assert client.upload(checks='"request.folder" : "marketing/"', folder=folder).status_code == 200


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
    """Each bad state of an account is a rule, for uploads and the API alike."""
    client = start(**{rule: True})
    assert refused(client.upload()) == (status, message)
    assert refused(client.api("GET", "/v1/files")) == (status, message)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_outage(start: Callable[..., Client], status: int) -> None:
    """A service that is down answers with an empty body, as long as it is down."""
    client = start(outage=status, outage_times=1)
    reply = client.upload()
    assert (reply.status_code, reply.content) == (status, b"")
    assert client.upload().status_code == 200


def test_upload_rate(start: Callable[..., Client]) -> None:
    """Past the rate: 429 with a message alone, and the three headers, in milliseconds."""
    client = start(upload_rate=1, rate_interval=60_000)
    assert client.upload().status_code == 200
    reply = client.upload()
    assert (reply.status_code, list(reply.json())) == (429, ["message"])
    assert (reply.headers["X-RateLimit-Limit"], reply.headers["X-RateLimit-Interval"]) == ("1", "60000")
    assert 50_000 < int(reply.headers["X-RateLimit-Reset"]) <= 60_001


def test_rate_window_ends(start: Callable[..., Client]) -> None:
    """After the time that the header names, requests pass again."""
    client = start(upload_rate=1, rate_interval=100)
    client.upload()
    reply = client.upload()
    time.sleep(int(reply.headers["X-RateLimit-Reset"]) / 1000)
    assert client.upload().status_code == 200


def test_refusals_have_message_and_help(client: Client) -> None:
    """An error is `message` and `help`, under a request id."""
    reply = client.upload(None)
    assert reply.json().keys() == {"message", "help"}
    assert len(reply.headers["x-ik-requestid"]) == 32
