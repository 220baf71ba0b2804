"""The way to the service is checked step by step, against real servers on loopback."""

from __future__ import annotations

import datetime
import socket
import ssl
import sys
import threading
import time
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from doubles import RawServer, answering

from ikpipe.service.certificates import ssl_context
from ikpipe.service.network_check import check_network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from doubles import Act, Talk

    from ikpipe.service.findings import Finding

OK = answering(200, b"hi")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start without proxies."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    ssl_context.cache_clear()
    yield
    ssl_context.cache_clear()


def about(findings: list[Finding], name: str) -> Finding:
    """Return the finding about something; there is one."""
    [finding] = [one for one in findings if one.about == name]
    return finding


def test_a_way_that_is_open() -> None:
    """Each step is ok; two addresses of one origin are one."""
    with RawServer(OK) as server:
        found = check_network({"Upload endpoint": f"{server.url}/upload", "Media API": server.url})
    assert [(one.level, one.about) for one in found] == [("ok", "Certificates"), ("ok", "Proxy"), ("ok", "Service")]
    assert [request.head.split()[:2] for request in server.requests] == [["GET", "/"]]


def test_the_status_does_not_matter() -> None:
    """Only an answer is waited for."""
    with RawServer(answering(404, b"")) as server:
        assert about(check_network({"Media API": server.url}), "Media API").level == "ok"


def test_a_port_where_nothing_listens() -> None:
    """It is said to be the step of TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = about(check_network({"Media API": f"http://127.0.0.1:{port}"}), "Media API")
    assert (found.level, found.refused) == ("problem", True)
    assert "cannot be connected to (TCP): Connection refused" in found.text


def test_a_name_that_does_not_exist() -> None:
    """It is said to be the step of DNS."""
    found = about(check_network({"Media API": "https://ikpipe.invalid"}), "Media API")
    assert "The name ikpipe.invalid cannot be resolved (DNS)" in found.text


def test_a_name_that_cannot_exist() -> None:
    """It is a problem, too, and no traceback."""
    assert about(check_network({"Media API": f"https://{'a' * 70}"}), "Media API").level == "problem"


def test_a_name_server_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can end such a request, so nobody waits for it."""
    released = threading.Event()

    def silent(*_: Any, **__: Any) -> None:
        released.wait(30)
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", silent)
    start = time.monotonic()
    found = about(check_network({"Media API": "https://ikpipe.invalid"}, timeout=0.2), "Media API")
    released.set()
    assert found.text == "https://ikpipe.invalid/ does not answer."
    assert time.monotonic() - start < 20


def test_a_server_that_speaks_something_else() -> None:
    """It is said to be the step of HTTP."""
    with RawServer(lambda talk: talk.connection.sendall(b"220 mail.example ESMTP\r\n")) as server:
        found = about(check_network({"Media API": server.url}), "Media API")
    assert "does not answer (HTTP)" in found.text


# TLS


def secured(server_context: ssl.SSLContext, act: Act) -> Act:
    """Do an act over TLS."""

    def over_tls(talk: Talk) -> None:
        with suppress(ssl.SSLError), server_context.wrap_socket(talk.connection, server_side=True) as talk.connection:
            act(talk)

    return over_tls


def served_by(authority: trustme.CA, name: str = "localhost", **settings: Any) -> ssl.SSLContext:
    """Return the context of a server with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **settings).configure_cert(context)
    return context


def trust(authority: trustme.CA, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the environment trust an authority."""
    authority.cert_pem.write_to_path(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))


def over_tls(context: ssl.SSLContext) -> Finding:
    """Return what is found about a server with a context."""
    with RawServer(secured(context, OK)) as server:
        address = server.url.replace("http://127.0.0.1", "https://localhost")
        return about(check_network({"Media API": address}), "Media API")


def test_a_certificate_that_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an authority of the environment."""
    authority = trustme.CA()
    trust(authority, tmp_path / "ca.pem", monkeypatch)
    assert over_tls(served_by(authority)).level == "ok"


def test_an_authority_that_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a network that inspects TLS; the fix names the variable."""
    trust(trustme.CA(), tmp_path / "ca.pem", monkeypatch)
    found = over_tls(served_by(trustme.CA()))
    assert "The certificate of localhost is not trusted (TLS): " in found.text
    assert "SSL_CERT_FILE" in str(found.fix)


