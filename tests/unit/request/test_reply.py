"""Every answer of the service is a result or a code, and none is an exception."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import result_frame

from ikpipe.errors import CODES
from ikpipe.frames.results import one_file_frame
from ikpipe.request.reply import MESSAGES, check_details, details_of_reply, read_reply
from ikpipe.request.result import KINDS

DETAILS = {
    "fileId": "598821f949c0a938d57563bd",
    "name": "file1.jpg",
    "url": "https://ik.imagekit.io/your_imagekit_id/images/products/file1.jpg",
    "thumbnailUrl": "https://ik.imagekit.io/your_imagekit_id/tr:n-media_library_thumbnail/images/products/file1.jpg",
    "height": 300,
    "width": 200,
    "size": 83622,
    "filePath": "/images/products/file1.jpg",
    "tags": ["t-shirt", "round-neck", "sale2019"],
    "AITags": [{"name": "Shirt", "confidence": 90.12, "source": "google-auto-tagging"}],
    "versionInfo": {"id": "598821f949c0a938d57563bd", "name": "Version 1"},
    "isPrivateFile": False,
    "customCoordinates": None,
    "customMetadata": {"brand": "Nike", "color": "red"},
    "embeddedMetadata": {"Title": "The Title (ref2019.1)"},
    "extensionStatus": {"google-auto-tagging": "success", "aws-auto-tagging": "pending"},
    "fileType": "image",
}
"""The seed's example."""

# Copied from IMAGEKIT.md, section 3.
TABLE = {
    (400, "Your request is missing token parameter."): "token_missing",
    (400, "Your request contains expired token."): "token_expired",
    (400, "Your request has invalid token."): "token_invalid",
    (
        400,
        "Your request contains invalid payload. It does not match with the payload used to generate token.",
    ): "payload_mismatch",
    (
        400,
        (
            "Your request contains both token and basic auth parameter. "
            "Use only one method, you might be exposing your private API key."
        ),
    ): "two_credentials",
    (400, "Your request is missing file parameter."): "file_missing",
    (400, "Your request contains invalid file parameter. The file size exceeds limits."): "file_too_large",
    (
        400,
        (
            "A file with the same name already exists at the exact location. We could not overwrite it because both "
            "overwriteFile and useUniqueFileName are set to false."
        ),
    ): "name_taken",
    (400, "Upload Limit Exceeded."): "upload_quota",
    (400, "Extensions quota exceeded."): "extension_quota",
    (400, "You have sent too many requests to update the file recently. Please try again later."): "busy",
    (400, "The file could not be uploaded because the transformation field is invalid."): "bad_transformation",
    (400, "Your request contains invalid syntax for the checks parameter."): "bad_checks",
    (400, "Your request failed 'checks' validation."): "checks_failed",
    (401, "Your request does not contain private API key."): "key_missing",
    (403, "Your account cannot be authenticated."): "account_refused",
    (403, "Your request contains expired private API key."): "key_expired",
    (403, "Your account is disabled."): "account_disabled",
}


