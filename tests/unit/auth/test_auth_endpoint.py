"""`auth.endpoint`: the signing service as an ASGI application."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from asgi import call
from signing import ALLOW, ASKS, ORIGIN, SHOP, body, who
from starlette.applications import Starlette
from starlette.routing import Route

from ikpipe import auth
from ikpipe.auth.endpoint import Endpoint
from ikpipe.errors import Error

if TYPE_CHECKING:
    from pathlib import Path

APP = auth.endpoint(SHOP, allow=ALLOW, origins=[ORIGIN])


def test_a_request_is_answered() -> None:
    """POST gives a token, as JSON that nobody keeps."""
    answer = call(APP, body(), {**ASKS, "Origin": ORIGIN})
    assert (answer.status, set(answer.json)) == (200, {"token"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_a_refusal_is_answered() -> None:
    """With its status and a message."""
    answer = call(APP, body(folder="/"), ASKS)
    assert (answer.status, set(answer.json)) == (403, {"message"})


def test_a_preflight_has_no_body() -> None:
    """204, and what a page may do."""
    answer = call(APP, b"", {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}, method="OPTIONS")
    assert (answer.status, answer.body, "content-length" in answer.headers) == (204, b"", False)


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ([b"x" * 40_000, b"x" * 40_000], {}),
        (b"{}", {"Content-Length": "70000"}),
        (b"{}", {"Content-Length": "-1"}),
        (b"{}", {"Content-Length": "9" * 5000}),
    ],
)
def test_a_large_body_is_not_read_to_its_end(content: Any, more: Any) -> None:
    """What says that it is large is not read at all, what is large no further than that."""
    assert call(APP, content, {**ASKS, **more}).status == 413


def test_a_body_that_does_not_come() -> None:
    """A client that holds its body back is not waited for; one that goes is not answered."""
    sent: list[Any] = []

    async def never() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    app = Endpoint(auth.SigningService(SHOP, allow=ALLOW), body_timeout=0.01)
    asyncio.run(app({"type": "http", "method": "POST", "path": "/", "headers": []}, never, send))
    assert sent[0]["status"] == 408
    pieces: Any = [b"{", None]
    assert call(APP, pieces, ASKS).status == 0


def test_who_may_ask_a_database() -> None:
    """A plain function has a thread of its own, a coroutine function is awaited; both know the request."""
    threads: list[str] = []

    def slow(request: auth.SigningRequest) -> str | None:
        threads.append(threading.current_thread().name)
        return who(request)

    async def later(request: auth.SigningRequest) -> str | None:
        await asyncio.sleep(0)
        return slow(request)

    class Database:
        async def __call__(self, request: auth.SigningRequest) -> str | None:
            return await later(request)

    for function in (slow, later, Database()):
        given = {"who": function, "parameters": ALLOW.parameters, "folders": ALLOW.folders}
        app = auth.endpoint(SHOP, allow=auth.Allow(**given))
        assert [call(app, body(), headers).status for headers in (ASKS, {"Content-Type": "application/json"})] == [
            200,
            401,
        ]
    here = threading.current_thread().name
    assert [name == here for name in threads] == [False, False, True, True, True, True]


def test_a_coroutine_function_is_asked_only_what_is_well_formed() -> None:
    """What is refused for its head asks nobody; and what the function fails with is a 500."""

    async def broken(_request: auth.SigningRequest) -> str:
        raise ValueError

    app = auth.endpoint(SHOP, allow=auth.Allow(who=broken))
    assert [call(app, body(), ASKS, method=method).status for method in ("PUT", "POST")] == [405, 500]


def test_it_can_be_routed_to() -> None:
    """In Starlette, and FastAPI, which is one, it is an endpoint like others."""
    app: Any = Starlette(routes=[Route("/auth", APP)])
    assert call(app, body(), ASKS, path="/auth").status == 200
    assert call(app, body(), ASKS, path="/auth", method="PUT").status == 405


def test_it_lives_and_dies_with_its_server() -> None:
    """The server's start and end are answered; web sockets are not."""
    said: list[str] = []
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return events.pop(0)

    async def send(message: Any) -> None:
        said.append(message["type"])

    asyncio.run(APP({"type": "lifespan"}, receive, send))
    asyncio.run(APP({"type": "websocket"}, receive, send))
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


def test_callers_from_a_file(tmp_path: Path) -> None:
    """A name and a token on each line: who shows that token has that name."""
    path = tmp_path / "callers.txt"
    path.write_text("\ufeff# our shops\nanna 0123456789abcdef\n\nbo fedcba9876543210 # the other\n")
    known = auth.bearers(path)  # with the mark that some editors begin a file with

    def ask(value: str) -> str | None:
        return known(auth.SigningRequest("POST", {"Authorization": value}))

    assert [ask("Bearer 0123456789abcdef"), ask("bearer fedcba9876543210")] == ["anna", "bo"]
    for wrong in (
        "",
        "Bearer",
        "Bearer 0123456789abcde",
        "Basic 0123456789abcdef",
        "0123456789abcdef",
        "Bearer \udcff",
    ):
        assert ask(wrong) is None
    assert known(auth.SigningRequest("POST")) is None


@pytest.mark.parametrize("text", ["anna", "anna short", "anna a b", "a 0123456789abcdef\nb 0123456789abcdef"])
def test_a_file_of_callers_that_cannot_be(tmp_path: Path, text: str) -> None:
    """The line is named."""
    path = tmp_path / "callers.txt"
    path.write_text(text)
    with pytest.raises(Error, match=r"line \d: the line must have a name"):
        auth.bearers(path)


def test_only_so_many_callers_are_remembered() -> None:
    """Memory is bounded: who has been quiet for longest is forgotten first."""
    rates = auth.signing_service.CallerRates(1, most=2)
    assert [rates.wait(name, 0) for name in "abc"] == [0, 0, 0]
    assert rates.wait("b", 0) == pytest.approx(60)
    assert rates.wait("a", 0) == 0
    assert rates.wait("b", 30) == pytest.approx(30)
    assert rates.wait("b", 61) == 0
