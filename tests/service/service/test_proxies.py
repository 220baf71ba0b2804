"""Proxies and certificates of the environment, through the public functions: as httpx's users know them."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme
from doubles import RawServer, answering, stored
from hypothesis import given
from hypothesis import strategies as st
from rows import at, blobs, quiet

import ikpipe
from ikpipe.service.certificates import ssl_context
from ikpipe.service.proxies import Proxies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from doubles import Act, Talk

    from ikpipe import Account

Environment = pytest.MonkeyPatch


@pytest.fixture
def account() -> Account:
    """Give keys; no server behind them is asked."""
    return ikpipe.Account("public_proxies", "private_proxies")


@pytest.fixture(autouse=True)
def environment(monkeypatch: Environment) -> Iterator[Environment]:
    """Begin without any proxy, and end with the certificates of the machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield monkeypatch
    ssl_context.cache_clear()


@pytest.fixture
def secured(environment: Environment, tmp_path: Path) -> Iterator[Callable[[Act], Act]]:
    """Have a certificate authority that the environment trusts, and give what does an act over TLS by it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    environment.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)

    def over(act: Act) -> Act:
        def over_tls(talk: Talk) -> None:
            with suppress(ssl.SSLError), server.wrap_socket(talk.connection, server_side=True) as talk.connection:
                act(talk)

        return over_tls

    ssl_context.cache_clear()
    yield over
    ssl_context.cache_clear()


class Tunnel:
    """An act of a proxy: connect to where it is told, and pass everything on."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, talk: Talk) -> None:
        """Do so for one connection."""
        head, _, _ = talk.head()
        self.asked.append(head)
        port = int(head.split()[1].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as there:
            talk.connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            back = threading.Thread(target=pass_on, args=(there, talk.connection))
            back.start()
            pass_on(talk.connection, there)
            back.join()


def pass_on(here: socket.socket, there: socket.socket) -> None:
    """Pass on what comes, to its end."""
    with suppress(OSError):
        while data := here.recv(1 << 16):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)


def up(account: Account, url: str) -> list[str]:
    """Upload two rows, and give what became of them."""
    try:
        found = quiet(blobs(b"1", b"2"), at(account, url), file_name="a", concurrency=1, retries=0)
    except ikpipe.AccountError as unreachable:
        found = unreachable.results
    return ["failed" if status == "cancelled" else status for status in found["ik_status"]]


def test_a_certificate_of_the_environment_is_ssl_context(account: Account, secured: Callable[[Act], Act]) -> None:
    """`SSL_CERT_FILE` says whom to trust, and uploads go by it."""
    with RawServer(secured(answering(200, stored()))) as server:
        assert up(account, server.url.replace("http://127.0.0.1", "https://localhost")) == ["uploaded"] * 2


@pytest.mark.usefixtures("secured")
def test_a_certificate_that_nobody_trusts_is_not(account: Account) -> None:
    """Another authority's certificate ends the row before anything is sent."""
    strange = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(strange)

    def act(talk: Talk) -> None:
        with suppress(ssl.SSLError):
            strange.wrap_socket(talk.connection, server_side=True)

    with RawServer(act) as server:
        there = at(account, server.url.replace("http://127.0.0.1", "https://localhost"))
        result = ikpipe.upload_file(b"1", there, file_name="a", retries=0)
    assert (result.status, result.error) == ("failed", "connection_failed")
    assert "certificate verify failed" in str(result.message)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_https_goes_through_a_tunnel(
    variable: str, account: Account, environment: Environment, secured: Callable[[Act], Act]
) -> None:
    """The proxy is asked for a way to the host, and sees no more."""
    tunnel = Tunnel()
    with RawServer(secured(answering(200, stored()))) as server, RawServer(tunnel) as proxy:
        environment.setenv(variable, proxy.url)
        url = server.url.replace("http://127.0.0.1", "https://localhost")
        assert up(account, url) == ["uploaded"] * 2
    assert set(tunnel.asked) == {f"CONNECT {url.removeprefix('https://')} HTTP/1.1"}


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_http_is_asked_of_the_proxy(variable: str, account: Account, environment: Environment) -> None:
    """With the whole address."""
    with RawServer(answering(200, stored())) as proxy:
        environment.setenv(variable, proxy.url)
        assert up(account, "http://upload.test/up") == ["uploaded"] * 2
    assert {request.head for request in proxy.requests} == {"POST http://upload.test/up HTTP/1.1"}