def answer(status: int, body: object, **headers: str) -> Any:
    """Read an answer; a body that is no bytes is written as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = headers if isinstance(body, bytes) else {"x_ik_requestid": "1", **headers}
    return read_reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


# Stored


def test_the_seeds_answer_is_read_whole() -> None:
    """Every field of the example has its place, and nothing is left over."""
    result = answer(200, DETAILS).result
    assert (result.status, result.error, result.extra) == ("uploaded", None, None)
    assert (result.file_id, result.size, result.height, result.width) == (DETAILS["fileId"], 83622, 300, 200)
    assert (result.tags, result.ai_tags) == (DETAILS["tags"], DETAILS["AITags"])
    assert (result.version_id, result.version_name) == ("598821f949c0a938d57563bd", "Version 1")
    assert (result.is_private_file, result.custom_coordinates) == (False, None)
    assert result.custom_metadata == {"brand": "Nike", "color": "red"}
    assert result.embedded_metadata == DETAILS["embeddedMetadata"]
    assert result.extension_status == DETAILS["extensionStatus"]
    assert (result.name, result.url, result.thumbnail_url) == (DETAILS["name"], DETAILS["url"], DETAILS["thumbnailUrl"])
    assert (result.file_path, result.file_type) == (DETAILS["filePath"], "image")


def test_a_videos_answer_is_read_whole() -> None:
    """Fields that only videos have, a metadata object, and `isPublished`."""
    video = {"bitRate": 900, "videoCodec": "h264", "audioCodec": "aac", "duration": 5, "metadata": {"a": 1}}
    result = answer(200, {"fileId": "1", **video, "isPublished": True}).result
    assert (result.bit_rate, result.video_codec, result.audio_codec, result.duration) == (900, "h264", "aac", 5)
    assert (result.metadata, result.is_published, result.extra) == ({"a": 1}, True, None)


def test_unknown_fields_are_kept() -> None:
    """What nobody knew is kept under its own name."""
    assert answer(200, {**DETAILS, "selectedFieldsSchema": {"a": 1}, "new": 7}).result.extra == {
        "selectedFieldsSchema": {"a": 1},
        "new": 7,
    }


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        ("size", "83622"),
        ("size", 1.5),
        ("size", True),
        ("size", 2**70),
        ("tags", "a,b"),
        ("isPrivateFile", 1),
        ("name", 7),
        ("customMetadata", []),
        ("duration", "5"),
        ("versionInfo", "1"),
        ("versionInfo", {"id": 7, "name": ["x"]}),
        ("versionInfo", {"id": "7", "name": "x", "more": 1}),
    ],
)
def test_a_field_of_another_type_does_not_lose_the_row(wire: str, value: object) -> None:
    """It is kept aside as it came, the row is up, and a frame can hold it."""
    result = answer(200, {**DETAILS, wire: value}).result
    assert (result.status, result.file_id) == ("uploaded", DETAILS["fileId"])
    assert result.extra == {wire: value}
    assert result_frame(one_file_frame("a"), [result], {})["ik_status"].tolist() == ["uploaded"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*DETAILS, "extra", "status", "error", "bitRate", "fileid"]), json_values))
def test_no_answer_at_all_loses_a_row(fields: dict[str, Any]) -> None:
    """Whatever the types of its fields: a stored file is uploaded, and its frame can be made."""
    result = answer(200, {**fields, "fileId": "1"}).result
    frame = result_frame(one_file_frame("a"), [result], {})
    assert (frame["ik_status"][0], frame["ik_file_id"][0]) == ("uploaded", "1")


def test_202_is_accepted() -> None:
    """A pre-transformation is queued: no file yet, and no error (spec)."""
    words = "The pre-transformation has been queued successfully."
    result = answer(202, {"message": words}).result
    assert (result.status, result.error, result.message) == ("accepted", None, words)


def test_the_request_id_is_kept() -> None:
    """Every reply has one (docs), and the service's support asks for it."""
    assert answer(200, DETAILS, x_ik_requestid="abc").result.request_id == "abc"
    assert answer(503, b"", x_ik_requestid="def").result.request_id == "def"


def test_details_of_the_media_api_are_read_alike() -> None:
    """The same names, with `thumbnail` for the thumbnail's URL."""
    result = details_of_reply({"fileId": "1", "thumbnail": "https://t"}, "exists")
    assert (result.status, result.file_id, result.thumbnail_url) == ("exists", "1", "https://t")


# Refused


@pytest.mark.parametrize(("status", "message"), TABLE)
def test_every_message_has_its_code(status: int, message: str) -> None:
    """Each message of the document is certainly not stored, under its own code, in its own words."""
    reply = answer(status, {"message": message, "help": "For support kindly contact us."})
    assert (reply.result.status, reply.result.error, reply.result.message) == (
        "failed",
        TABLE[status, message],
        message,
    )


