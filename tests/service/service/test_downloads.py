"""What this machine downloads (``fetch="client"``) and probes: only what may be, within limits, and row by row."""

from __future__ import annotations

import asyncio
import errno
import gzip
import os
import socket
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from clocks import hurried
from doubles import Page, RawServer, answering, reset_after, reset_before
from rows import quiet

import ikpipe
from ikpipe.request.sources import FileSource
from ikpipe.service.download import Downloader, DownloadTransports
from ikpipe.service.public_hosts import FetchHosts
from ikpipe.service.spool import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from doubles import Site, Talk

    from ikpipe import Account

    Arrived = Callable[[], list[dict[str, Any]]]


SOON = ikpipe.Policy(first_wait=0.01)
HERE: dict[str, Any] = {"fetch": "client", "fetch_hosts": ["127.0.0.1"], "policy": SOON}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a temporary folder of its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left(folder: Path) -> list[Path]:
    """Return the files below a folder, without the lock of a temporary folder."""
    return [path for path in folder.rglob("*") if path.is_file() and path.name != ".ikpipe-lock"]


def fetched(urls: list[str], account: Account, **options: Any) -> pd.DataFrame:
    """Upload what is downloaded from some URLs."""
    return quiet(pd.DataFrame({"file": urls}), account, **{"file_name": "a.bin", **HERE, **options})


def one(url: str, account: Account, **options: Any) -> tuple[str, str, str]:
    """Upload one URL beside a good row, and return its status, code and message."""
    results = quiet(pd.DataFrame({"file": [url, b"good"]}), account, **{"file_name": "a.bin", **HERE, **options})
    assert results["ik_status"].iloc[1] == "uploaded"
    return tuple(results[["ik_status", "ik_error", "ik_message"]].fillna("").iloc[0])


# Which addresses


def spelled(port: int) -> dict[str, str]:
    """Spell this machine's address in many ways."""
    hosts = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "017700000001", "0.0.0.0", "[::ffff:127.0.0.1]"]  # noqa: S104
    return {host: f"http://{host}:{port}/a.bin" for host in [*hosts, "[::1]", "[::ffff:7f00:1]", "LOCALHOST."]}


@pytest.mark.parametrize("spelling", spelled(0))
def test_non_public_addresses_are_not_opened(spelling: str, account: Account) -> None:
    """However it is spelled, this machine itself is not opened; the row's error names the URL and the keyword."""
    with RawServer(answering(200, b"secret")) as server:
        url = spelled(int(server.url.rpartition(":")[2]))[spelling]
        status, code, message = one(url, account, fetch_hosts=[])
    assert (status, code, server.connections) == ("failed", "fetch_failed", 0)
    assert url.partition("://")[2].partition(":")[0].lower() in message.lower()
    assert "fetch_hosts=[" in message


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "192.168.0.1", "[fd00::1]", "[fe80::1]", "224.0.0.1"])
def test_other_networks_are_not_opened(host: str, account: Account) -> None:
    """Nor are private, link-local and multicast addresses; nothing is even tried."""
    began = time.monotonic()
    status, _, message = one(f"http://{host}/a.bin", account, fetch_hosts=[], timeout=5)
    assert (status, "not a public address" in message) == ("failed", True)
    assert time.monotonic() - began < 5


def test_a_redirect_is_checked_like_the_first_address(account: Account) -> None:
    """A host that is allowed cannot lead to one that is not."""
    with RawServer(answering(200, b"secret")) as inner, RawServer(to(f"{inner.url}/x")) as outer:
        allowed = outer.url.removeprefix("http://")
        status, _, message = one(f"{outer.url}/a.bin", account, fetch_hosts=[allowed])
    assert (status, outer.connections, inner.connections) == ("failed", 1, 0)
    assert f"{outer.url}/a.bin" in message
    assert "not a public address" in message


