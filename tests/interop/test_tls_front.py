"""The front that clients with fixed hosts are sent to: what goes through it arrives at the emulator."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import httpx
import pytest
from tls_front import HOSTS, tls_front

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator


@pytest.mark.parametrize("rewrite", [None, "localhost"])
def test_requests_to_the_service_s_hosts_arrive(
    emulate: Callable[..., Emulator], tmp_path: Path, rewrite: str | None
) -> None:
    """Uploads, lists and delivery, several on a connection: with the hosts of `hosts=`, or with another `Host`."""
    emulator = emulate(hosts=() if rewrite else HOSTS)
    form = {"fileName": "a.bin", "useUniqueFileName": "false"}
    with tls_front(emulator.url, tmp_path, rewrite=rewrite) as front:
        trusted = ssl.create_default_context(cafile=front.authority)
        key = (emulator.private_key, "")
        with httpx.Client(proxy=front.proxy, verify=trusted, auth=key, trust_env=False) as http:
            for content in (bytes(1 << 20), b"second"):
                http.post("https://upload.imagekit.io/api/v2/files/upload", data=form, files={"file": content})
            assert [file["size"] for file in http.get("https://api.imagekit.io/v1/files").json()] == [6]
            assert http.get("https://ik.imagekit.io/emulator/a.bin").content == b"second"
    assert {*front.asked} == {*HOSTS}


def test_other_hosts_are_refused(emulator: Emulator, tmp_path: Path) -> None:
    """No client reaches anything else through the proxy."""
    with tls_front(emulator.url, tmp_path) as front, pytest.raises(httpx.ProxyError, match="403"):
        httpx.get("https://example.org/", proxy=front.proxy, trust_env=False)


def test_a_client_that_resolves_names_itself_needs_no_proxy(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """TLS for each of the hosts is at an address of its own."""
    emulator = emulate(hosts=HOSTS)
    with tls_front(emulator.url, tmp_path) as front, socket.create_connection(front.address) as connection:
        trusted = ssl.create_default_context(cafile=front.authority)
        with trusted.wrap_socket(connection, server_hostname=HOSTS[0]) as secure:
            secure.sendall(f"GET /v1/files HTTP/1.1\r\nHost: {HOSTS[0]}\r\nConnection: close\r\n\r\n".encode())
            assert secure.recv(1 << 16).startswith(b"HTTP/1.1 4")
