"""Transformations of uploads, before and after the file is stored, and their events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, Clock, picture, refused
from receiver import Receiver, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRE = json.dumps({"pre": "w-10,f-png"})
BAD = (400, "The file could not be uploaded because the transformation field is invalid.")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a receiver of webhooks."""
    with Receiver() as running:
        yield running


def post(*steps: dict[str, str]) -> str:
    """Return a transformation with post-transformations."""
    return json.dumps({"post": steps})


def test_picture_is_stored_transformed(start: Callable[..., Client], receiver: Receiver) -> None:
    """A queued pre-transformation changes what is stored, and its event has the upload's response [docs]."""
    client = start(webhook_url=receiver.url)
    reply = client.fixed("a.png", picture(), transformation=PRE, folder="/f")
    assert reply.status_code == 202
    event = receiver.next().json
    assert (event["type"], event["request"]["transformation"]) == ("upload.pre-transform.success", "w-10,f-png")
    assert event["request"]["x_request_id"] == reply.headers["x-ik-requestid"]
    assert (event["data"]["width"], event["data"]["height"], event["data"]["filePath"]) == (10, 5, "/f/a.png")
    assert client.details(event["data"]["fileId"])["mime"] == "image/png"


def test_a_pre_transformation_can_take_its_time(start: Callable[..., Client], receiver: Receiver) -> None:
    """After the 202 the file does not exist yet; the event says when it does."""
    client = start(webhook_url=receiver.url, transformation_delay=0.3, clock=(clock := Clock()))
    assert client.fixed("a.jpg", picture(), transformation=PRE).status_code == 202
    assert client.emulator.log()[-1]["stored"] is False
    assert client.api("GET", "/v1/files").json() == []
    clock.go_on(0.4)
    file_id = receiver.next().json["data"]["fileId"]
    assert client.details(file_id)["width"] == 10


def test_no_picture_is_stored_as_it_came(start: Callable[..., Client], receiver: Receiver) -> None:
    """A file that cannot be transformed here, such as a video, is stored unchanged."""
    client = start(webhook_url=receiver.url)
    assert client.fixed("a.bin", b"some bytes", transformation=PRE).status_code == 202
    assert receiver.next().json["data"]["size"] == 10


@pytest.mark.parametrize(
    ("pre", "rules"),
    [("n-nothing", {}), ("zz-1", {"unknown_steps": "refuse"}), ("so-70", {"transformations_failed": ("so-*",)})],
)
def test_pre_transformation_fails(
    start: Callable[..., Client], receiver: Receiver, pre: str, rules: dict[str, Any]
) -> None:
    """One that fails stores nothing, and its event has the path of the file [docs]."""
    client = start(webhook_url=receiver.url, **rules)
    reply = client.fixed("a.jpg", picture(), transformation=json.dumps({"pre": pre}), folder="/f")
    assert reply.status_code == 202
    event = receiver.next().json
    assert (event["type"], event["request"]["transformation"]) == ("upload.pre-transform.error", pre)
    assert event["data"] == {
        "name": "a.jpg",
        "path": "/f/a.jpg",
        "transformation": {"error": {"reason": "encoding_failed"}},
    }
    assert client.api("GET", "/v1/files").json() == []


def test_name_that_is_taken_is_refused_at_once(start: Callable[..., Client]) -> None:
    """A name that is taken is an immediate error, even if queued [upload docs: "an error immediately"]."""
    for delay in (0, 60):
        client = start(transformation_delay=delay)
        client.fixed("a.jpg", picture())
        assert client.fixed("a.jpg", picture(), overwriteFile="false", transformation=PRE).status_code == 400


def test_refusal_of_a_queued_upload_is_an_event(start: Callable[..., Client], receiver: Receiver) -> None:
    """An error that occurs later is in the event, with the service's message."""
    client = start(webhook_url=receiver.url, transformation_delay=0.01, image_limit=10)
    client.fixed("a.jpg", picture(), transformation=PRE)
    reason = receiver.next().json["data"]["transformation"]["error"]["reason"]
    assert reason == "Your request contains invalid file parameter. The file size exceeds limits."


def test_images_at_once(start: Callable[..., Client], receiver: Receiver) -> None:
    """A rule: images are not queued [docs], and the response is a 200, or a 400 if it fails."""
    client = start(pre_transformation="images-at-once", webhook_url=receiver.url)
    reply = client.fixed("a.jpg", picture(), transformation=PRE)
    assert (reply.status_code, reply.json()["width"]) == (200, 10)
    assert receiver.next().json["data"] == reply.json()
    assert refused(client.fixed("b.jpg", picture(), transformation='{"pre": "n-nothing"}')) == BAD
    assert client.fixed("a.bin", transformation=PRE).status_code == 202


