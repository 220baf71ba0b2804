"""The server: start, log, restart, stop."""

from __future__ import annotations

import gc
import socket
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from emulator_client import Client, picture, refused

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def open_descriptors() -> int:
    """Count this process's open files and sockets."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_many_emulators_leave_nothing_behind() -> None:
    """After five emulators there are as many threads and open files as after one."""

    def live() -> None:
        with Emulator() as emulator, httpx.Client(timeout=60) as http:
            Client(emulator, http).upload("http://127.0.0.1:1/")

    live()
    gc.collect()
    before = threading.active_count(), open_descriptors()
    for _ in range(5):
        live()
    gc.collect()
    assert threading.active_count() <= before[0]  # threads of earlier tests may have ended meanwhile
    assert open_descriptors() <= before[1]


def test_start_and_end_are_quick() -> None:
    """An emulator starts within 1 s, and stops within 0.5 s although a request hangs."""
    began = time.perf_counter()
    with Emulator() as emulator:
        started = time.perf_counter()
        with hanging_upload(emulator):
            ending = time.perf_counter()
            emulator.__exit__()
        ended = time.perf_counter()
    assert started - began < 1
    assert ended - ending < 0.5
    assert emulator.log()[0]["message"] == "interrupted"


def test_end_leaves_no_connection_that_was_just_made() -> None:
    """Connections that are opened while the server stops, as by a browser, are closed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(20):
            with Emulator() as emulator, connecting(emulator):
                pass
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


@contextmanager
def connecting(emulator: Emulator) -> Iterator[None]:
    """Open connections without sending anything until the server no longer listens."""
    address = urlsplit(emulator.url)

    def connect() -> None:
        with ExitStack() as connections, suppress(OSError):
            while True:
                connections.enter_context(socket.create_connection((address.hostname or "", address.port or 0)))
                time.sleep(0.0005)

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(connect) for _ in range(4)]
        yield
        emulator.__exit__()
        for client in clients:
            client.result()


def hanging_upload(emulator: Emulator) -> socket.socket:
    """Start an upload whose body never ends; return its connection when the server has the request."""
    address = urlsplit(emulator.url)
    connection = socket.create_connection((address.hostname or "", address.port or 0))
    connection.sendall(b"POST /api/v2/files/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx")
    until(emulator.log)
    return connection


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_client_that_goes_away_stores_nothing(start: Callable[..., Client]) -> None:
    """A body that is interrupted is logged, and nothing is stored."""
    emulator = start().emulator
    hanging_upload(emulator).close()
    until(lambda: emulator.log()[0]["message"])
    assert (emulator.log()[0]["message"], emulator.log()[0]["stored"]) == ("interrupted", False)


def test_temporary_directory_is_removed() -> None:
    """Without a directory, files are deleted when the emulator stops."""
    with Emulator() as emulator, httpx.Client(timeout=60) as http:
        assert Client(emulator, http).upload().status_code == 200
        directory = emulator.directory
        assert directory.is_dir()
    assert not directory.exists()


def test_restart_remembers(tmp_path: Path, start: Callable[..., Client]) -> None:
    """Files, their bytes, fields and used tokens survive a restart."""
    with Emulator(tmp_path) as emulator, httpx.Client(timeout=60) as http:
        first = Client(emulator, http)
        first.add_field("brand", type="Text")
        token = first.token({"fileName": "file.bin"})
        stored = first.upload(b"kept", token=token).json()
    again = start(tmp_path)
    assert again.details(stored["fileId"])["name"] == stored["name"]
    assert again.http.get(again.emulator.url_endpoint + stored["filePath"]).content == b"kept"
    assert [field["name"] for field in again.api("GET", "/v1/customMetadataFields").json()] == ["brand"]
    assert refused(again.upload(b"kept", token=token)) == (400, "Your request has invalid token.")


def test_left_over_parts_are_removed_at_the_start(tmp_path: Path, start: Callable[..., Client]) -> None:
    """Partial uploads of a killed emulator are deleted."""
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "part").write_bytes(b"x")
    start(tmp_path)
    assert list((tmp_path / "incoming").iterdir()) == []


