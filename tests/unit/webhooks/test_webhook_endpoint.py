"""`webhooks.endpoint`: hears, answers at once, calls back once."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgi import call
from webhooking import NOW, READY, SECRET, TAGGED, signed

import ikpipe
from ikpipe import webhooks


def endpoint(on_event: Any, **options: Any) -> Any:
    """Make an endpoint at the time of the tests."""
    return webhooks.endpoint(SECRET, on_event, clock=lambda: NOW, **options)


def test_an_event_is_given_on() -> None:
    """A webhook is answered with 200, and its event given to the callback."""
    events: list[webhooks.Event] = []
    answer = call(endpoint(events.append), READY, signed(READY))
    assert (answer.status, answer.json) == (200, {"received": True, "replayed": False})
    assert [one.type for one in events] == ["upload.pre-transform.success"]


def test_the_answer_does_not_wait_for_the_callback() -> None:
    """It is sent before the callback begins."""
    order: list[str] = []
    call(endpoint(lambda _event: order.append("called")), READY, signed(READY), heard=order)
    assert order == ["answered", "called"]


def test_a_coroutine_function_is_awaited_and_a_function_has_a_thread() -> None:
    """A slow function does not hold up the server's loop."""
    threads: list[str] = []

    async def on_event(_event: webhooks.Event) -> None:
        await asyncio.sleep(0)
        threads.append(threading.current_thread().name)

    call(endpoint(on_event), READY, signed(READY))
    call(endpoint(lambda _event: threads.append(threading.current_thread().name)), READY, signed(READY))
    assert threads[0] == threading.current_thread().name
    assert threads[1] != threads[0]


def test_a_replayed_one_is_answered_and_not_given_on(caplog: pytest.LogCaptureFixture) -> None:
    """The service has its answer; the callback hears of each webhook once; the log says it."""
    events: list[webhooks.Event] = []
    app = endpoint(events.append)
    answers = [call(app, READY, signed(READY)) for _ in range(2)]
    assert [answer.json["replayed"] for answer in answers] == [False, True]
    assert len(events) == 1
    assert "was received before" in caplog.text


def test_an_event_whose_answer_could_not_be_sent_is_not_lost() -> None:
    """A client that goes meanwhile sends it again, and that is a replay: so it is given on now."""
    events: list[webhooks.Event] = []
    scope = {"type": "http", "method": "POST", "headers": [(n.encode(), v.encode()) for n, v in signed(READY).items()]}

    async def receive() -> Any:
        return {"type": "http.request", "body": READY}

    async def send(_message: Any) -> None:
        raise OSError("the client has gone")

    asyncio.run(endpoint(events.append)(scope, receive, send))
    assert [one.type for one in events] == ["upload.pre-transform.success"]


def test_a_failing_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The answer is out by then: all that can be done is to say so."""

    def on_event(_event: webhooks.Event) -> None:
        raise ValueError("no disk")

    assert call(endpoint(on_event), READY, signed(READY)).status == 200
    assert "no disk" in caplog.text


@pytest.mark.parametrize(
    ("body", "headers", "method", "status"),
    [
        (READY, {}, "POST", 401),
        (READY, signed(READY, secret="other"), "POST", 401),
        (READY, signed(READY, at=NOW - 400), "POST", 401),
        (TAGGED, {}, "POST", 401),
        (b"{}", signed(b"{}"), "POST", 400),
        (READY, signed(READY), "GET", 405),
        (b"x" * 1_000_001, {}, "POST", 413),
        ([b"x" * 600_000, b"x" * 600_000], {}, "POST", 413),
        (READY, {**signed(READY), "content-length": "1000001"}, "POST", 413),
        (READY, {**signed(READY), "content-length": "-1"}, "POST", 413),
    ],
)
def test_what_is_refused_calls_nobody(body: Any, headers: Any, method: str, status: int) -> None:
    """Each refusal has its status, and the callback hears nothing."""
    events: list[webhooks.Event] = []
    assert call(endpoint(events.append), body, headers, method=method).status == status
    assert events == []


def test_a_body_may_come_in_pieces() -> None:
    """As servers give it."""
    events: list[webhooks.Event] = []
    assert call(endpoint(events.append), [READY[:9], READY[9:]], signed(READY)).status == 200
    assert len(events) == 1


def test_a_client_that_goes_is_not_answered() -> None:
    """Nobody is there."""
    events: list[webhooks.Event] = []
    pieces: Any = [READY[:9], None]
    assert call(endpoint(events.append), pieces, signed(READY)).status == 0
    assert events == []


def test_extensions_are_heard_if_wanted() -> None:
    """With `unsigned=True`, the results of extensions come through, marked."""
    events: list[webhooks.Event] = []
    assert call(endpoint(events.append, unsigned=True), TAGGED).status == 200
    assert [one.signed for one in events] == [False]


def test_an_empty_secret_is_an_error_at_once() -> None:
    """Not only when the first webhook comes."""
    with pytest.raises(ikpipe.MappingError, match="secret is empty"):
        webhooks.endpoint("", print)


def test_it_lives_and_dies_with_its_server() -> None:
    """The server's start and end are answered; web sockets are not."""
    said: list[str] = []
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return events.pop(0)

    async def send(message: Any) -> None:
        said.append(message["type"])

    app = endpoint(print)
    asyncio.run(app({"type": "lifespan"}, receive, send))
    asyncio.run(app({"type": "websocket"}, receive, send))
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]
