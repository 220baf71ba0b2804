"""Every answer ends: heads and bodies have a maximum length, an answer that drips has a time limit."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from doubles import RawServer, answering, stored

from ikpipe import Account
from ikpipe.errors import Error
from ikpipe.request.sources import FileSource
from ikpipe.request.token import TokenTimes, UploadToken
from ikpipe.service.client import ServiceClient
from ikpipe.service.transport import HTTPTransport

if TYPE_CHECKING:
    from doubles import Act, Talk

    from ikpipe.request.result import Result


HEAD = b"HTTP/1.1 200 OK\r\n"
LENGTH = HEAD + b"Content-Length: 99999999\r\n\r\n"
CHUNKS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
MB = 1_000_000
MOST_SENT = 24 * MB  # by a server that never ends: what is accepted here, and what both systems hold


class Endless:
    """An act that answers with a beginning, and then repeats a piece until it is stopped, or `most` bytes are sent."""

    def __init__(self, begin: bytes, piece: bytes, *, pause: float = 0.0, most: int = 64 * MB) -> None:
        self.begin, self.piece, self.pause, self.most, self.sent = begin, piece, pause, most, 0

    def __call__(self, talk: Talk) -> None:
        """Answer one request; a paused one ends after 10 s at the latest."""
        talk.request()
        talk.connection.sendall(self.begin)
        until = time.monotonic() + 10
        with suppress(OSError):
            while self.sent < self.most and time.monotonic() < until:
                talk.connection.sendall(self.piece)
                self.sent += len(self.piece)
                time.sleep(self.pause)


def ask(server: RawServer, read: float | None = 9) -> httpx.Response:
    """Send a small request by the transport, and return the answer."""

    async def main() -> httpx.Response:
        async with HTTPTransport(ssl.create_default_context()) as line:
            url = httpx.URL(server.url)
            headers = [(b"Host", url.netloc), (b"Content-Length", b"1")]
            extensions = {"timeout": {"connect": 9, "write": 9, "read": read}}
            one = httpx.Request("POST", url, headers=headers, stream=httpx.ByteStream(b"x"), extensions=extensions)
            return await line.handle_async_request(one)

    return asyncio.run(main())


ENDLESS = {
    "1xx": (b"", PROCESSING * 1000),
    "reason": (b"HTTP/1.1 200 ", b"x" * 100_000),
    "headers": (HEAD, b"X-A: b\r\n" * 10_000),
    "a header's name": (HEAD, b"x" * 100_000),
    "a header's value": (HEAD + b"X-A: ", b"x" * 100_000),
    "body": (LENGTH, b"x" * 100_000),
    "body to the end": (HEAD + b"\r\n", b"x" * 100_000),
    "chunks": (CHUNKS, b"1\r\nx\r\n" * 10_000),
    "a chunk's extension": (CHUNKS + b"1;", b"x" * 100_000),
    "trailers": (CHUNKS + b"0\r\n", b"X-A: b\r\n" * 10_000),
    "a trailer's value": (CHUNKS + b"0\r\nX-A: ", b"x" * 100_000),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_an_answer_has_a_maximum_length(what: str) -> None:
    """Whatever part of it never ends."""
    act = Endless(*ENDLESS[what])
    with RawServer(act) as server, pytest.raises(httpx.RemoteProtocolError):
        ask(server)
    assert act.sent < MOST_SENT


@pytest.mark.parametrize(("number", "accepted"), [(128, True), (129, False)])
def test_a_head_has_a_maximum_number_of_headers(number: int, *, accepted: bool) -> None:
    """128."""
    data = HEAD + b"X-A: b\r\n" * (number - 1) + b"Content-Length: 0\r\n\r\n"
    assert accepts(data) == accepted


@pytest.mark.parametrize(("size", "accepted"), [(60_000, True), (70_000, False)])
@pytest.mark.parametrize("headers", [1, 10])
def test_a_head_has_a_maximum_size(size: int, headers: int, *, accepted: bool) -> None:
    """64 kB, in one header or in many, also where the whole answer comes at once."""
    data = HEAD + (b"X-A: %b\r\n" % (b"b" * (size // headers))) * headers + b"Content-Length: 2\r\n\r\nhi"
    assert accepts(data) == accepted


def test_a_long_body_that_comes_with_its_head_is_accepted() -> None:
    """The limit of the head is not the body's."""
    assert accepts(HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * MB)


def accepts(data: bytes) -> bool:
    """Whether this is an answer."""

    def act(talk: Talk) -> None:
        talk.request()
        talk.connection.sendall(data)

    with RawServer(act) as server:
        try:
            return ask(server).status_code == 200
        except httpx.RemoteProtocolError:
            return False


