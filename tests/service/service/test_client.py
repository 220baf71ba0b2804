"""One attempt on the wire: what leaves the socket, and what the file underneath may do meanwhile."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pandas as pd
import psutil
import pytest
from doubles import RawServer, Request, answering, stored, stored_by

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account

TABLE: dict[str, Any] = {
    "file_name": '猫 "1".jpg',
    "tags": ["a", "b"],
    "folder": "/é/",
    "use_unique_file_name": False,
    "custom_metadata": {"brand": "Ängström", "n": 1},
    "description": "two\r\nlines",
}


def sent(file: Any, account: Account, **options: Any) -> Request:
    """Give the request that one upload makes."""
    with RawServer(answering(200, stored())) as server:
        there = ikpipe.Account(
            account.public_key, account.private_key, upload_url=f"{server.url}/up", api_url=server.url
        )
        ikpipe.upload_file(file, there, **{"file_name": "a.jpg", **options})
    return server.requests[-1]


@pytest.mark.parametrize("file", [b"abc", "data:;base64,YWJj", "http://x.test/a.jpg"], ids=["bytes", "data", "url"])
def test_there_is_never_an_authorization_header(file: Any, account: Account) -> None:
    """Token and basic auth together are refused (spec), so the headers have no credentials of any kind."""
    request = sent(file, account)
    assert request.head == "POST /up HTTP/1.1"
    assert not {"authorization", "proxy-authorization", "cookie"} & request.headers.keys()


def test_an_address_with_credentials_sends_none(account: Account) -> None:
    """A user and password in `upload_url` do not become an Authorization header."""
    with RawServer(answering(200, stored())) as server:
        url = server.url.replace("http://", "http://user:pass@")
        there = ikpipe.Account(account.public_key, account.private_key, upload_url=url)
        ikpipe.upload_file(b"abc", there, file_name="a.jpg")
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("size", [1, 5_000, 3_000_000])
def test_the_content_length_is_exact(size: int, account: Account, tmp_path: Path) -> None:
    """The body is framed with its length, never chunked, and that many bytes follow, from memory and from disk."""
    (tmp_path / "a.bin").write_bytes(bytes(size))
    for file in (bytes(size), tmp_path / "a.bin"):
        request = sent(file, account)
        assert "transfer-encoding" not in request.headers
        assert int(request.headers["content-length"]) == len(request.body)
        assert request.parts[-2].content == bytes(size)


def test_the_token_comes_last(account: Account) -> None:
    """Official form uploads put the token last, after the file; the form's texts come first."""
    request = sent(b"abc", account, tags=["x"], use_unique_file_name=False)
    assert [part.name for part in request.parts] == ["fileName", "useUniqueFileName", "tags", "file", "token"]


def test_the_form_is_what_was_signed(account: Account) -> None:
    """Each text of the form is the claim of that name, character for character; only the two times are added."""
    request = sent(b"abc", account, **TABLE)
    claims = jwt.decode(request.token, str(account.private_key), ["HS256"])
    assert 0 < claims.pop("exp") - claims.pop("iat") <= 3600
    assert claims == request.fields
    assert jwt.get_unverified_header(request.token) == {"alg": "HS256", "typ": "JWT", "kid": account.public_key}


def test_a_file_part_names_its_file_and_kind(account: Account, tmp_path: Path) -> None:
    """Quotes and line breaks in a name are escaped as browsers do, and the kind goes by the ending."""
    (tmp_path / '猫"\n.png').write_bytes(b"x")
    headers = sent(tmp_path / '猫"\n.png', account).parts[-2].headers
    assert 'filename="猫%22%0A.png"' in headers
    assert "Content-Type: image/png" in headers


def test_text_travels_as_a_field(account: Account) -> None:
    """A URL or data URI is a text part without a file name: the service tells files apart by that."""
    part = sent("http://x.test/猫.jpg", account).parts[-2]
    assert (part.name, part.content) == ("file", b"http://x.test/%E7%8C%AB.jpg")
    assert "filename" not in part.headers