def test_no_two_messages_share_a_code() -> None:
    """The documents' messages, and no others, are told apart, and each code is explained."""
    assert {message: code for (_, message), code in TABLE.items()} == MESSAGES
    assert len(set(TABLE.values())) == len(TABLE)
    assert set(TABLE.values()) <= set(CODES)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("The token with value 'a\nb' has been used before. We suggest using V4 UUIDs.", "token_invalid"),
        ("The file could not be uploaded because the post transformation is not allowed.", "bad_transformation"),
        ("The file already has 100 versions.", "too_many_versions"),
        ("Maximum number of file versions reached.", "too_many_versions"),
        ("The number of versions exceeds the limit.", "too_many_versions"),
        ("Your request contains an invalid version.", "refused"),
        ("Something that nobody has ever read.", "refused"),
        ("", "refused"),
    ],
)
def test_families_of_messages(message: str, code: str) -> None:
    """V1's words for a spent token, other words about transformations; the rest is just refused."""
    assert answer(400, {"message": message}).result.error == code


FOREIGN = [b"", b"<html>no</html>", b'{"message": 7}', b"[1]", b'{"mess', b'{"message": "Forbidden"}']


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 413, 418, 421, 423, 425, 429, 431, 460, 499])
@pytest.mark.parametrize("body", FOREIGN)
def test_a_4xx_in_other_words_is_no_refusal(status: int, body: bytes) -> None:
    """A gateway, firewall or proxy knows nothing of the file, which may be stored; and it stops no run."""
    reply = answer(status, body)
    assert (reply.result.status, reply.result.error, reply.retryable) == ("unknown", "bad_reply", False)
    assert (reply.stops_run, reply.own, str(status) in reply.result.message) == ("never", False, True)


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "refused"), (404, "refused"), (401, "key_missing"), (403, "account_refused"), (413, "file_too_large")],
)
def test_new_words_of_the_service_go_by_their_status(status: int, code: str) -> None:
    """JSON with the service's request id is its word, also where nobody has ever read it."""
    reply = answer(status, {"message": "Something new."}, x_ik_requestid="1")
    assert (reply.result.status, reply.result.error, reply.own) == ("failed", code, True)


@pytest.mark.parametrize(
    ("own_answers", "known", "with_id", "any_message"),
    [("known_or_request_id", True, True, False), ("known", True, False, False), ("any_json", True, True, True)],
)
def test_which_answers_are_the_services_own(own_answers: Any, *, known: bool, with_id: bool, any_message: bool) -> None:
    """A policy says what is believed: documented sentences, the request id, or any JSON with a message."""
    sentence, other = (json.dumps({"message": words}).encode() for words in ("Your account is disabled.", "Forbidden"))
    assert read_reply(403, {}, sentence, own_answers).own is known
    assert read_reply(403, {"x-ik-requestid": "1"}, other, own_answers).own is with_id
    assert read_reply(403, {}, other, own_answers).own is any_message


def test_a_foreign_answer_is_described() -> None:
    """Whoever looks for the cause learns the status, what came with it, and who says that he sent it."""
    message = answer(403, b"<html>Request blocked</html>", server="cloudflare").result.message
    assert message == "The reply (403 with a web page) is not from ImageKit (server: cloudflare)."


def test_a_message_is_kept_short() -> None:
    """A row's message is no place for a web page."""
    assert len(answer(400, {"message": "x" * 10_000}).result.message) == 500


def test_a_message_shows_no_token() -> None:
    """V1 repeats the token in its message: whoever reads the table could use it."""
    token = "eyJhbGciOi.eyJmaWxl.c2lnbmF0dXJl"
    assert "eyJ" not in answer(400, {"message": f"The token with value '{token}' has been used before."}).result.message


# What to do next


@pytest.mark.parametrize(("status", "message"), TABLE)
def test_only_what_passes_is_tried_again(status: int, message: str) -> None:
    """Of the documents' refusals these alone: too many requests, and a token that expired since the clock is wrong."""
    assert answer(status, {"message": message}).retryable == (TABLE[status, message] in {"busy", "token_expired"})


ALWAYS = {"upload_quota", "extension_quota", "key_missing", "account_refused", "key_expired", "account_disabled"}


