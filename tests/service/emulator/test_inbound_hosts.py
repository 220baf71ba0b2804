"""Requests for other hosts are refused, and pages of other origins at the emulator's own endpoints."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from ikpipe.emulator import Emulator
from ikpipe.emulator.inbound_hosts import host_name, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator_client import Client

OWN = ["/emulator/log", "/emulator/faults", "/emulator/webhooks"]


def ask(client: Client, path: str, *lines: str, method: str = "GET") -> tuple[int, dict[str, str], Any]:
    """Send a raw request, and return status, headers and JSON of the response; the first line may have a full URL."""
    place = urlsplit(client.emulator.url)
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "Connection: close", "", ""])
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        connection.sendall(head.encode("latin-1"))
        answer = b""
        while block := connection.recv(65536):
            answer += block
    top, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = top.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return int(first.split()[1]), headers, json.loads(body) if body[:1] in (b"{", b"[") else body


def host(client: Client) -> str:
    """Return the emulator's own `Host`."""
    return f"Host: {urlsplit(client.emulator.url).netloc}"


# Host names


@pytest.mark.parametrize(
    "name", ["localhost", "LOCALHOST:1", "localhost.:80", "127.0.0.1", "127.1.2.3:5", "[::1]", "[::1]:8080"]
)
def test_loopback_is_served(client: Client, name: str) -> None:
    """Each loopback name is served with any port, since a tunnel has another."""
    assert ask(client, "/v1/files", f"Host: {name}")[0] == 401  # the API's own refusal: no key
    assert ask(client, "/emulator/log", f"Host: {name}")[0] == 200


REBOUND = [
    *("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example."),
    *("0.0.0.0", "0.0.0.0:80", "[::]", "192.168.1.1", "169.254.169.254", "[fe80::1]", "[::ffff:10.0.0.1]"),  # noqa: S104 - is asked for
    *("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "user@localhost", "localhost@evil.example", "localhost/x"),
    *("localhost evil", "localhost:80:80", "[::1", "", "localhost:x", "\xe9.example", "127.0.0.1, evil.example"),
]


@pytest.mark.parametrize("name", REBOUND)
@pytest.mark.parametrize("path", ["/emulator/log", "/api/v2/files/upload", "/emulator/a.jpg", "/"])
def test_no_other_name_is_served(client: Client, name: str, path: str) -> None:
    """A page whose name leads here (DNS rebinding) gets an error, no file and no log."""
    before = len(client.emulator.log())
    status, headers, body = ask(client, path, f"Host: {name}")
    if status == 400 and not isinstance(body, dict):  # the server itself reads no such header
        return
    assert (status, headers["content-type"]) == (403, "application/json")
    assert "message" in body
    assert "access-control-allow-origin" not in headers
    assert len(client.emulator.log()) == before


@pytest.mark.parametrize("names", [[], ["localhost", "evil.example"], ["evil.example", "localhost"]])
def test_one_host_is_needed(client: Client, names: list[str]) -> None:
    """A missing or repeated `Host` is refused."""
    assert ask(client, "/emulator/log", *(f"Host: {name}" for name in names))[0] in {400, 403}


def test_a_whole_url_does_not_stand_for_the_host(client: Client) -> None:
    """A request line with a URL, as proxies get it, is judged by its header."""
    assert ask(client, "http://localhost/emulator/log", "Host: evil.example")[0] == 403


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "POST", "DELETE", "HEAD"])
def test_no_method_is_served_to_another_name(client: Client, method: str) -> None:
    """A preflight request for another host is refused as well."""
    status, headers, _ = ask(client, "/api/v2/files/upload", "Host: evil.example", method=method)
    assert (status, "access-control-allow-origin" in headers) == (403, False)


def test_a_web_socket_is_not_opened(client: Client) -> None:
    """A WebSocket handshake is refused like other requests."""
    lines = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
    assert ask(client, "/emulator/log", "Host: evil.example", "Connection: Upgrade", *lines)[0] == 403