@pytest.mark.parametrize("spared", ["localhost", "*", "x.test, localhost", "http://localhost"])
def test_a_host_that_is_spared_is_asked_itself(spared: str, account: Account, environment: Environment) -> None:
    """However `NO_PROXY` names it."""
    with RawServer(answering(200, stored())) as server, RawServer(answering(500, {})) as proxy:
        environment.setenv("HTTP_PROXY", proxy.url)
        environment.setenv("NO_PROXY", spared)
        assert up(account, f"{server.url.replace('127.0.0.1', 'localhost')}/up") == ["uploaded"] * 2
    assert proxy.requests == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_an_address_of_this_machine_has_no_proxy(variable: str, account: Account, environment: Environment) -> None:
    """An emulator works behind the proxy of a company."""
    with RawServer(answering(200, stored())) as server:
        environment.setenv(variable, "http://127.0.0.1:9")
        assert up(account, f"{server.url}/up") == ["uploaded"] * 2


@pytest.mark.parametrize(
    ("host", "spared", "proxied"),
    [
        ("up.x.test", "x.test", False),
        ("up.x.test", ".x.test", False),
        ("up.x.test", "test", False),
        ("x.test", "up.x.test", True),
        ("notx.test", "x.test", True),
        ("x.test", "", True),
        ("up.localhost", "localhost", False),
    ],
)
def test_a_domain_spares_what_is_in_it(
    host: str, spared: str, account: Account, environment: Environment, *, proxied: bool
) -> None:
    """And nothing beside it; a host that is spared here cannot be found."""
    with RawServer(answering(200, stored())) as proxy:
        environment.setenv("HTTP_PROXY", proxy.url)
        environment.setenv("NO_PROXY", spared)
        statuses = up(account, f"http://{host}/up")
    assert (statuses, len(proxy.requests)) == ((["uploaded"] * 2, 2) if proxied else (["failed"] * 2, 0))


def test_another_schemes_proxy_is_no_proxy(account: Account, environment: Environment) -> None:
    """`HTTPS_PROXY` says nothing of `http://`."""
    with RawServer(answering(200, stored())) as server, RawServer(answering(500, {})) as proxy:
        environment.setenv("HTTPS_PROXY", proxy.url)
        assert up(account, f"{server.url}/up") == ["uploaded"] * 2
    assert proxy.requests == []


@pytest.mark.parametrize(
    ("url", "spared", "expected"),
    [
        ("http://[fd00::1]/up", "[fd00::1]", False),
        ("http://[fd00::1]/up", "fd00::1", False),
        ("http://[fd00::1]:81/up", "[fd00::1]:81", False),
        ("http://[fd00::1]:81/up", "[fd00::1]:82", True),
        ("http://[::1]/up", "", False),
        ("http://127.9.9.9/up", "", False),
        ("http://[fd00::7]/up", "fd00::/8", False),
        ("http://[fd00::7]/up", "[fd00::]/8", False),
        ("http://[fe80::7]/up", "fd00::/8", True),
        ("http://10.1.2.3/up", "10.0.0.0/8", False),
        ("http://11.1.2.3/up", "10.0.0.0/8", True),
        ("http://10.1.2.3/up", "10.1.2.3/33", True),
        ("http://10.1.2.3/up", "3", True),
        ("http://x.test/up", "x.test:80", False),
        ("http://x.test:8080/up", "x.test:80", True),
        ("http://x.test/up", "https://x.test", True),
        ("http://x.test/up", "all://x.test", False),
        ("http://up.x.test/up", "*.x.test", False),
        ("http://X.test/up", "x.TEST", False),
        ("http://xn--9ca.test/up", "é.test", False),
        ("http://x.test/up", " , ://,[,]:,x.tes", True),
    ],
)
def test_entries_of_no_proxy(url: str, spared: str, environment: Environment, *, expected: bool) -> None:
    """Hosts, domains, addresses and networks, with ports and schemes, as curl and httpx read them."""
    environment.setenv("HTTP_PROXY", "http://proxy.test")
    environment.setenv("NO_PROXY", spared)
    assert Proxies().used_for(httpx.URL(url)) is expected