DRIPS = {
    "1xx": (b"", PROCESSING),
    "head": (HEAD + b"X-A: ", b"x"),
    "headers": (HEAD, b"X: y\r\n"),
    "body": (LENGTH, b"x"),
    "chunks": (CHUNKS, b"1\r\nx\r\n"),
    "body to the end": (HEAD + b"\r\n", b"x"),
    "trailers": (CHUNKS + b"0\r\n", b"X: y\r\n"),
}


@pytest.mark.parametrize("what", DRIPS)
def test_an_answer_that_drips_has_a_time_limit(what: str) -> None:
    """Each byte is in time, but the whole is not."""
    act = Endless(*DRIPS[what], pause=0.01)
    began = time.monotonic()
    with RawServer(act) as server:
        with pytest.raises(httpx.ReadTimeout):
            ask(server, read=0.1)
        took = time.monotonic() - began
    assert took < 8


# By each way that a file can take


@pytest.fixture(params=["direct", "proxy", "transport"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Send one file to a server: directly, through a proxy, or by a transport of the user's own."""

    def upload(act: Act, timeout: float = 9) -> Result:
        async def main(url: str) -> Result:
            own = httpx.AsyncHTTPTransport() if request.param == "transport" else None
            async with ServiceClient(own, timeout) as wire:
                source = FileSource("bytes", "a", content=b"abc", size=3)
                return (await wire.upload(url, {"fileName": "a"}, source, UploadToken("a.b.c", 0, 0))).result

        with RawServer(act) as server:
            if request.param == "proxy":
                monkeypatch.setenv("http_proxy", server.url)
            return asyncio.run(main("http://upload.test/up" if request.param == "proxy" else server.url))

    return upload


def test_an_encoding_that_nobody_asked_for_is_not_decoded(way: Any) -> None:
    """What is compressed is not the service's answer, so it is unknown what became of the file."""
    body = gzip.compress(json.dumps(stored()).encode())
    result = way(answering(200, body, "Content-Encoding: gzip"))
    assert (result.status, result.error) == ("unknown", "bad_reply")


class Reading(httpx.AsyncHTTPTransport):
    """A transport that reads each answer itself, as one does that writes a log."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request, and read the answer."""
        answer = await super().handle_async_request(request)
        await answer.aread()
        return answer


def test_a_transport_may_have_read_the_answer() -> None:
    """Then it is used as it is."""

    async def main(url: str) -> Result:
        async with ServiceClient(Reading()) as wire:
            source = FileSource("bytes", "a", content=b"abc", size=3)
            return (await wire.upload(url, {"fileName": "a"}, source, UploadToken("a.b.c", 0, 0))).result

    with RawServer(answering(200, stored())) as server:
        assert asyncio.run(main(server.url)).status == "uploaded"


def test_an_upload_ends_whose_answer_is_endless(way: Any) -> None:
    """As any other that cannot be read."""
    act = Endless(LENGTH, b"x" * 100_000)
    result = way(act)
    assert (result.status, result.error) == ("unknown", "connection_lost")
    assert act.sent < MOST_SENT


@pytest.mark.parametrize("what", ["1xx", "head", "body"])
def test_an_upload_ends_whose_answer_drips(what: str, way: Any) -> None:
    """As one that got no answer in time."""
    act = Endless(*DRIPS[what], pause=0.01)
    began = time.monotonic()
    result = way(act, timeout=0.1)
    took = time.monotonic() - began
    assert (result.status, result.error) == ("unknown", "timed_out")
    assert took < 8


class Slow(Endless):
    """An act whose answer never ends, a piece at a time."""

    def __init__(self, begin: bytes) -> None:
        super().__init__(begin, b"x", pause=0.01)


@pytest.mark.parametrize("begin", [HEAD, LENGTH], ids=["head", "body"])
@pytest.mark.parametrize("which", ["media API", "authentication endpoint"])
def test_other_answers_that_drip_end(which: str, begin: bytes) -> None:
    """Each byte comes in time, and the answer never ends: the time for all of it does."""
    began = time.monotonic()
    with RawServer(Slow(begin)) as server:
        assert "took too long" in refusal(which, server.url, timeout=0.4)
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("which", ["media API", "authentication endpoint"])
def test_other_answers_have_a_maximum_size(which: str) -> None:
    """What is longer is not read on."""
    act = Endless(LENGTH, b"x" * 1_000_000, most=99 * MB)
    with RawServer(act) as server:
        assert "too large" in refusal(which, server.url, timeout=9)
    assert act.sent < 90 * MB


def refusal(which: str, url: str, timeout: float) -> str:
    """Return why there is no answer."""
    account = Account("public_x", "private_x", api_url=url, authentication_endpoint=url)

    async def main() -> None:
        async with ServiceClient(timeout=timeout) as wire:
            if which == "media API":
                await wire.api(account, "/v1/files")
            else:
                await wire.sign({"fileName": "a"}, account, TokenTimes())

    with pytest.raises(Error) as caught:
        asyncio.run(main())
    return str(caught.value)