@pytest.mark.parametrize(
    ("step", "file", "tail"),
    [
        ({"type": "transformation", "value": "w-10,h-5"}, picture(), "?tr=w-10,h-5"),
        ({"type": "gif-to-video"}, picture("GIF"), "/ik-gif-video.mp4"),
    ],
    ids=["transformation", "gif-to-video"],
)
def test_post_transformation(
    start: Callable[..., Client], receiver: Receiver, step: dict[str, str], file: bytes, tail: str
) -> None:
    """Each post-transformation has an event with the URL of its result [docs]."""
    client = start(webhook_url=receiver.url)
    reply = client.fixed("a", file, transformation=post(step))
    event = receiver.next().json
    assert (event["type"], event["request"]["transformation"]) == ("upload.post-transform.success", step)
    assert event["data"] == {"fileId": reply.json()["fileId"], "name": "a", "url": reply.json()["url"] + tail}


@pytest.mark.parametrize(
    "step",
    [
        {"type": "gif-to-video"},
        {"type": "thumbnail", "value": "so-2"},
        {"type": "abs", "value": "sr-240_360", "protocol": "dash"},
        {"type": "transformation", "value": "n-nothing"},
        {"type": "transformation", "value": "broken"},
    ],
    ids=lambda step: f"{step['type']} {step.get('value')}",
)
def test_post_transformation_fails(start: Callable[..., Client], receiver: Receiver, step: dict[str, str]) -> None:
    """A video transformation of an image fails, and so does an impossible one; the file stays [docs]."""
    client = start(webhook_url=receiver.url, transformations_failed=("broken",))
    file_id = client.fixed("a.jpg", picture(), transformation=post(step)).json()["fileId"]
    event = receiver.next().json
    assert event["type"] == "upload.post-transform.error"
    assert event["data"]["transformation"] == {"error": {"reason": "encoding_failed"}}
    assert (event["data"]["fileId"], event["data"]["path"]) == (file_id, "/a.jpg")
    assert client.details(file_id)["name"] == "a.jpg"


def test_post_transformation_of_a_file_that_is_gone(start: Callable[..., Client], receiver: Receiver) -> None:
    """A file that was deleted in the meantime cannot be transformed."""
    client = start(webhook_url=receiver.url, transformation_delay=0.3, clock=(clock := Clock()))
    step = {"type": "transformation", "value": "w-10"}
    file_id = client.fixed("a.jpg", picture(), transformation=post(step)).json()["fileId"]
    client.api("DELETE", f"/v1/files/{file_id}")
    clock.go_on(0.4)
    assert receiver.next().json["type"] == "upload.post-transform.error"


@pytest.mark.parametrize("kind", ["success", "error"])
def test_one_kind_of_end_is_told(start: Callable[..., Client], receiver: Receiver, kind: str) -> None:
    """A subscription to the full name of an event receives only this event."""
    client = start(webhook_url=receiver.url, webhook_events=(f"upload.post-transform.{kind}",), webhook_wait=0)
    steps = [{"type": "transformation", "value": value} for value in ("w-2", "n-nothing")]
    client.fixed("a.jpg", picture(), transformation=json.dumps({"post": steps}))
    assert receiver.next().json["type"] == f"upload.post-transform.{kind}"
    assert len(client.emulator.webhooks()) == 1


def test_both(start: Callable[..., Client], receiver: Receiver) -> None:
    """A post-transformation uses the file that the pre-transformation has stored."""
    client = start(webhook_url=receiver.url)
    step = {"type": "transformation", "value": "w-2"}
    client.fixed("a.jpg", picture(), transformation=json.dumps({"pre": "w-10", "post": [step, step]}))
    kinds = sorted(receiver.next().json["type"] for _ in range(3))
    assert kinds == ["upload.post-transform.success"] * 2 + ["upload.pre-transform.success"]


def test_files_are_told(start: Callable[..., Client], receiver: Receiver) -> None:
    """A subscription receives the events of new files and new versions [sdk]."""
    client = start(webhook_url=receiver.url, webhook_events=("file*",), webhook_signature="standard")
    for kind in ("file.created", "file-version.created"):
        answer = client.fixed("a.jpg", picture()).json()
        received = receiver.next()
        assert (received.json["type"], received.json["data"]) == (kind, client.details(answer["fileId"]))
        assert received.headers["webhook-id"] == received.json["id"]


def test_without_an_address_nobody_is_told(client: Client) -> None:
    """Without a webhook URL there are no events."""
    client.fixed("a.jpg", picture(), transformation=post({"type": "thumbnail"}))
    assert client.emulator.webhooks() == []


def test_any_2xx_is_taken(start: Callable[..., Client]) -> None:
    """Any 2xx accepts the account's own webhook [docs]."""
    with Receiver(500, 204) as receiver:
        client = start(webhook_url=receiver.url, webhook_wait=0)
        client.fixed("a.jpg", picture(), transformation=PRE)
        wait_until(lambda: client.emulator.webhooks()[0]["taken"])
    (message,) = client.emulator.webhooks()
    assert [one["status"] for one in message["tries"]] == [500, 204]
    assert message["extension"] is None