def test_a_certificate_of_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is in the text."""
    authority = trustme.CA()
    trust(authority, tmp_path / "ca.pem", monkeypatch)
    assert "Hostname mismatch" in over_tls(served_by(authority, "other.example")).text


def test_a_certificate_that_has_expired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is in the text."""
    authority = trustme.CA()
    trust(authority, tmp_path / "ca.pem", monkeypatch)
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    assert "expired" in over_tls(served_by(authority, not_before=past, not_after=past)).text


def test_a_server_without_tls() -> None:
    """An https address of a plain server."""
    with RawServer(lambda talk: talk.connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")) as server:
        found = about(check_network({"Media API": server.url.replace("http:", "https:")}), "Media API")
    assert "does not speak TLS as expected" in found.text


@pytest.mark.parametrize("content", [None, "nothing of the kind"])
def test_certificates_that_cannot_be_read(content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stale `SSL_CERT_FILE` is the only finding, since nothing works with it."""
    if content is not None:
        (tmp_path / "ca.pem").write_text(content, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    [found] = check_network({"Media API": "https://ikpipe.invalid"})
    assert (found.about, found.level) == ("Certificates", "problem")
    assert "SSL_CERT_FILE" in found.text


# Proxies


def test_a_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request goes through it, and nothing is asked of DNS."""
    with RawServer(OK) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("://", "://me:hunter2@"))
        found = check_network({"Media API": "http://imagekit.invalid"})
    assert about(found, "Media API").level == "ok"
    assert about(found, "Proxy").text == f"Requests go through {proxy.url}."
    assert "hunter2" not in repr(found)


def test_a_proxy_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The problem names it, without its password."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://me:hunter2@127.0.0.1:{port}")
    found = about(check_network({"Media API": "http://imagekit.invalid"}), "Media API")
    assert f"through the proxy http://127.0.0.1:{port} does not answer" in found.text
    assert "hunter2" not in repr(found)


def test_a_socks_proxy_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """One problem for all addresses, with the command that installs it."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setitem(sys.modules, "socksio", None)
    found = check_network({"Upload endpoint": "https://a.invalid", "Media API": "https://b.invalid"})
    assert [one.about for one in found] == ["Certificates", "Proxy"]
    assert "pip install 'ikpipe[socks]'" in str(found[1].fix)


@pytest.mark.parametrize(
    ("value", "unreadable"),
    [
        ("localhost, .example.com,*.internal,10.0.0.0/8,[::1],2001:db8::/32,é.test,http://a:80,*", None),
        ("localhost;127.0.0.1", "localhost;127.0.0.1"),
        ("a.example b.example", "a.example b.example"),
        ("http://a.example/path", "http://a.example/path"),
        ("10.0.0.0/99", "10.0.0.0/99"),
    ],
)
def test_no_proxy(value: str, unreadable: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that matches no host is a warning."""
    monkeypatch.setenv("NO_PROXY", value)
    with RawServer(OK) as server:
        found = about(check_network({"Media API": server.url}), "Proxy")
    assert (found.level == "warning") == (unreadable is not None)
    assert unreadable is None or found.text == f"NO_PROXY has entries that match no host: {unreadable}."


# The clock


@pytest.mark.parametrize(
    ("ahead", "level", "words"),
    [(0, "ok", "Within"), (-40, "ok", "Within"), (90, "problem", "s behind"), (-3600, "problem", "ahead of")],
)
def test_the_clock(ahead: int, level: str, words: str) -> None:
    """More than a minute is a problem, since a token has the times of this machine."""
    with RawServer(answering(200, b"", f"Date: {formatdate(time.time() + ahead, usegmt=True)}")) as server:
        found = about(check_network({"Media API": server.url}), "Clock")
    assert (found.level, words in found.text) == (level, True)


def test_a_date_that_is_none() -> None:
    """It says nothing about the clock."""
    with RawServer(answering(200, b"", "Date: yesterday")) as server:
        assert not [one for one in check_network({"Media API": server.url}) if one.about == "Clock"]