def test_port_can_be_chosen() -> None:
    """A free port is used, and a port in use is an error at once."""
    with Emulator() as first:
        port = urlsplit(first.url).port
        with pytest.raises(OSError, match="in use"), Emulator(port=port or 0):
            pass
    with Emulator(port=port or 0) as second:
        assert second.url == first.url


def test_connection_is_kept(start: Callable[..., Client]) -> None:
    """Ten uploads use one connection."""
    client = start()
    streams = {id(client.upload().extensions["network_stream"]) for _ in range(10)}
    assert len(streams) == 1


def test_log_has_what_arrived(start: Callable[..., Client]) -> None:
    """An upload's entry: fields, file, token's digest, what was stored; neither key nor token."""
    client = start(used_token="used-before")
    token = client.token({"fileName": "a.jpg"})
    for _ in range(2):
        client.upload(picture(), token=token, fileName="a.jpg")
    entry, refusal = client.http.get(client.emulator.url + "/emulator/log").json()
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/api/v2/files/upload", 200)
    assert (entry["fields"], entry["file"]["size"]) == ({"fileName": "a.jpg"}, len(picture()))
    assert (entry["stored"], entry["version"], entry["fileId"]) == (True, "Version 1", entry["versionId"])
    assert (refusal["stored"], refusal["status"], refusal["token"]) == (False, 400, entry["token"])
    text = str(client.emulator.log())
    assert token not in text
    assert client.emulator.private_key not in text


def test_log_tells_of_an_error_in_the_emulator(start: Callable[..., Client]) -> None:
    """If the emulator itself fails, the log has the 500 that the client got."""
    client = start()
    answer = client.upload().json()
    stored = client.emulator.directory / "versions" / answer["fileId"]
    stored.unlink()
    stored.mkdir()
    assert client.http.get(answer["url"]).status_code == 500
    entry = client.emulator.log()[-1]
    assert (entry["status"], entry["message"]) == (500, "RuntimeError")


def test_a_file_that_is_deleted_meanwhile_is_a_404(start: Callable[..., Client]) -> None:
    """If the bytes of a file are gone when it is delivered, as during its deletion, it is a 404."""
    client = start()
    answer = client.upload().json()
    (client.emulator.directory / "versions" / answer["fileId"]).unlink()
    assert client.http.get(answer["url"]).status_code == 404


def test_log_is_a_copy(start: Callable[..., Client]) -> None:
    """`log` returns a copy."""
    client = start()
    client.upload()
    client.emulator.log()[0]["fields"].clear()
    assert client.emulator.log()[0]["fields"]


def test_private_key_is_not_shown() -> None:
    """`repr` shows only the public key."""
    emulator = Emulator(public_key="public_shown", private_key="private_hidden")
    assert "public_shown" in repr(emulator)
    assert "private_hidden" not in repr(emulator) + repr(vars(emulator))


def test_peak_counts_uploads_at_once(start: Callable[..., Client]) -> None:
    """The peak is the largest number of uploads in flight at once."""
    client = start()
    connections = []
    try:
        for number in range(3):
            connections.append(hanging_upload(client.emulator))
            until(lambda number=number: len(client.emulator.log()) > number)
    finally:
        for connection in connections:
            connection.close()
    until(lambda: all(entry["message"] for entry in client.emulator.log()))
    client.upload()
    assert client.emulator.peak == 3
    assert client.emulator.log()[-1]["in_flight"] == 1


def test_many_uploads_at_once(start: Callable[..., Client]) -> None:
    """Two hundred uploads over sixteen connections are all stored."""
    client = start()
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: client.upload(picture(), fileName="p.jpg").status_code, range(200)))
    assert statuses == [200] * 200
    assert len(client.api("GET", "/v1/files").json()) == 200


def test_account_is_the_clients() -> None:
    """`account` has the emulator's keys and URLs for the client."""
    with Emulator() as emulator:
        account = emulator.account
    assert account.upload_url == f"{emulator.url}/api/v2/files/upload"
    assert (account.api_url, account.url_endpoint) == (emulator.url, f"{emulator.url}/emulator")
