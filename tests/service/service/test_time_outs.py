"""Which clocks run while a file travels: a slow line is not cut, a peer that is gone is noticed."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from doubles import RawServer, Talk, answering, silent, stored, stored_by
from network import TightServer, answer, client_end, line, reading
from rows import at

import ikpipe
from ikpipe import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from doubles import Act
    from network import Line

    from ikpipe import Account


MB = 1_000_000


@pytest.fixture
def account() -> Account:
    """Give keys; no server behind them is asked."""
    return ikpipe.Account("public_clocks", "private_clocks")


# The clocks of a request


class Clocks(httpx.AsyncBaseTransport):
    """A transport that only notes how long each request may take."""

    def __init__(self) -> None:
        self.noted: list[dict[str, float | None]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Leave the body where it is."""
        self.noted.append(request.extensions["timeout"])
        return httpx.Response(200, json=stored_by(request, await request.aread()))


def clocks(file: Any, account: Account, **options: Any) -> dict[str, float | None]:
    """Give the clocks of one upload."""
    wire = Clocks()
    ikpipe.upload_file(file, account, file_name="a.bin", transport=wire, **options)
    return wire.noted[0]


@pytest.mark.parametrize(("size", "seconds"), [(1, 30), (MB, 31), (30 * MB, 60)])
def test_a_large_file_may_take_the_service_longer(size: int, seconds: float, account: Account, tmp_path: Path) -> None:
    """The answer to a file has 30 s, and a second more for each million bytes."""
    path = tmp_path / "a.bin"
    with path.open("wb") as file:
        file.truncate(size)
    assert clocks(path, account)["read"] == pytest.approx(seconds, abs=0.001)


