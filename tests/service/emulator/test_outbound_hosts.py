"""Downloads and webhooks go to public addresses, and to others only if a rule allows it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

import httpx
import pytest
from emulator_client import Client, picture, refused
from receiver import Receiver, wait_until

from ikpipe.emulator.outbound_hosts import NotPublicError, PublicTransport, is_allowed, is_public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRIVATE = [
    *("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),  # noqa: S104 - is asked for
    *("100.64.0.1",),
    *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1"),
    *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:0:0:0:0:80ff:fffe"),
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public(address: str) -> None:
    """Loopback, private, link-local, reserved, multicast; also inside an IPv6 address."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_that_are_public(address: str) -> None:
    """All other addresses are public."""
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("host", "address", "entry", "allowed"),
    [
        ("shop.internal", "10.0.0.1", "shop.internal", True),
        ("SHOP.internal", "10.0.0.1", "Shop.Internal", True),
        ("shop.internal", "10.0.0.1", "10.0.0.0/8", True),
        ("shop.internal", "10.0.0.1", "10.0.0.1", True),
        ("::1", "::1", "[::1]", True),
        ("x", "::ffff:127.0.0.1", "127.0.0.0/8", True),
        ("x", "10.0.0.1", "*", True),
        ("shop.internal", "10.0.0.1", "internal", False),
        ("shop.internal", "10.0.0.1", "10.0.0.2", False),
        ("evil.example", "127.0.0.1", "localhost", False),
    ],
)
def test_a_rule_names_hosts_addresses_or_networks(host: str, address: str, entry: str, allowed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A name is compared as a whole."""
    assert is_allowed(host, ip_address(address), [entry]) == allowed


@contextmanager
def site(location: str | None = None) -> Iterator[tuple[str, list[str]]]:
    """Serve an image or a redirect; return the port and the requested paths."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            moved = location is not None and self.path != "/there"
            self.send_response(302 if moved else 200)
            if moved:
                self.send_header("Location", str(location))
            self.end_headers()
            if not moved:
                self.wfile.write(picture())

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield str(server.server_port), asked
        finally:
            server.shutdown()
            thread.join()


SPELLINGS = [
    "127.0.0.1",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",  # noqa: S104 - is asked for
    "[::ffff:127.0.0.1]",
]


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_file_of_this_machine_is_not_fetched(start: Callable[..., Client], name: str) -> None:
    """A private address in any notation is a 400, and nothing is requested."""
    client = start(fetch_hosts=())
    with site() as (port, asked):
        status, message = refused(client.upload(f"http://{name}:{port}/a.jpg"))
    assert (status, asked) == (400, [])
    assert message.startswith("Your request contains invalid file parameter.")


def test_the_refusal_names_the_rule(start: Callable[..., Client]) -> None:
    """The message names the rule that would allow the address."""
    client = start(fetch_hosts=())
    with site() as (port, _):
        assert "fetch_hosts" in refused(client.upload(f"http://127.0.0.1:{port}/a.jpg"))[1]


@pytest.mark.parametrize("rule", ["127.0.0.1", "127.0.0.0/8", "*"])
def test_a_file_of_this_machine_is_fetched_where_a_rule_allows_it(start: Callable[..., Client], rule: str) -> None:
    """A rule allows a host, an address or a network."""
    client = start(fetch_hosts=(rule,))
    with site() as (port, _):
        assert client.upload(f"http://127.0.0.1:{port}/a.jpg").json()["size"] == len(picture())


def test_a_redirect_is_checked_too(start: Callable[..., Client]) -> None:
    """A host that is allowed cannot lead to one that is not."""
    client = start(fetch_hosts=("localhost",))
    with site() as (inner, asked), site(f"http://127.0.0.1:{inner}/there") as (outer, _):
        status, message = refused(client.upload(f"http://localhost:{outer}/a.jpg"))
    assert (status, asked, "127.0.0.1" in message) == (400, [], True)


def test_a_redirect_keeps_the_host(start: Callable[..., Client]) -> None:
    """A redirect is resolved against the URL, not against the address of the connection."""
    client = start(fetch_hosts=("localhost",))
    with site("/there") as (port, asked):
        assert client.upload(f"http://localhost:{port}/a.jpg").status_code == 200
    assert asked == ["/a.jpg", "/there"]


def test_the_address_that_was_checked_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that changes its address after the check does not change the connection."""
    sent: list[httpx.Request] = []
    answers = iter(["93.184.216.34", "127.0.0.1"])

    async def resolve(*_arguments: Any, **_options: Any) -> Any:
        return [(0, 0, 0, "", (next(answers), 80))]

    async def send(_self: Any, request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, request=request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", send)
    for name in getproxies():
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name.upper()}_PROXY", raising=False)

    async def go() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve, raising=False)
        async with httpx.AsyncClient(transport=PublicTransport("fetch_hosts", [])) as client:
            await client.get("https://changes.example/a")
            with pytest.raises(NotPublicError):
                await client.get("https://changes.example/a")

    asyncio.run(go())
    (request,) = sent
    assert (request.url.host, request.headers["host"]) == ("93.184.216.34", "changes.example")
    assert request.extensions["sni_hostname"] == "changes.example"


EXTENSIONS = '[{"name": "remove-bg"}]'


def test_an_extension_s_webhook_is_not_sent_to_this_machine(start: Callable[..., Client]) -> None:
    """The list of webhooks names the rule that would allow it, and there is no second attempt."""
    client = start(webhook_hosts=(), extension_delay=0.0, webhook_wait=0.01)
    with Receiver() as receiver:
        client.upload(extensions=EXTENSIONS, webhookUrl=receiver.url)
        wait_until(lambda: client.emulator.webhooks() and client.emulator.webhooks()[0]["tries"])
        (tried,) = client.emulator.webhooks()[0]["tries"]
        assert (tried["status"], "webhook_hosts" in tried["error"], receiver.waiting) == (None, True, 0)


def test_the_account_s_own_webhooks_are_its_owner_s_choice(start: Callable[..., Client]) -> None:
    """The account's own webhook URL may be any address."""
    with Receiver() as receiver:
        client = start(webhook_hosts=(), webhook_url=receiver.url, webhook_events=("file.*",))
        client.upload()
        assert receiver.next().json["type"] == "file.created"