@pytest.mark.parametrize(("status", "message"), TABLE)
def test_what_concerns_the_account_stops_the_run(status: int, message: str) -> None:
    """401, 403 and quotas always do; an invalid token does while no row has shown that the keys work."""
    code = TABLE[status, message]
    wanted = "always" if code in ALWAYS else "unproven" if code == "token_invalid" else "never"
    assert answer(status, {"message": message}).stops_run == wanted


@pytest.mark.parametrize("status", [401, 403])
def test_any_401_and_403_stops_the_run(status: int) -> None:
    """In the service's own words, whatever they are."""
    assert answer(status, {"message": "Something new."}).stops_run == "always"


@pytest.mark.parametrize(
    ("reset", "wait"), [("1500", 1.5), ("0", 0.0), ("", None), ("soon", None), ("-5", None), ("9" * 5000, None)]
)
def test_a_rate_limit_names_its_wait_in_milliseconds(reset: str, wait: float | None) -> None:
    """429 is tried again, after `X-RateLimit-Reset` milliseconds (docs) where these can be read."""
    reply = answer(429, {"message": "Rate limit."}, x_ratelimit_reset=reset)
    assert (reply.result.error, reply.retryable, reply.wait) == ("rate_limited", True, wait)


def test_only_a_rate_limit_has_a_reset() -> None:
    """The header stands in other replies too, where it means nothing."""
    assert answer(400, {"message": "Upload Limit Exceeded."}, x_ratelimit_reset="1500").wait is None


NOON = "Sun, 06 Nov 1994 12:00:00 GMT"


@pytest.mark.parametrize(
    ("after", "date", "wait"),
    [
        ("2", "", 2.0),
        ("Sun, 06 Nov 1994 12:00:09 GMT", NOON, 9.0),
        ("Sun, 06 Nov 1994 11:59:00 GMT", NOON, 0.0),
        ("Sun, 06 Nov 1994 12:00:09 GMT", "", None),
        ("soon", NOON, None),
        ("1.5", NOON, None),
        ("\u0665", NOON, None),
        ("9" * 5000, NOON, None),
    ],
    ids=["seconds", "date", "past", "no clock", "words", "fraction", "other digits", "endless"],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_proxy_names_its_wait_in_seconds_or_as_a_date(status: int, after: str, date: str, wait: float | None) -> None:
    """`Retry-After` counts seconds, or is a date by the service's own clock (HTTP)."""
    assert answer(status, b"", retry_after=after, date=date).wait == wait


def test_the_services_own_word_goes_first() -> None:
    """`X-RateLimit-Reset` is finer than a proxy's `Retry-After`."""
    assert answer(429, b"", x_ratelimit_reset="1500", retry_after="9").wait == 1.5


@pytest.mark.parametrize("status", [200, 400, 503])
def test_a_reply_has_the_services_time(status: int) -> None:
    """Whatever it says, its `Date` tells how late it is there."""
    assert answer(status, b"", date=NOON).date == 784123200


@given(st.text() | st.from_regex(r"Sun, \d{1,20} Nov \d{1,20} \d\d:\d\d:\d\d (GMT|-0000|[+-]\d{1,9})", fullmatch=True))
def test_no_date_is_an_exception(date: str) -> None:
    """A date that is none is no time at all."""
    then = answer(503, b"", date=date).date
    assert then is None or isinstance(then, float)


# In doubt


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"message": "Internal"}', b'{"fileId": "1"}'])
def test_a_5xx_may_have_stored_the_file(status: int, body: bytes) -> None:
    """Whatever it says: the file may be stored, so the row is not simply sent again."""
    reply = answer(status, body)
    assert (reply.result.status, reply.result.error, reply.retryable) == ("unknown", "server_error", False)


@pytest.mark.parametrize("status", [200, 202, 204, 301, 100])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>ok</html>",
        b'{"fileId": "1", "na',
        b"[" * 100_000,
        b"null",
        b"[]",
        b'{"fileId": 1}',
        b"{}",
        b"\xff\xfe{",
    ],
    ids=["empty", "HTML", "truncated", "deep", "null", "list", "number as id", "no id", "no UTF-8"],
)
def test_what_cannot_be_read_is_in_doubt(status: int, body: bytes) -> None:
    """A success that is no answer of the service: the file may be stored."""
    reply = answer(status, body)
    assert (reply.result.status, reply.result.error, reply.retryable) == ("unknown", "bad_reply", False)