# The file underneath


class Meddling(httpx.AsyncBaseTransport):
    """A transport that does something to the world once the headers are there, and then reads the body."""

    def __init__(self, meddle: Callable[[], object], reply: httpx.Response | Exception | None = None) -> None:
        self.meddle, self.reply = meddle, reply
        self.body = b""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Meddle before the body is read."""
        self.meddle()
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for block in request.stream:
            self.body += block
            if isinstance(self.reply, Exception):
                raise self.reply
        return self.reply or httpx.Response(200, json=stored_by(request, self.body))


@pytest.mark.parametrize("change", ["grows", "shrinks", "vanishes"])
def test_a_file_that_changes_is_not_sent(change: str, account: Account, tmp_path: Path) -> None:
    """A file that grows, shrinks or vanishes after it was measured ends its row as `file_changed`, unstored."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789")
    meddle = {
        "grows": lambda: path.write_bytes(b"0123456789+"),
        "shrinks": lambda: path.write_bytes(b"012345678"),
        "vanishes": path.unlink,
    }[change]
    wire = Meddling(meddle)
    result = ikpipe.upload_file(path, account, file_name="a", transport=wire)
    assert (result.status, result.error, result.attempts) == ("failed", "file_changed", 1)
    assert b'name="token"' not in wire.body


def test_a_file_is_closed_after_an_attempt_that_broke_off(account: Account, tmp_path: Path) -> None:
    """An attempt that ends in the middle of the body leaves no file open."""
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(3_000_000))
    wire = Meddling(lambda: None, httpx.WriteError("gone"))

    async def left_open() -> list[str]:
        await ikpipe.aupload_file(path, account, file_name="a", retries=0, transport=wire)
        return [file.path for file in psutil.Process().open_files() if file.path == str(path.resolve())]

    assert asyncio.run(left_open()) == []


class Counting(httpx.AsyncBaseTransport):
    """A transport that keeps nothing of a body but the sizes of its blocks."""

    def __init__(self) -> None:
        self.blocks: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Read the body."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        head, self.blocks = b"", []
        async for block in request.stream:
            head += block[: max(0, 10_000 - len(head))]
            self.blocks.append(len(block))
        return httpx.Response(200, json=stored_by(request, head))


def test_a_large_file_is_streamed(account: Account, tmp_path: Path) -> None:
    """60 MB leave in small pieces, so that a slow line does not look stalled, and only a few MB are in memory."""
    path = tmp_path / "long.bin"
    with path.open("wb") as file:
        file.truncate(60_000_000)
    wire = Counting()
    tracemalloc.start()
    try:
        result = ikpipe.upload_file(path, account, file_name="a", transport=wire)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (result.status, sum(wire.blocks) > 60_000_000) == ("uploaded", True)
    assert max(wire.blocks) <= 2**17
    assert peak < 6_000_000


def test_a_small_form_leaves_in_one_piece(account: Account) -> None:
    """A small file's whole form is one write: no packet for each part."""
    wire = Counting()
    ikpipe.upload_file(b"abc", account, transport=wire, file_name="a", tags=["x"])
    assert len(wire.blocks) == 1


def test_a_connection_is_used_again(account: Account) -> None:
    """Rows after one another share a connection."""

    def two(talk: Any) -> None:
        for _ in range(2):
            body = json.dumps(stored(fields=talk.request().fields)).encode()
            talk.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with RawServer(two) as server:
        there = ikpipe.Account(account.public_key, account.private_key, upload_url=server.url, api_url=server.url)
        frame = pd.DataFrame({"file": [b"1", b"2"]})
        results = ikpipe.upload(frame, there, file_name="a", concurrency=1, progress=False)
    assert (results["ik_status"].tolist(), server.connections) == (["uploaded"] * 2, 1)