def to(where: str, status: int = 302) -> Callable[[Talk], None]:
    """Redirect."""
    return answering(status, b"", f"Location: {where}")


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Have names resolved to one answer after another; return the list of names that were asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if not str(host).endswith(".example"):
            return real(host, port, *rest, **more)
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_the_address_that_was_checked_is_the_one_that_is_opened(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public at first and this machine's a moment later leads nowhere: it is resolved once."""
    asked = resolving(monkeypatch, ["192.88.98.1"], ["127.0.0.1"])
    with RawServer(answering(200, b"secret")) as server:
        port = server.url.rpartition(":")[2]
        status, *_ = one(f"http://rebinding.example:{port}/a.bin", account, fetch_hosts=[], timeout=0.3, retries=0)
    assert (status, asked, server.connections) == ("failed", ["rebinding.example"], 0)


def test_a_name_of_a_non_public_address_is_not_opened(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule is about what a name resolves to; `fetch_hosts` allows the name, or the network."""
    resolving(monkeypatch, ["127.0.0.1"])
    with RawServer(answering(200, b"page")) as server:
        url = f"http://intranet.example:{server.url.rpartition(':')[2]}/a.bin"
        status, _, message = one(url, account, fetch_hosts=[])
        assert (status, server.connections) == ("failed", 0)
        assert "127.0.0.1" in message
        assert "fetch_hosts=['intranet.example']" in message
        for allowed in (["intranet.example"], ["127.0.0.0/8"]):
            assert one(url, account, fetch_hosts=allowed)[0] == "uploaded"
    assert server.requests[0].headers["host"] == url.split("/")[2]


def test_of_several_addresses_only_those_that_may_be_are_opened(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with a private address and one that is allowed is opened at the latter."""
    resolving(monkeypatch, ["10.0.0.1", "127.0.0.1"])
    with RawServer(answering(200, b"page")) as server:
        assert one(f"http://both.example:{server.url.rpartition(':')[2]}/a.bin", account)[0] == "uploaded"


def test_probing_has_the_same_rule() -> None:
    """`check(probe=True)` opens no such address either, also after a redirect."""
    with RawServer(answering(200, b"x")) as inner, RawServer(to(inner.url)) as outer:
        frame = pd.DataFrame({"file": [f"{outer.url}/a.bin", f"{inner.url}/a.bin"]})
        found = ikpipe.check(frame, probe=True, fetch_hosts=[outer.url.removeprefix("http://")])
    assert (found["position"].tolist(), inner.connections) == ([0, 1], 0)
    assert all("fetch_hosts=[" in message for message in found["message"])


def test_credentials_stay_with_their_host(account: Account) -> None:
    """A name and password in the URL go to its own host, and not to where that redirects to."""
    with RawServer(answering(200, b"x")) as other, RawServer(to("/b"), to(f"{other.url}/c")) as server:
        url = server.url.replace("http://", "http://user:pass@")
        assert one(f"{url}/a.bin", account)[0] == "uploaded"
    assert ["authorization" in request.headers for request in (*server.requests, *other.requests)] == [
        True,
        True,
        False,
    ]


def test_a_proxy_is_not_asked_for_non_public_addresses(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a proxy opens the connection, what is written out or resolves here is refused all the same."""
    resolving(monkeypatch, ["10.1.2.3"])
    with RawServer(answering(200, b"by the proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        for host in ("10.0.0.1", "private.example"):
            assert one(f"http://{host}/a.bin", account, fetch_hosts=[])[0] == "failed"
        assert proxy.connections == 0
        assert one("http://private.example/a.bin", account, fetch_hosts=["private.example"])[0] == "uploaded"
    assert proxy.requests[0].head == "GET http://private.example/a.bin HTTP/1.1"


@pytest.mark.parametrize("hosts", [["http://a.example"], ["10.0.0.1/8"]])
def test_a_wrong_entry_is_an_error_before_anything_is_sent(
    hosts: list[str], account: Account, arrived: Arrived
) -> None:
    """An entry that is no host is a `MappingError`."""
    with pytest.raises(ikpipe.MappingError, match="fetch_hosts"):
        fetched(["http://a.example/b"], account, fetch_hosts=hosts)
    assert not arrived()


def test_what_is_allowed_is_never_read_from_a_file(account: Account, tmp_path: Path) -> None:
    """Neither the results nor the journal of a run carry it on: `retry` and `resume` are told again."""
    with RawServer(answering(404, b""), answering(200, b"page")) as server:
        journal = tmp_path / "run.ikjournal"
        first = fetched([f"{server.url}/a.bin"], account, journal=journal)
        again = ikpipe.retry(first, account, progress=False)
        assert (again["ik_status"][0], server.connections) == ("failed", 1)
        assert "127.0.0.1" not in str(first.attrs["ikpipe"]["mapping"])
        told = ikpipe.retry(first, account, progress=False, fetch_hosts=["127.0.0.1"])
    assert told["ik_status"].tolist() == ["uploaded"]


# What a host may do


@pytest.mark.parametrize(
    "url", ["http://xn--/x", "http://" + "a" * 64 + ".example/", "http://a..b/x", "http://1.2.3.4.5.6/"]
)
def test_a_url_that_nothing_can_be_made_of_fails_alone(url: str, account: Account) -> None:
    """It is the row's failure, in the run and in each `resume`."""
    status, code, message = one(url, account, fetch_hosts=[], retries=0)
    assert (status, code, bool(message)) == ("failed", "fetch_failed", True)


@pytest.mark.parametrize(
    "where",
    [
        "javascript:1",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "http://",
        "http://xn--/x",
        "http://[::1",
        "//",
        "data:,x",
        "http://" + "a" * 300,
        "\xff\xfe",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
    ],
)
def test_a_redirect_to_anything_fails_alone(where: str, account: Account) -> None:
    """Only http and https are followed."""
    with RawServer(to(where)) as server:
        status, code, message = one(f"{server.url}/a.bin", account, retries=0)
    assert (status, code) == ("failed", "fetch_failed")
    assert f"{server.url}/a.bin" in message


def test_redirects_are_followed_so_many_times(account: Account) -> None:
    """Ten are, and no more."""
    with RawServer(*[to("/next")] * 10, answering(200, b"x")) as server:
        assert one(f"{server.url}/a.bin", account)[0] == "uploaded"
    with RawServer(to("/next")) as server:
        assert "more than 10 times" in one(f"{server.url}/a.bin", account)[2]
    assert server.connections == 11


@pytest.mark.parametrize(
    "first",
    [
        *(answering(status, b"") for status in (408, 425, 429, 500, 502, 503, 504)),
        *(reset_before, reset_after, answering(200, b"half of it", cut=3), answering(503, b"", "Retry-After: 0")),
    ],
)
def test_it_is_tried_again(first: Callable[[Talk], None], account: Account) -> None:
    """A refusal for now, a reset and half a file are worth another attempt, like those of an upload."""
    with RawServer(first, first, answering(200, b"whole")) as server:
        results = fetched([f"{server.url}/a.bin"], account)
    assert (results["ik_status"][0], results["ik_attempts"][0], results["ik_size"][0]) == ("uploaded", 3, 5)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 304, 501])
def test_it_is_not_tried_again(status: int, account: Account) -> None:
    """Other answers are final."""
    with RawServer(answering(status, b"")) as server:
        assert one(f"{server.url}/a.bin", account)[0] == "failed"
    assert server.connections == 1


def test_retries_of_downloads_take_from_the_budget(account: Account) -> None:
    """Downloads that are tried again share the budget of the uploads: beyond it, each waits one second."""
    down = httpx.MockTransport(lambda _request: httpx.Response(503))
    options: dict[str, Any] = {
        **HERE,
        "policy": ikpipe.Policy(first_wait=0, retry_budget=20),
        "transport": down,
        "progress": False,
    }
    frame = pd.DataFrame({"file": ["http://127.0.0.1:9/a.bin"]})
    _, waits = hurried(ikpipe.aupload(frame, account, retries=100, **options))
    assert 40 < max(waits) <= 80


def test_a_row_that_nothing_can_be_made_of_does_not_stop_a_resume(account: Account, tmp_path: Path) -> None:
    """A run that was interrupted beside such a row is finished."""

    def stop(*_ended: Any) -> None:
        raise RuntimeError("stop here")

    journal = tmp_path / "run.ikjournal"
    with RawServer(to("javascript:1")) as server:
        urls = [f"{server.url}/a.bin", "http://xn--/x", *["data:;base64,YQ=="] * 3]
        with pytest.raises(ikpipe.UploadError):
            fetched(urls, account, journal=journal, concurrency=1, on_result=stop)
    results = ikpipe.resume(journal, account, progress=False, fetch_hosts=["127.0.0.1"], retries=0)
    assert results["ik_status"].tolist() == ["failed", "failed", "uploaded", "uploaded", "uploaded"]


def test_retries_end(account: Account) -> None:
    """After `retries` more attempts the row has failed."""
    with RawServer(answering(503, b"")) as server:
        _, code, message = one(f"{server.url}/a.bin", account, retries=2)
    assert (code, server.connections, "status 503" in message) == ("fetch_failed", 3, True)


def test_a_time_that_is_too_long_is_not_waited(account: Account) -> None:
    """A host that asks to wait for a day ends its row at once, with words."""
    with RawServer(answering(503, b"", "Retry-After: 86400")) as server:
        _, _, message = one(f"{server.url}/a.bin", account)
    assert (server.connections, "asks to wait 86,400 s" in message) == (1, True)


@pytest.mark.parametrize(
    "page", [answering(200, b""), answering(204, b""), answering(200, gzip.compress(b""), "Content-Encoding: gzip")]
)
def test_an_empty_download_fails(page: Callable[[Talk], None], account: Account, folder: Path) -> None:
    """No bytes are no file."""
    with RawServer(page) as server:
        status, code, message = one(f"{server.url}/a.bin", account)
    assert (status, code, left(folder)) == ("failed", "fetch_failed", [])
    assert "This file is empty (0 bytes)." in message


def dripping(*pieces: bytes, pause: float = 0.01) -> Callable[[Talk], None]:
    """Send some pieces, and then the last one again and again."""

    def act(talk: Talk) -> None:
        talk.head()
        for piece in pieces:
            talk.connection.sendall(piece)
        while not talk._server.closing.wait(pause):  # noqa: SLF001 - its own server
            talk.connection.sendall(pieces[-1])

    return act


HEAD = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "headers": dripping(HEAD, b"X-A: b\r\n"),
    "interim answers": dripping(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "body": dripping(HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
    "chunks": dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a chunk's size": dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "until the end": dripping(HEAD + b"Connection: close\r\n\r\n", b"x"),
}


@pytest.mark.parametrize("drip", DRIPS)
def test_a_drip_ends(drip: str, account: Account, folder: Path) -> None:
    """Bytes that come one by one are no progress: headers, body and chunks have to come to an end."""
    began = time.monotonic()
    with RawServer(DRIPS[drip]) as server:
        status, code, _ = one(f"{server.url}/a.bin", account, timeout=0.15, retries=0)
    assert (status, code, left(folder)) == ("failed", "fetch_failed", [])
    assert time.monotonic() - began < 10


def test_a_slow_download_that_goes_on_ends_well(account: Account) -> None:
    """What comes steadily may take much longer than nothing may come for."""

    def act(talk: Talk) -> None:
        talk.request()
        talk.connection.sendall(HEAD + b"Content-Length: 120000\r\n\r\n")
        for _ in range(30):
            talk.connection.sendall(bytes(4000))
            time.sleep(0.03)

    with RawServer(act) as server:
        assert one(f"{server.url}/a.bin", account, timeout=0.3)[0] == "uploaded"


def test_a_download_that_is_longer_than_allowed_ends(account: Account, folder: Path) -> None:
    """A host that announces more than `max_file_size` is not read to the end."""
    endless = dripping(HEAD + b"Content-Length: 99999999999\r\n\r\n", bytes(1 << 16), pause=0)
    with RawServer(endless) as server:
        status, _, message = one(f"{server.url}/a.bin", at_most(account, 2_000_000), retries=0)
    assert (status, left(folder)) == ("failed", [])
    assert "more than the" in message


def test_an_endless_download_ends(tmp_path: Path) -> None:
    """Without `max_file_size`, a download has a largest size too, unless its host says how long it is."""

    async def trace(_event: str, _about: Any) -> None:
        """Set no socket options."""

    async def main(url: str) -> None:
        async with httpx.AsyncClient() as client, httpx.AsyncHTTPTransport() as direct:
            network = DownloadTransports(direct, client, lambda _url: False, False, trace)
            hosts, timeouts = FetchHosts.read(["127.0.0.1"]), httpx.Timeout(30)
            downloader = Downloader(network, hosts, timeouts, "tests", max_undeclared=3_000_000)
            await downloader.fetch(FileSource("fetch", "a.bin", url), lambda: tmp_path)

    endless = dripping(HEAD + b"Connection: close\r\n\r\n", bytes(1 << 16), pause=0)
    with RawServer(endless) as server, pytest.raises(FetchError, match="more than the"):
        asyncio.run(main(f"{server.url}/a.bin"))
    assert not list(tmp_path.iterdir())


def at_most(account: Account, size: int) -> Account:
    """Return the account with a largest file."""
    return ikpipe.Account(account.public_key, account.private_key, upload_url=account.upload_url, max_file_size=size)


def test_the_plain_file_is_asked_for(account: Account) -> None:
    """No coding is asked for; one that a host uses all the same is undone, within the limits of size."""
    packed = answering(200, gzip.compress(b"the file"), "Content-Encoding: gzip")
    bomb = answering(200, gzip.compress(bytes(50_000_000)), "Content-Encoding: gzip")
    with RawServer(packed, bomb) as server:
        assert one(f"{server.url}/a.bin", account)[0] == "uploaded"
        assert "1,000,000 bytes" in one(f"{server.url}/a.bin", at_most(account, 1_000_000))[2]
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "x" * 500])
def test_other_codings_are_refused(coding: str, account: Account) -> None:
    """What cannot be undone safely is not uploaded as if it were the file."""
    with RawServer(answering(200, b"???", f"Content-Encoding: {coding}")) as server:
        assert one(f"{server.url}/a.bin", account)[:2] == ("failed", "fetch_failed")