def test_other_names_are_served_where_they_are_listed(start: Callable[..., Client]) -> None:
    """An allowed host is served in any case and with any port."""
    client = start(hosts=["emulator", "My-Machine.example"])
    for name in ("emulator", "emulator:8000", "my-machine.example.", "localhost"):
        assert ask(client, "/emulator/log", f"Host: {name}")[0] == 200
    status, _, body = ask(client, "/emulator/log", "Host: other.example")
    assert (status, 'hosts=["other.example"]' in body["message"]) == (403, True)


@pytest.mark.parametrize("hosts", [["a b"], [""], ["http://a"]])
def test_a_host_that_is_no_name_is_an_error(hosts: list[str]) -> None:
    """An invalid host name is an error at once."""
    with pytest.raises(ValueError, match="is not a valid host name"):
        Emulator(hosts=hosts)


def test_the_address_that_is_listened_on_is_served() -> None:
    """The address that the server listens on is served."""
    with Emulator(host="127.0.0.2") as emulator:
        assert emulator.url.startswith("http://127.0.0.2:")
    assert (host_name("[FE80::1]:80"), is_loopback("127.9.9.9"), is_loopback("::ffff:127.0.0.1")) == (
        "fe80::1",
        True,
        True,
    )


def test_where_all_addresses_are_listened_on_the_url_is_loopback() -> None:
    """`url` has a loopback address instead of 0.0.0.0."""
    with Emulator(host="0.0.0.0") as emulator:  # noqa: S104 - what is tested
        assert emulator.url.startswith("http://127.0.0.1:")


# Origins


FOREIGN = [
    ["Origin: https://evil.example"],
    ["Origin: null"],
    ["Origin: http://localhost:8888"],
    ["Origin: http://127.0.0.1"],
    ["Origin: file://"],
    ["Origin: "],
    ["Sec-Fetch-Site: cross-site"],
    ["Sec-Fetch-Site: same-site"],
    ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"],
]


@pytest.mark.parametrize("path", OWN)
@pytest.mark.parametrize("lines", FOREIGN)
def test_own_endpoints_are_closed_to_other_origins(client: Client, path: str, lines: list[str]) -> None:
    """A page of another port of this machine is refused as well."""
    status, headers, body = ask(client, path, host(client), *lines)
    assert status == 403
    assert "origins" in body["message"]
    assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", OWN)
def test_own_endpoints_grant_nothing_across_origins(client: Client, path: str) -> None:
    """Programs, the address bar and their own origin may read them; their responses cannot be embedded."""
    own = host(client).removeprefix("Host: ")
    for lines in ([], ["Sec-Fetch-Site: none"], [f"Origin: http://{own}", "Sec-Fetch-Site: same-origin"]):
        status, headers, _ = ask(client, path, host(client), *lines)
        assert (status, headers["cross-origin-resource-policy"]) == (200, "same-origin")
        assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", OWN)
@pytest.mark.parametrize("method", ["POST", "OPTIONS", "PUT", "TRACE"])
def test_own_endpoints_only_tell(client: Client, path: str, method: str) -> None:
    """The emulator's own endpoints can only be read; they refuse preflight requests as well."""
    status, headers, _ = ask(client, path, host(client), method=method)
    assert (status, [name for name in headers if name.startswith("access-control-")]) == (405, [])


def test_the_service_is_open_to_pages_of_any_origin(client: Client) -> None:
    """The service's endpoints are open to all origins, as the real ones are."""
    headers = {"Origin": "http://localhost:8888", "Sec-Fetch-Site": "cross-site"}
    reply = client.upload(headers=headers)
    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (200, "*")
    delivered = client.http.get(reply.json()["url"], headers=headers)
    assert (delivered.status_code, delivered.headers["access-control-allow-origin"]) == (200, "*")
    assert (
        client.http.options(client.emulator.upload_url, headers=headers).headers["access-control-allow-origin"] == "*"
    )
