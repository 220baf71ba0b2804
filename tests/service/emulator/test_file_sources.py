"""The kinds of `file`: bytes, base64, data URI, and a URL that is downloaded."""

from __future__ import annotations

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from emulator_client import Client, picture, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Origin(BaseHTTPRequestHandler):
    """A host of files: `/file`, `/moved` to it, `/loop`, `/missing`, `/silent` (no headers), `/endless` (no end)."""

    over = threading.Event()

    def do_GET(self) -> None:
        """Respond by the path."""
        if self.path == "/silent":
            self.over.wait(5)
            return
        moved = {"/moved": "/file", "/loop": "/loop"}
        self.send_response({"/missing": 404, "/created": 201}.get(self.path, 302 if self.path in moved else 200))
        if self.path in moved:
            self.send_header("Location", moved[self.path])
        self.end_headers()
        if self.path not in moved:
            self.wfile.write(picture())
        if self.path == "/endless":
            self.over.wait(5)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """Serve the origin for the module's tests."""
    Origin.over.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Origin) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        Origin.over.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/file", "/moved"])
def test_url_is_downloaded(client: Client, origin: str, path: str) -> None:
    """The file at a URL is stored, also behind a redirect."""
    answer = client.upload(origin + path, fileName="url.jpg").json()
    assert (answer["size"], answer["width"]) == (len(picture()), 20)
    assert client.http.get(answer["url"]).content == picture()


@pytest.mark.parametrize(
    "url",
    [
        "{origin}/missing",
        "{origin}/created",
        "{origin}/loop",
        "http://127.0.0.1:1/refused",
        "http://[bad",
        "http://",
        "{origin}/" + "x" * 9000,
        "http://127.0.0.1:99999/",
        "http://\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    ],
)
def test_url_that_can_not_be_had(client: Client, origin: str, url: str) -> None:
    """A URL whose response is not a 200 with a file is a 400."""
    status, message = refused(client.upload(url.format(origin=origin)))
    assert (status, message.partition(". ")[0]) == (400, "Your request contains invalid file parameter")


def test_url_has_8_seconds_for_its_headers(start: Callable[..., Client], origin: str) -> None:
    """A download fails if the headers take longer than the rule allows (8 s by default)."""
    client = start(url_timeout=0.1)
    assert client.emulator.rules.url_body_timeout > 8
    assert refused(client.upload(f"{origin}/silent"))[0] == 400


def test_body_of_a_url_must_end(start: Callable[..., Client], origin: str) -> None:
    """A download fails if the body does not end."""
    assert refused(start(url_body_timeout=0.1).upload(f"{origin}/endless"))[0] == 400


def test_url_of_a_file_that_is_too_large(start: Callable[..., Client], origin: str) -> None:
    """A download has the size limits of an upload."""
    client = start(image_limit=100, video_limit=100, other_limit=100)
    words = "Your request contains invalid file parameter. The file size exceeds limits."
    assert refused(client.upload(f"{origin}/file")) == (400, words)


def with_newlines(data: bytes) -> str:
    """Encode as base64 in lines."""
    return base64.encodebytes(data).decode()


@pytest.mark.parametrize(
    "encode",
    [
        lambda data: base64.b64encode(data).decode(),
        lambda data: base64.b64encode(data).decode().rstrip("="),
        with_newlines,
        lambda data: "data:image/jpeg;base64," + base64.b64encode(data).decode(),
    ],
    ids=["plain", "unpadded", "lines", "data URI"],
)
@pytest.mark.parametrize("size", [1, 2, 3, 1_500_000])
def test_base64_is_decoded(client: Client, encode: Callable[[bytes], str], size: int) -> None:
    """Base64 of any length is stored as the decoded bytes."""
    data = bytes(range(256)) * (size // 256 + 1)
    answer = client.upload(encode(data[:size]), fileName="b.bin").json()
    assert client.http.get(answer["url"]).content == data[:size]


@pytest.mark.parametrize("text", ["not base64!", "/etc/passwd.", "file:///etc/passwd", "data:text/plain,abc", "QQ=Q"])
def test_other_text_is_refused(client: Client, text: str) -> None:
    """Text that is neither a URL nor base64 is rejected, including a path on the server."""
    assert refused(client.upload(text))[0] == 400


def test_base64_over_the_limit(start: Callable[..., Client]) -> None:
    """The size limit applies to the decoded bytes, and text that is far too long is rejected early."""
    client = start(other_limit=1000, image_limit=1000, video_limit=1000)
    words = "Your request contains invalid file parameter. The file size exceeds limits."
    assert client.upload(with_newlines(b"x" * 1000)).status_code == 200
    assert refused(client.upload(with_newlines(b"x" * 1001))) == (400, words)
    assert refused(client.upload(with_newlines(b"x" * 9000))) == (400, words)


def test_large_file_goes_through_disk(client: Client) -> None:
    """A file of several megabytes is delivered unchanged."""
    data = bytes(range(256)) * 16_000
    answer = client.upload(data).json()
    assert answer["size"] == len(data)
    assert client.http.get(answer["url"]).content == data


@pytest.mark.parametrize(
    ("file", "kind"),
    [(b"x", "binary"), ("eA==", "base64"), ("data:;base64,eA==", "data-uri"), ("http://127.0.0.1:1/", "url")],
)
def test_log_tells_the_kind(client: Client, file: bytes | str, kind: str) -> None:
    """The log has the kind of the file."""
    client.upload(file)
    assert client.emulator.log()[-1]["file"]["kind"] == kind
