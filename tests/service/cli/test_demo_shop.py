"""The demo's image server serves files, some of them late."""

import socket
import struct
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from ikpipe.cli.demo.image_server import image_server


def get(address: str, path: str, timeout: float = 10) -> tuple[int, bytes]:
    """Return status and content."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=timeout)
    try:
        connection.request("GET", quote(path))
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Create a folder with two files."""
    for name in ("猫 a.jpg", "late.jpg"):
        (tmp_path / name).write_text(name, "utf-8")
    return tmp_path


def test_file(folder: Path) -> None:
    """A file with any letters in its name is served."""
    with image_server(folder) as address:
        assert get(address, "/猫 a.jpg") == (200, "猫 a.jpg".encode())


def test_missing_file(folder: Path) -> None:
    """A missing file is a 404."""
    with image_server(folder) as address:
        assert get(address, "/none.jpg")[0] == 404


def test_a_client_that_closes_early_prints_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed if a client only wants the headers, as a check does; the server goes on."""
    (folder / "large.jpg").write_bytes(bytes(20_000_000))
    with image_server(folder) as address:
        host = urlsplit(address)
        with socket.create_connection((host.hostname, host.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets
            client.sendall(b"GET /large.jpg HTTP/1.0\r\n\r\n")
            client.recv(1)
        assert get(address, "/large.jpg")[0] == 200
    assert capfd.readouterr().err == ""


def test_slow_file_comes_late(folder: Path) -> None:
    """A slow file is delayed."""
    with image_server(folder, slow={"late.jpg"}, seconds=0.2) as address:
        started = time.monotonic()
        assert get(address, "/late.jpg") == (200, b"late.jpg")
        assert 0.2 <= time.monotonic() - started < 30


def test_other_files_do_not_wait(folder: Path) -> None:
    """While one file is delayed, others are served; stopping the server does not wait for it."""
    started = time.monotonic()
    with image_server(folder, slow={"late.jpg"}, seconds=60) as address:
        with pytest.raises(TimeoutError):
            get(address, "/late.jpg", timeout=0.1)
        assert get(address, "/猫 a.jpg")[0] == 200
    assert time.monotonic() - started < 30
