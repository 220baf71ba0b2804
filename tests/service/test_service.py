"""Client and emulator, which share no code, in one conversation: delivery, and what finishes later."""

from __future__ import annotations

import io
import time
from queue import Queue
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from hearing import running
from PIL import Image

import ikpipe
from ikpipe import webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ikpipe import Account
    from ikpipe.emulator import Emulator


SECRET = "whsec_of_this_conversation"
TAGGER = [{"name": "google-auto-tagging", "maxTags": 5, "minConfidence": 80}]
REMOVER = [{"name": "remove-bg"}]

Emulate = "Callable[..., Emulator]"
Draw = "Callable[..., bytes]"


class Hearing:
    """A server of the user's own that hears webhooks."""

    def __init__(self, url: str, events: Queue[webhooks.Event]) -> None:
        self.url, self._events = url, events

    def next(self, count: int = 1) -> list[webhooks.Event]:
        """Wait for webhooks."""
        return [self._events.get(timeout=20) for _ in range(count)]


@pytest.fixture
def hearing() -> Iterator[Hearing]:
    """Run one, whose secret is the emulators' in this file."""
    events: Queue[webhooks.Event] = Queue()
    with running(webhooks.endpoint(SECRET, events.put)) as url:
        yield Hearing(f"{url}/hook", events)


@pytest.fixture
def emulate_telling(emulate: Emulate) -> Callable[..., Emulator]:
    """Start emulators that sign with the secret of this file."""
    return lambda **rules: emulate(webhook_secret=SECRET, **rules)


def put(account: Account, *files: bytes, **parameters: Any) -> pd.DataFrame:
    """Upload pictures."""
    frame = pd.DataFrame({"file": list(files)})
    given = {"file_name": "a.png", "progress": False, **parameters}
    return ikpipe.upload(frame, account, **given)


def path_of(results: pd.DataFrame) -> str:
    """Give the path of the one file."""
    assert results["ik_error"].isna().all(), results["ik_message"].tolist()
    return str(results["ik_file_path"].iloc[0])


def size(reply: httpx.Response) -> tuple[int, int]:
    """Give the size of the picture that came."""
    assert reply.status_code == 200, reply.headers
    return Image.open(io.BytesIO(reply.content)).size