def test_proxies_are_those_of_one_moment(environment: Environment) -> None:
    """A run does not change its way while it goes."""
    environment.setenv("HTTP_PROXY", "http://proxy.test")
    proxies, url = Proxies(), httpx.URL("http://x.test/up")
    environment.setenv("NO_PROXY", "x.test")
    assert (proxies.used_for(url), Proxies().used_for(url)) == (True, False)


PRINTABLE = st.characters(exclude_categories=("C", "Z")) | st.just(" ")


@given(st.text(PRINTABLE, max_size=20), st.sampled_from(["x.test", "10.0.0.1", "[fd00::1]"]))
def test_no_entry_raises(entry: str, host: str) -> None:
    """Whatever people write there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("http_proxy", "http://proxy.test")
        patch.setenv("no_proxy", entry)
        assert Proxies().used_for(httpx.URL(f"http://{host}/up")) in (True, False)


@pytest.mark.parametrize("proxy", ["garbage://user:secret@x", "http://", "socks4://user:secret@127.0.0.1:1", "://"])
def test_a_proxy_that_is_none(proxy: str, account: Account, environment: Environment) -> None:
    """One error before anything is sent, without the proxy's password."""
    environment.setenv("HTTP_PROXY", proxy)
    with pytest.raises(ikpipe.Error, match=r"The environment's proxy for http addresses is not valid") as caught:
        up(account, "http://upload.test/up")
    assert "secret" not in str(caught.value)
    assert "HTTP_PROXY" in str(caught.value.fix)


def test_a_proxy_without_its_scheme(account: Account, environment: Environment) -> None:
    """It is one of HTTP, as curl reads it."""
    with RawServer(answering(200, stored())) as proxy:
        environment.setenv("HTTP_PROXY", proxy.url.removeprefix("http://"))
        assert up(account, "http://upload.test/up") == ["uploaded"] * 2


def test_a_proxy_of_socks_names_its_extra(account: Account, environment: Environment) -> None:
    """Where it is not installed."""
    environment.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    environment.setitem(sys.modules, "socksio", None)
    with pytest.raises(ikpipe.MissingExtra, match=r"pip install 'ikpipe\[socks\]'"):
        up(account, "http://upload.test/up")


def socks(talk: Talk) -> None:
    """Answer as a SOCKS5 proxy that needs no password, then as the service."""
    greeting = talk.connection.recv(2)
    talk.connection.recv(greeting[1])
    talk.connection.sendall(b"\x05\x00")
    talk.connection.recv(512)
    talk.connection.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
    answering(200, stored())(talk)


def test_a_proxy_of_socks(account: Account, environment: Environment) -> None:
    """With the extra, uploads go through it."""
    with RawServer(socks) as proxy:
        environment.setenv("ALL_PROXY", proxy.url.replace("http://", "socks5h://"))
        assert up(account, "http://upload.test/up") == ["uploaded"] * 2


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_are_gone(variable: str, account: Account, environment: Environment) -> None:
    """The error names the variable, which an uninstalled program may have left."""
    environment.setenv(variable, "/nowhere/certificates.pem")
    ssl_context.cache_clear()
    with pytest.raises(ikpipe.Error, match=rf"{variable} names /nowhere/certificates.pem, which does not exist"):
        up(account, "http://upload.test/up")


def test_certificates_that_are_none(account: Account, environment: Environment, tmp_path: Path) -> None:
    """The error names file and variable."""
    (tmp_path / "none.pem").write_text("no certificate")
    environment.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    ssl_context.cache_clear()
    with pytest.raises(ikpipe.Error, match=r"none.pem \(SSL_CERT_FILE\) cannot be read"):
        up(account, "http://upload.test/up")
