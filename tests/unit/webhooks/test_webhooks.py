"""`webhooks.verify` and `webhooks.parse`: a webhook is the service's own, or is refused."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webhooking import NOW, READY, SECRET, TAGGED, UNTAGGED, event, signed, signed_before

import ikpipe
from ikpipe import webhooks

SCHEMES = [signed, signed_before]


def verify(body: bytes | str, headers: Any, **options: Any) -> webhooks.Event:
    """Verify at the time of the tests."""
    return webhooks.verify(body, headers, SECRET, **{"now": NOW, **options})


@pytest.mark.parametrize("sign", SCHEMES)
def test_a_signed_webhook_is_its_event(sign: Any) -> None:
    """Both schemes are known."""
    found = verify(READY, sign(READY))
    assert isinstance(found, webhooks.PreTransformEvent)
    assert (found.signed, found.replayed, found.succeeded, found.request_id) == (True, False, True, "req-1")
    assert (found.file_id, found.data["name"], found.id) == ("f1", "a.jpg", "evt_1")
    assert found.created_at == datetime.datetime(2026, 11, 23, 10, tzinfo=datetime.UTC)


@pytest.mark.parametrize("sign", SCHEMES)
def test_each_altered_byte_of_the_body_fails(sign: Any) -> None:
    """Not one bit can be changed."""
    headers = sign(READY)
    for place in range(len(READY)):
        for bit in (1, 32):  # 32 changes the case of a letter
            altered = READY[:place] + bytes([READY[place] ^ bit]) + READY[place + 1 :]
            with pytest.raises(ikpipe.WebhookError):
                verify(altered, headers)


@pytest.mark.parametrize("sign", SCHEMES)
@given(st.data())
def test_each_altered_byte_of_a_header_fails(sign: Any, data: st.DataObject) -> None:
    """Nor one of a header: not the id, not the time, and no other spelling of the signature's own bytes."""
    headers = sign(READY)
    name = data.draw(st.sampled_from(sorted(headers)))
    place = data.draw(st.integers(0, len(headers[name]) - 1))
    other = data.draw(st.characters(max_codepoint=255).filter(lambda one: one != headers[name][place]))
    with pytest.raises(ikpipe.WebhookError):
        verify(READY, headers | {name: headers[name][:place] + other + headers[name][place + 1 :]})


@pytest.mark.parametrize("sign", SCHEMES)
@given(st.binary(max_size=300))
def test_anything_else_that_is_not_signed_fails(sign: Any, body: bytes) -> None:
    """Whatever comes with a signature of something else is refused, and never an error of another kind."""
    with pytest.raises(ikpipe.WebhookError):
        verify(body, sign(READY))