def until(ask: Callable[[], pd.DataFrame], fact: Callable[[pd.DataFrame], object]) -> pd.DataFrame:
    """Ask until something is so, or for long."""
    end = time.monotonic() + 20
    while not fact(found := ask()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


# Delivery


def test_a_file_is_delivered_as_it_came(account: Account, picture: Draw) -> None:
    """`url` of a row's path gives the bytes that went up; it is the row's `ik_url`."""
    content = picture(7)
    results = put(account, content)
    url = ikpipe.url(path_of(results), account)
    assert httpx.get(url).content == content
    assert results["ik_url"].tolist() == [url]


def test_a_name_of_any_script_is_delivered(account: Account, picture: Draw) -> None:
    """The path is percent-encoded here and read there."""
    path = path_of(put(account, picture(8), file_name="猫_å.png", folder="/Ωmega/"))
    assert path.startswith("/Ωmega/猫_å")
    assert httpx.get(ikpipe.url(path, account, signed=True)).content == picture(8)


@pytest.mark.parametrize("position", ["query", "path"])
@pytest.mark.parametrize(
    ("transformation", "expected"),
    [
        ({"width": 40}, (40, 20)),
        ({"height": 300, "width": 400}, (400, 300)),
        ({"width": 40, "height": 40, "crop": "at_max"}, (40, 20)),
        ({"width": 40, "height": 40, "crop_mode": "extract", "focus": "bottom_right"}, (40, 40)),
        ([{"width": 40}, {"rotation": 90}], (20, 40)),
        (["w-40", "w-30,h-10,c-force"], (30, 10)),
        ({"width": 40, "radius": 5, "blur": 2, "quality": 50, "format": "png"}, (40, 20)),
    ],
)
def test_a_transformation_is_carried_out(
    account: Account, picture: Draw, transformation: Any, expected: tuple[int, int], position: Any
) -> None:
    """What `url` writes, in the query or in the path, signed too, is what delivery makes of a picture."""
    path = path_of(put(account, picture(size=(100, 50))))
    for signed in (False, True):
        url = ikpipe.url(path, account, transformation=transformation, position=position, signed=signed)
        assert size(httpx.get(url)) == expected


def test_a_format_is_delivered(account: Account, picture: Draw) -> None:
    """A PNG comes as WebP, if the URL says so."""
    reply = httpx.get(ikpipe.url(path_of(put(account, picture())), account, transformation={"format": "webp"}))
    assert (reply.headers["content-type"], Image.open(io.BytesIO(reply.content)).format) == ("image/webp", "WEBP")


def test_custom_coordinates_are_the_focus(account: Account, picture: Draw) -> None:
    """`fo-custom` cuts out what the upload's `custom_coordinates` named."""
    path = path_of(put(account, picture(size=(100, 50)), custom_coordinates="10,10,30,20"))
    transformation = {"width": 30, "height": 20, "focus": "custom", "crop_mode": "extract"}
    assert size(httpx.get(ikpipe.url(path, account, transformation=transformation))) == (30, 20)


@pytest.mark.parametrize("transformation", [(), {"width": 2}])
def test_a_private_file_needs_a_signature(account: Account, picture: Draw, transformation: Any) -> None:
    """Without one, the original and its unnamed transformations are refused; with one they come."""
    path = path_of(put(account, picture(), is_private_file=True))
    replies = [
        httpx.get(ikpipe.url(path, account, transformation=transformation, **how))
        for how in ({}, {"signed": True}, {"expire": 60})
    ]
    assert [reply.status_code for reply in replies] == [401, 200, 200]


def test_a_private_file_s_named_transformation_needs_none(emulate: Emulate, picture: Draw) -> None:
    """Without a signature, named transformations alone work on private images."""
    account = emulate(named="small=w-2").account
    path = path_of(put(account, picture(), is_private_file=True))
    assert size(httpx.get(ikpipe.url(path, account, transformation={"named": "small"}, position="path")))[0] == 2


def test_a_signature_is_good_for_one_address(account: Account, picture: Draw) -> None:
    """A signed URL with another width, or a later end, is refused."""
    path = path_of(put(account, picture(), is_private_file=True))
    url = ikpipe.url(path, account, transformation={"width": 2}, expire=60)
    end = int(httpx.URL(url).params["ik-t"])
    altered = [url.replace("w-2", "w-3"), url.replace(f"ik-t={end}", f"ik-t={end + 1}")]
    assert [httpx.get(one).status_code for one in (url, *altered)] == [200, 401, 401]


def test_a_draft_is_not_delivered(account: Account, picture: Draw) -> None:
    """A file that is not published is in the library alone, signed or not."""
    results = put(account, picture(), is_published=False, response_fields="isPublished")
    urls = [ikpipe.url(path_of(results), account, signed=signed) for signed in (False, True)]
    assert [httpx.get(url).status_code for url in urls] == [404, 404]
    assert results["ik_is_published"].tolist() == [False]
    assert (
        results["ik_file_id"].tolist()
        == ikpipe.files(account, search=f'name = "{results["ik_name"][0]}"')["fileId"].tolist()
    )


def test_the_thumbnail_of_a_private_file_opens(account: Account, picture: Draw) -> None:
    """`ik_thumbnail_url` is a named transformation, so it needs no signature."""
    results = put(account, picture(size=(1000, 500)), is_private_file=True)
    path_of(results)
    assert max(size(httpx.get(results["ik_thumbnail_url"][0]))) < 1000


# What finishes later


def test_an_extension_that_ends_later_is_heard(emulate_telling: Emulate, hearing: Hearing, picture: Draw) -> None:
    """A pending tagger's webhook, heard and verified, puts status and tags into its row alone."""
    emulator = emulate_telling(extensions_pending=("*",), ai_tags=("Shirt:90.12",))
    before = put(emulator.account, picture(1), picture(2), extensions=TAGGER, webhook_url=hearing.url)
    assert before["ik_extension_status"].tolist() == [{"google-auto-tagging": "pending"}] * 2
    events = hearing.next(2)
    assert all(event.signed for event in events)
    one = [event for event in events if event.file_id == before["ik_file_id"][0]]
    after = before.pipe(webhooks.apply, one)
    assert [row["google-auto-tagging"] for row in after["ik_extension_status"]] == ["success", "pending"]
    assert after["ik_ai_tags"][0] == [{"name": "Shirt", "confidence": 90.12, "source": "google-auto-tagging"}]


def test_an_extension_that_fails_later_is_heard(emulate_telling: Emulate, hearing: Hearing, picture: Draw) -> None:
    """The webhook of a failure names the file otherwise than that of a success; the row is found all the same."""
    emulator = emulate_telling(extensions_pending=("*",), extensions_failed=("remove-bg",))
    before = put(emulator.account, picture(), extensions=REMOVER, webhook_url=hearing.url)
    after = before.pipe(webhooks.apply, hearing.next())
    assert after["ik_extension_status"].tolist() == [{"remove-bg": "failed"}]


def test_a_tagger_that_ends_later_is_asked_for(emulate: Emulate, picture: Draw) -> None:
    """`refresh` has the same tags and status, with nobody hearing."""
    account = emulate(extensions_pending=("*",), ai_tags=("Shirt:90.12",)).account
    before = put(account, picture(), extensions=TAGGER)
    after = until(
        lambda: before.pipe(ikpipe.refresh, account),
        lambda found: found["ik_ai_tags"][0],
    )
    assert after["ik_extension_status"].tolist() == [{"google-auto-tagging": "success"}]
    assert [tag["name"] for tag in after["ik_ai_tags"][0]] == ["Shirt"]


def test_an_accepted_row_is_filled_in_by_its_webhook(emulate_telling: Emulate, hearing: Hearing, picture: Draw) -> None:
    """A pre-transformation is only queued at first; its event has the file's details, after the transformation."""
    emulator = emulate_telling(webhook_url=hearing.url)
    before = put(emulator.account, picture(size=(100, 50)), transformation={"pre": "w-40"})
    assert (before["ik_status"][0], before["ik_file_id"].isna().all()) == ("accepted", True)
    after = before.pipe(webhooks.apply, hearing.next())
    assert (after["ik_status"][0], after["ik_width"][0], after["ik_height"][0]) == ("uploaded", 40, 20)
    assert size(httpx.get(ikpipe.url(path_of(after), emulator.account))) == (40, 20)


def test_an_accepted_row_that_fails_says_why(emulate_telling: Emulate, hearing: Hearing, picture: Draw) -> None:
    """The event of a pre-transformation that failed makes the row `failed`, and nothing is stored."""
    emulator = emulate_telling(webhook_url=hearing.url, transformations_failed=("w-*",))
    before = put(emulator.account, picture(), transformation={"pre": "w-40"})
    after = before.pipe(webhooks.apply, hearing.next())
    assert (after["ik_status"][0], after["ik_error"][0]) == ("failed", "bad_transformation")
    assert after["ik_message"][0]
    assert ikpipe.files(emulator.account).empty


def test_an_accepted_row_is_asked_for(emulate: Emulate, picture: Draw) -> None:
    """`refresh` finds it by the name that was made for it."""
    account = emulate(transformation_delay=0.2).account
    before = put(account, picture(size=(100, 50)), transformation={"pre": "w-40"})
    assert before["ik_status"].tolist() == ["accepted"]
    after = until(lambda: before.pipe(ikpipe.refresh, account), lambda found: found["ik_status"][0] == "uploaded")
    assert (after["ik_status"][0], after["ik_width"][0]) == ("uploaded", 40)


def test_a_webhook_that_is_not_taken_comes_again(emulate_telling: Emulate, picture: Draw) -> None:
    """A server that was down hears it once it is up: once, whatever the service sent."""
    events: Queue[webhooks.Event] = Queue()
    answers: list[int] = []
    app = webhooks.endpoint(SECRET, events.put)

    async def down_at_first(scope: Any, receive: Any, send: Any) -> None:
        answers.append(200 if answers else 503)
        if answers[-1] == 200:
            await app(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body"})

    with running(down_at_first) as url:
        emulator = emulate_telling(extensions_pending=("*",), webhook_wait=0.01)
        before = put(emulator.account, picture(), extensions=REMOVER, webhook_url=f"{url}/hook")
        after = before.pipe(webhooks.apply, [events.get(timeout=20)])
    assert answers == [503, 200]
    assert after["ik_extension_status"].tolist() == [{"remove-bg": "success"}]