@given(st.integers(100, 599), st.one_of(st.binary(), json_values.map(lambda one: json.dumps(one).encode())))
def test_no_answer_is_an_exception(status: int, body: bytes) -> None:
    """Any status with any body is a result of the contract, with a code unless it is up."""
    result = answer(status, body).result
    assert result.status in {"uploaded", "accepted", "failed", "unknown"}
    assert (result.error in CODES) == (result.status in {"failed", "unknown"})


# Whose file it is

PLACES: list[tuple[str, str, int | None, int | None, bool, str]] = [
    ("/a/b.jpg", "/a/b.jpg", 7, 7, False, "ours"),
    ("/a/b.jpg", "/a/b.jpg", None, 7, False, "ours"),
    ("/a/b c.jpg", "/a/b_c.jpg", 7, 7, False, "ours"),
    ("/a x/b.jpg", "/a_x/b.jpg", 7, 7, False, "ours"),
    ("/a/u\u0308.jpg", "/a/\u00fc.jpg", 7, 7, False, "ours"),
    ("/a/b c.jpg", "/a/b_c.jpg", 8, 7, False, "another"),
    ("/a/c.jpg", "/a/b.jpg", 7, 7, False, "another"),
    ("/x/b.jpg", "/a/b.jpg", 7, 7, False, "another"),
    ("/a/b/c.jpg", "/a/b_c.jpg", 7, 7, False, "another"),
    ("", "/a/b.jpg", 7, 7, False, "another"),
    ("/a/b_Xy1.jpg", "/a/b.jpg", 7, 7, True, "ours"),
    ("/a/b_Xy1", "/a/b", 7, 7, True, "ours"),
    ("/a/.___Xy1", "/a/._", 7, 7, True, "ours"),
    ("/a/.jpg_Xy1", "/a/.jpg", 7, 7, True, "ours"),
    ("/a/c_Xy1.jpg", "/a/b.jpg", 7, 7, True, "another"),
    ("/a/b_Xy1.png", "/a/b.jpg", 7, 7, True, "another"),
    ("/a/b/c.jpg", "/a/b.jpg", 7, 7, True, "another"),
]
"""Where a file is said to be stored, where it was to be, both sizes, and whether the service makes the name."""


@pytest.mark.parametrize(("said", "path", "stored", "sent", "unique", "whose"), PLACES)
def test_details_of_another_file_say_nothing(
    said: str, path: str, stored: int | None, sent: int | None, *, unique: bool, whose: str
) -> None:
    """Name and path are ours, or differ in replaced characters and Unicode form alone; else the row may be stored."""
    result = check_details(
        answer(200, {"fileId": "1", "filePath": said, "size": stored}).result, path, sent, unique=unique
    )
    wanted = ("uploaded", None) if whose == "ours" else ("unknown", "bad_reply")
    assert (result.status, result.error) == wanted


@pytest.mark.parametrize("status", [200, 201, 202, 400, 403])
def test_another_gateways_202_and_200_are_no_answers(status: int) -> None:
    """JSON of something else stores nothing and refuses nothing."""
    assert answer(status, b'{"message": "Accepted"}').result.status == "unknown"


def test_results_fields_are_all_reachable() -> None:
    """Every column after `request_id` is filled by some answer."""
    served = ["url", "name", *list(KINDS)[list(KINDS).index("file_id") : list(KINDS).index("warnings")]]
    full = {**DETAILS, "isPublished": True, "customCoordinates": "1,2,3,4", "metadata": {"a": 1}}
    video = {"bitRate": 1, "videoCodec": "a", "audioCodec": "b", "duration": 1.5}
    result = details_of_reply({**full, **video})
    assert [name for name in served if getattr(result, name) is None] == []