def test_any_spelling_of_base64_but_one_fails() -> None:
    """The last letter has two bits that decoders ignore: they are not ignored here."""
    headers = signed(READY)
    *rest, last, equals = headers["webhook-signature"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = letters[letters.index(last) ^ 1]
    with pytest.raises(ikpipe.WebhookError, match="does not match its body"):
        verify(READY, headers | {"webhook-signature": "".join([*rest, twin, equals])})


@pytest.mark.parametrize("sign", SCHEMES)
@pytest.mark.parametrize("away", [-301, 301, -86_400])
def test_an_old_one_fails(sign: Any, away: int) -> None:
    """Five minutes, either way."""
    with pytest.raises(ikpipe.WebhookError, match="300 s are allowed"):
        verify(READY, sign(READY, at=NOW + away))


@pytest.mark.parametrize("sign", SCHEMES)
def test_a_tolerance_of_ones_own(sign: Any) -> None:
    """`tolerance` is in seconds."""
    assert verify(READY, sign(READY, at=NOW - 900), tolerance=900).signed
    with pytest.raises(ikpipe.WebhookError, match="10 s are allowed"):
        verify(READY, sign(READY, at=NOW - 11), tolerance=10)


@pytest.mark.parametrize("sign", SCHEMES)
def test_a_replayed_one_is_reported(sign: Any) -> None:
    """The second time, it says so; another one is no replay of it."""
    seen = webhooks.SeenEvents()
    other = READY.replace(b"evt_1", b"evt_2")
    more = {"webhook": "msg_2"} if sign is signed else {}
    found = [verify(READY, sign(READY), seen=seen), verify(READY, sign(READY, at=NOW + 9), seen=seen)]
    found.append(verify(other, sign(other, **more), seen=seen))
    assert [one.replayed for one in found] == [False, True, False]


def test_a_forged_one_is_not_remembered() -> None:
    """Whoever guesses ids cannot have the real webhooks taken for replays."""
    seen = webhooks.SeenEvents()
    with pytest.raises(ikpipe.WebhookError):
        verify(READY, signed(READY, secret="other"), seen=seen)
    assert not verify(READY, signed(READY), seen=seen).replayed


def test_only_so_many_are_remembered() -> None:
    """Memory is bounded: the oldest ids go first, and all after a day."""
    seen = webhooks.SeenEvents(most=2)
    assert not any(seen.before(one, 0) for one in "abc")
    assert [seen.before(one, 1) for one in "bca"] == [True, True, False]
    assert not webhooks.SeenEvents().before("a", 5)
    day = webhooks.SeenEvents()
    assert [day.before("a", 0), day.before("b", 86_401), day.before("a", 86_401)] == [False, False, False]


def test_a_secret_that_is_being_changed() -> None:
    """Of several secrets, and of several signatures, one is enough."""
    headers = signed(READY, secret="whsec_new")
    assert webhooks.verify(READY, headers, [SECRET, "whsec_new"], now=NOW).signed
    both = signed(READY)["webhook-signature"] + " " + headers["webhook-signature"] + " v2,x"
    assert webhooks.verify(READY, headers | {"webhook-signature": both}, "whsec_new", now=NOW).signed


@pytest.mark.parametrize("secret", ["", [], ["whsec_a", ""]])
def test_an_empty_secret_is_an_error(secret: Any) -> None:
    """With it, anybody could sign."""
    with pytest.raises(ikpipe.MappingError, match="secret is empty"):
        webhooks.verify(READY, signed(READY, secret=""), secret, now=NOW)


def test_headers_come_in_any_case_and_kind() -> None:
    """As a mapping, or as the pairs of bytes of ASGI; the body as text."""
    shouted = {name.upper(): value for name, value in signed(READY).items()}
    pairs = [(name.encode(), value.encode()) for name, value in shouted.items()]
    assert verify(READY.decode(), shouted).signed
    assert verify(READY, pairs).signed


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "no signature"),
        ({"webhook-id": "msg_1"}, "incomplete or invalid"),
        ({**signed(READY), "webhook-timestamp": "1e9"}, "incomplete or invalid"),
        ({"x-ik-signature": "v1=00,t=1"}, "does not have the form t="),
        ([*signed(READY).items(), ("Webhook-Id", "msg_2")], "twice"),
        ({**signed(READY), "webhook-signature": "v2,abc"}, "does not match"),
        ({"webhook-id": "msg_1", **signed_before(READY)}, "incomplete or invalid"),
    ],
)
def test_half_a_signature_is_none(headers: Any, words: str) -> None:
    """What lacks a header, has one twice, or leaves the better scheme for the older one, is refused."""
    with pytest.raises(ikpipe.WebhookError, match=words):
        verify(READY, headers)


def test_an_extension_is_taken_unsigned_only_if_wanted() -> None:
    """The service does not sign them; they say that they are not signed, and nothing else may be unsigned."""
    with pytest.raises(ikpipe.WebhookError, match="no signature"):
        verify(TAGGED, {})
    assert not verify(TAGGED, {}, unsigned=True).signed
    with pytest.raises(ikpipe.WebhookError, match="no signature"):
        verify(READY, {}, unsigned=True)
    with pytest.raises(ikpipe.WebhookError, match="does not match"):
        verify(TAGGED, signed(READY), unsigned=True)


def test_the_extension_events() -> None:
    """A success has the file's details, a failure the service's reason."""
    good, bad = webhooks.parse(TAGGED), webhooks.parse(UNTAGGED)
    assert isinstance(good, webhooks.ExtensionEvent)
    assert isinstance(bad, webhooks.ExtensionEvent)
    assert (good.service, good.status, good.file_id) == ("google-auto-tagging", "success", "f1")
    assert (bad.service, bad.status, bad.file_id) == ("aws-auto-tagging", "failed", "f1")
    assert bad.error == {"message": "no units left"}