@pytest.mark.parametrize("file", [bytes(2 * MB), "data:;base64," + "AAAA" * (2 * MB // 3)], ids=["bytes", "text"])
def test_the_policy_says_how_much_longer(file: Any, account: Account) -> None:
    """`answer_wait` and `answer_wait_per_mb` set the answer's time, for bytes and for text."""
    found = clocks(file, account, policy=Policy(answer_wait=7, answer_wait_per_mb=3))
    assert found["read"] == pytest.approx(13, abs=0.001)


def test_a_url_has_a_time_of_its_own(account: Account) -> None:
    """Nobody knows how large the file behind a URL is: its answer has `url_wait`."""
    url = "http://x.test/a.jpg"
    assert clocks(url, account)["read"] == 120
    assert clocks(url, account, policy=Policy(url_wait=9))["read"] == 9


def test_connecting_and_writing_have_clocks_of_their_own(account: Account) -> None:
    """10 s to connect and 30 s for each piece of the body, whatever its size; waiting for a connection has none."""
    found = clocks(bytes(2 * MB), account)
    assert (found["connect"], found["write"], found["pool"]) == (10, 30, None)


@pytest.mark.parametrize("file", [bytes(2 * MB), "http://x.test/a.jpg"], ids=["bytes", "url"])
def test_one_number_replaces_all_clocks(file: Any, account: Account) -> None:
    """`timeout=` is the time without progress for connecting, writing and the answer, whatever a policy says."""
    found = clocks(file, account, timeout=200, policy=Policy(answer_wait=7, url_wait=9))
    assert found == {"connect": 200, "write": 200, "read": 200, "pool": None}


# The options of a connection

OPTIONS = {
    "SO_KEEPALIVE": (socket.SOL_SOCKET, 1),
    "TCP_KEEPIDLE": (socket.IPPROTO_TCP, 10),
    "TCP_KEEPINTVL": (socket.IPPROTO_TCP, 5),
    "TCP_KEEPCNT": (socket.IPPROTO_TCP, 3),
    "TCP_USER_TIMEOUT": (socket.IPPROTO_TCP, 25_000),
    "TCP_NOTSENT_LOWAT": (socket.IPPROTO_TCP, 1 << 15),
}
HERE = {name: entry for name, entry in OPTIONS.items() if hasattr(socket, name)}  # not every system has them all
GUARDED = {name: value for name, (_, value) in HERE.items()}


class Looking:
    """An act that notes the options of the client's end, and then does another."""

    def __init__(self, act: Act) -> None:
        self.seen: list[dict[str, int]] = []
        self._act = act

    def __call__(self, talk: Talk) -> None:
        """Wait until something arrives: then the connection is set up."""
        talk.connection.recv(1, socket.MSG_PEEK)
        end = client_end(talk.connection)
        self.seen.append({name: end.getsockopt(level, getattr(socket, name)) for name, (level, _) in HERE.items()})
        self._act(talk)


def test_an_upload_notices_a_peer_that_is_gone(account: Account) -> None:
    """The connection of an upload is probed while it is silent, and ended if nothing is acknowledged for 25 s."""
    look = Looking(answering(200, stored()))
    with RawServer(look) as server:
        ikpipe.upload_file(b"abc", at(account, server.url), file_name="a.bin")
    assert look.seen == [GUARDED]


def test_the_media_api_has_the_same_guard(account: Account) -> None:
    """Its connection may be the one that the next file takes."""
    look = Looking(answering(200, []))
    with RawServer(look) as server:
        ikpipe.files(at(account, server.url))
    assert look.seen == [GUARDED]


def test_a_signer_has_the_same_guard(account: Account) -> None:
    """So has the connection to an `authenticationEndpoint`."""
    look = Looking(answering(500, {}))
    with RawServer(look) as server:
        there = ikpipe.Account(account.public_key, authentication_endpoint=server.url)
        ikpipe.upload_file(b"abc", there, file_name="a.bin", retries=0)
    assert look.seen == [GUARDED]


def test_a_download_has_the_same_guard(account: Account) -> None:
    """So has the connection that a file is downloaded over, and the one that a redirect leads to."""
    there = Looking(answering(200, b"abc"))
    with RawServer(there) as target:
        here = Looking(answering(302, b"", f"Location: {target.url}/b.bin"))
        with RawServer(here) as server, RawServer(answering(200, stored())) as service:
            url = f"{server.url}/a.bin"
            result = ikpipe.upload_file(
                url, at(account, service.url), file_name="a.bin", fetch="client", fetch_hosts=["127.0.0.1"]
            )
    assert (result.status, here.seen, there.seen) == ("uploaded", [GUARDED], [GUARDED])


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make a certificate with")
def test_https_has_the_same_guard(account: Account, tmp_path: Path) -> None:
    """Below TLS there is the same socket."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    made += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key)]
    subprocess.run([*made, "-out", str(certificate)], check=True, capture_output=True)  # noqa: S603 - our own
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate, key)

    def secured(talk: Talk) -> None:
        with ours.wrap_socket(talk.connection, server_side=True) as talk.connection:
            answering(200, stored())(talk)

    look = Looking(secured)
    with RawServer(look) as server:
        wire = httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=certificate))
        url = server.url.replace("http://", "https://")
        result = ikpipe.upload_file(b"abc", at(account, url), file_name="a.bin", transport=wire)
    assert (result.status, look.seen) == ("uploaded", [GUARDED])


def test_one_number_leaves_the_system_no_clock(account: Account) -> None:
    """With `timeout=` the system gives no connection up by itself; only how much it takes unsent is still set."""
    look = Looking(answering(200, stored()))
    with RawServer(look) as server:
        ikpipe.upload_file(b"abc", at(account, server.url), file_name="a.bin", timeout=200)
    seen = look.seen[0]
    assert seen["SO_KEEPALIVE"] == seen.get("TCP_USER_TIMEOUT", 0) == 0
    assert seen.get("TCP_NOTSENT_LOWAT") == GUARDED.get("TCP_NOTSENT_LOWAT")


class Opening(httpx.AsyncBaseTransport):
    """A transport that says that it opened a connection with this socket."""

    def __init__(self, connection: socket.socket | None) -> None:
        self._connection = connection

    def get_extra_info(self, name: str) -> socket.socket | None:
        """Give the socket, as a network stream does."""
        return self._connection

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Tell, and answer."""
        await request.extensions["trace"]("connection.connect_tcp.complete", {"return_value": self})
        return httpx.Response(200, json=stored_by(request, await request.aread()))


@pytest.mark.parametrize("kind", ["none", "refusing"])
def test_a_connection_without_these_options_is_used_as_it_is(kind: str, account: Account) -> None:
    """A stream without a socket, and a system that refuses an option, upload all the same."""
    closed = socket.socket()
    closed.close()  # refuses every option
    wire = Opening(None if kind == "none" else closed)
    assert ikpipe.upload_file(b"abc", account, file_name="a.bin", transport=wire).status == "uploaded"


# A proxy of the environment


def test_a_proxy_of_the_environment_is_used(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """`HTTP_PROXY` gets the whole address, over a connection that is guarded too."""
    look = Looking(answering(200, stored()))
    with RawServer(look) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        result = ikpipe.upload_file(b"abc", at(account, "http://upload.test/up"), file_name="a.bin")
    assert result.status == "uploaded"
    assert [request.head for request in proxy.requests] == ["POST http://upload.test/up HTTP/1.1"]
    assert look.seen == [GUARDED]


def test_a_host_without_a_proxy_is_asked_itself(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that `NO_PROXY` names is asked directly."""
    with RawServer(answering(200, stored())) as proxy, RawServer(answering(200, stored())) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        ikpipe.upload_file(b"abc", at(account, f"{server.url}/up"), file_name="a.bin")
    assert ([request.head for request in server.requests], proxy.requests) == (["POST /up HTTP/1.1"], [])


# Slow, stalled and silent servers on loopback


def test_a_slow_line_is_not_cut(account: Account) -> None:
    """A body that takes several times the time-out goes through: each piece of it is in time."""

    def slow(talk: Talk) -> None:
        for _ in reading(talk, step=10_000, pause=0.02):  # at most 500 kB/s
            pass
        answer(talk)

    with TightServer(slow) as server:
        result = ikpipe.upload_file(
            bytes(3 * MB // 4), at(account, server.url), file_name="a.bin", timeout=0.5, retries=0
        )
    assert (result.status, result.attempts) == ("uploaded", 1)
    assert result.seconds is not None
    assert 1.2 < result.seconds < 100


def test_a_server_that_stops_reading_is_given_up(account: Account) -> None:
    """Nothing of the body's end has left, so nothing is stored: the row failed, and may be sent again."""
    stalled = "WriteTimeout: No data could be sent for 0.5 s."

    def stall(talk: Talk) -> None:
        for share in reading(talk):
            if share > 0.3:
                break
        talk._server.closing.wait(10)  # noqa: SLF001 - its own server

    with TightServer(stall) as server:
        result = ikpipe.upload_file(bytes(8 * MB), at(account, server.url), file_name="a.bin", timeout=0.5, retries=0)
    assert (result.status, result.error, result.message) == ("failed", "connection_failed", stalled)
    assert result.seconds is not None
    assert 0.5 <= result.seconds < 8


def test_a_server_that_never_answers_is_given_up(account: Account) -> None:
    """The whole body has left, so the file may be stored: the row is unknown."""
    with RawServer(silent) as server:
        there, policy = at(account, server.url), Policy(first_wait=0, index_lag=0)
        result = ikpipe.upload_file(b"abc", there, file_name="a.bin", timeout=0.1, retries=0, policy=policy)
    assert (result.status, result.error) == ("unknown", "timed_out")


# A line that is slow, or is cut


@pytest.fixture
def laid() -> Iterator[Line]:
    """Lay a line between two network namespaces."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(line())
        except OSError as error:
            pytest.skip(str(error))
        yield found


@pytest.mark.soak
def test_a_video_on_a_slow_line_goes_up_whole(laid: Line) -> None:
    """20 MB at 3 Mbit/s take longer than any clock that runs meanwhile."""
    laid.slow("3mbit")
    client = laid.upload(laid.serve().says(), 20 * MB)
    status, error, attempts, seconds = client.says()
    assert (status, error, attempts) == ("uploaded", None, 1)
    assert 50 < seconds < 500


@pytest.mark.soak
@pytest.mark.parametrize("how", ["link down", "lost packets"])
def test_a_line_that_is_cut_while_bytes_leave_is_noticed(how: str, laid: Line) -> None:
    """Within 30 s, and the row failed: nothing of the end of its body has left."""
    laid.slow("8mbit")
    server = laid.serve()
    client = laid.upload(server.says(), 4 * MB, retries=0)
    assert server.says() == "half"
    cut = laid.cut(how)
    assert client.says().endswith("Error")
    assert time.monotonic() - cut < 30
    assert client.says()[:3] == ["failed", "connection_failed", 1]


@pytest.mark.soak
@pytest.mark.parametrize("how", ["link down", "lost packets"])
def test_a_line_that_is_cut_while_the_answer_is_awaited_is_noticed(how: str, laid: Line) -> None:
    """Within 30 s, though the answer itself may take two minutes; the row in doubt is then settled."""
    server = laid.serve(wait=100)
    client = laid.upload(server.says(), 2 * MB, policy={"answer_wait": 120})
    assert [server.says(), server.says()] == ["half", "whole"]
    cut = laid.cut(how)
    assert client.says() == "ReadError"
    assert time.monotonic() - cut < 30
    laid.mend(how)
    assert client.says()[:3] == ["uploaded", None, 2]


@pytest.mark.soak
def test_a_server_that_works_for_long_is_waited_for(laid: Line) -> None:
    """A peer that is there may say nothing for 45 s, if the file is large."""
    client = laid.upload(laid.serve(wait=45).says(), 20 * MB)
    status, error, attempts, seconds = client.says()
    assert (status, error, attempts) == ("uploaded", None, 1)
    assert 45 < seconds < 450