# The temporary folder


@pytest.mark.parametrize("page", [Page(b"half", cut=2), Page(b"x" * 5000, chunked=True), Page(b"", 404)])
def test_nothing_is_left_of_a_row(page: Page, account: Account, site: Site, folder: Path) -> None:
    """After each row its file is gone, whatever became of it."""
    urls = [site.put(f"/left/{row}", page if row % 2 else b"good") for row in range(6)]
    seen: list[int] = []
    fetched(urls, at_most(account, 1000), retries=1, concurrency=1, on_result=lambda *_: seen.append(len(left(folder))))
    assert seen == [0] * 6
    assert not list(folder.iterdir())


def test_a_run_without_downloads_needs_no_folder(folder: Path, account: Account) -> None:
    """Nothing is made for files that are not downloaded; where no folder can be made, a download fails alone."""
    folder.rmdir()
    assert ikpipe.upload_file(b"x", account, file_name="a").status == "uploaded"
    with RawServer(answering(200, b"x")) as server:
        status, _, message = one(f"{server.url}/a.bin", account)
    assert (status, "temporary folder" in message) == ("failed", True)


@pytest.fixture
def small_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Have a temporary folder that takes 1 MB; return what asks for the most that was in it."""
    real, most, used, writing = os.write, 0, partial(_used, folder), threading.Lock()

    def write(end: int, block: Any) -> int:
        nonlocal most
        if str(folder) not in os.readlink(f"/proc/self/fd/{end}"):  # noqa: PTH115
            return real(end, block)
        with writing:  # by several threads
            if used() + len(block) > 1_000_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = real(end, block)
            most = max(most, used())
            return written

    monkeypatch.setattr(os, "write", write)
    return lambda: most


def _used(folder: Path) -> int:
    total = 0
    for path in left(folder):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no list of open files")
@pytest.mark.parametrize("chunked", [True, False])
def test_a_full_folder_is_one_rows_trouble(
    chunked: bool,  # noqa: FBT001
    account: Account,
    site: Site,
    folder: Path,
    small_disk: Callable[[], int],
) -> None:
    """1 MB of room, 100 URLs, one of 4 MB: 99 are uploaded, and the error of the other names the folder."""
    urls = [site.put(f"/full/{row}", Page(bytes(20_000), chunked=chunked)) for row in range(100)]
    site.put("/full/7", Page(bytes(4_000_000), chunked=chunked))
    results = fetched(urls, account)
    assert results["ik_status"].eq("uploaded").sum() == 99
    assert (results["ik_status"][7], results["ik_error"][7]) == ("failed", "fetch_failed")
    assert str(folder) in results["ik_message"][7]
    assert "is full" in results["ik_message"][7]
    assert small_disk() <= 1_000_000
    assert not list(folder.iterdir())


# Bandwidth


def test_a_download_has_the_bandwidth_that_is_set(site: Site, account: Account, folder: Path) -> None:
    """And the time that it waits for that does not count against its host: here it would be over after half of it."""
    site.pages["/a.bin"] = Page(os.urandom(200_000))
    began = time.monotonic()
    options = {"bandwidth": "off:200000B", "timeout": 0.4}
    results = fetched([f"{site.url}/a.bin"], account, **options)
    assert (results["ik_status"][0], results["ik_attempts"][0]) == ("uploaded", 1)
    assert 0.5 < time.monotonic() - began < 10