ASKED = {"x_request_id": "r", "transformation": "w-4"}
REASON = {"transformation": {"error": {"reason": "too large"}}}


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (
            event("upload.pre-transform.error", {"name": "a", "path": "/a", **REASON}, request=ASKED),
            webhooks.PreTransformEvent,
            {"succeeded": False, "reason": "too large", "request_id": "r"},
        ),
        (
            event("upload.post-transform.success", {"fileId": "f", "url": "u"}, request=ASKED),
            webhooks.PostTransformEvent,
            {"succeeded": True, "url": "u", "file_id": "f"},
        ),
        (
            event("upload.post-transform.error", {"fileId": "f", **REASON}, request=ASKED),
            webhooks.PostTransformEvent,
            {"succeeded": False, "reason": "too large"},
        ),
        (
            event("video.transformation.ready", {"asset": {"url": "u"}}, request=ASKED),
            webhooks.VideoEvent,
            {"status": "ready", "url": "u"},
        ),
        (event("file.updated", {"fileId": "f"}), webhooks.FileEvent, {"change": "updated", "file_id": "f"}),
        (
            event("file-version.deleted", {"fileId": "f", "versionId": "v"}),
            webhooks.FileEvent,
            {"change": "deleted", "version_id": "v"},
        ),
        (event("folder.created", {"path": "/a"}), webhooks.Event, {"type": "folder.created"}),
        (event("upload.pre-transform.paused", {}), webhooks.Event, {"type": "upload.pre-transform.paused"}),
        (event("upload.post-transform.paused", {}), webhooks.Event, {}),
        (event("video.transformation.paused", {}), webhooks.Event, {}),
        (event("file.moved", {"fileId": "f"}), webhooks.Event, {"file_id": "f"}),
        (b'{"type": "new", "created_at": "soon"}', webhooks.Event, {"created_at": None, "id": None}),
    ],
)
def test_every_event_has_its_class(body: bytes, kind: type, told: dict[str, Any]) -> None:
    """Those of the vendor's description, and what is newer than this as a plain event."""
    found = webhooks.parse(body)
    assert type(found) is kind
    assert {name: getattr(found, name) for name in told} == told
    assert found.body == json.loads(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", "neither a type"),
        (b'{"type": 4}', "neither a type"),
        (b'{"type": "file.created", "data": []}', "neither a type"),
        (b'{"type": "file.created", "data": {"fileId": 4}}', "no 'fileId'"),
        (b'{"type": "upload.pre-transform.error", "data": {}}', "no 'x_request_id'"),
        (event("upload.pre-transform.success", {}, request=ASKED), "no 'fileId'"),
        (b'{"service": "remove-bg", "status": "MAYBE"}', "SUCCESS nor FAILURE"),
        (b'{"service": "remove-bg"}', "no 'status'"),
    ],
)
def test_what_is_no_event_is_an_error(body: bytes, words: str) -> None:
    """Also with a good signature: then it says so."""
    with pytest.raises(ikpipe.WebhookError, match=words) as caught:
        verify(body, signed(body))
    assert caught.value.signed


def test_one_that_comes_again_after_a_day() -> None:
    """It is a new one by then, also where it is all that was remembered; a memory of nothing remembers nothing."""
    alone, none = webhooks.SeenEvents(), webhooks.SeenEvents(most=0)
    assert [alone.before("a", now) for now in (0, 90_000, 90_001)] == [False, False, True]
    assert [none.before("a", now) for now in (0, 1)] == [False, False]


def test_one_without_an_id_is_known_by_its_body() -> None:
    """The older scheme has none, and signs each try anew: the same body is the same webhook, another is another."""
    seen, other = webhooks.SeenEvents(), TAGGED.replace(b"f1", b"f2")
    tries = [(TAGGED, NOW), (TAGGED, NOW + 9), (other, NOW)]
    assert [verify(body, signed_before(body, at=at), seen=seen).replayed for body, at in tries] == [False, True, False]


@pytest.mark.parametrize("body", [READY, TAGGED], ids=["with an id", "without"])
def test_one_scheme_s_webhook_is_a_replay_by_the_other(body: bytes) -> None:
    """Whoever has one that was signed by both cannot send it again by leaving one signature out."""
    seen = webhooks.SeenEvents()
    found = [verify(body, sign(body), seen=seen) for sign in (signed, signed_before)]
    assert [one.replayed for one in found] == [False, True]


def test_text_of_half_a_character_is_refused_as_any_other() -> None:
    """A body that could not have been sent has no signature."""
    with pytest.raises(ikpipe.WebhookError, match="does not match"):
        verify("\ud83d", signed(READY))


def test_half_a_character_in_an_event_is_replaced() -> None:
    """JSON can escape what no table and no file can hold."""
    found = webhooks.parse(b'{"type": "file.updated", "data": {"fileId": "f", "tags": ["\\ud83d", "\\ud83d\\ude00"]}}')
    assert found.data["tags"] == ["?", "\U0001f600"]


def test_a_version_s_id_is_where_its_details_have_it() -> None:
    """A version that was deleted has its id beside the file's, one that was created in its details (spec)."""
    body = event("file-version.created", {"fileId": "f", "versionInfo": {"id": "v", "name": "Version 2"}})
    found = webhooks.parse(body)
    assert isinstance(found, webhooks.FileEvent)
    assert found.version_id == "v"
