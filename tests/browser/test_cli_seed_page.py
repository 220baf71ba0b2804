"""ImageKit's documented page in a browser, with `ikpipe auth-server` and `ikpipe emulator`, on two ports."""

from __future__ import annotations

import json
import shlex
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from shell import process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext

PAGE = Path(__file__).with_name("seed_page.html")
MAY = ("--anybody", "--may", "fileName", "--folder", "/")


class Servers(NamedTuple):
    """Three addresses of three origins, and the keys."""

    page: str
    settings: dict[str, str]
    """Of the emulator, as it prints them for a shell."""
    sign: str


def exported(running: Any) -> dict[str, str]:
    """Read the lines that a server prints for a shell, up to the first that is none."""
    found = {}
    running.stdout.readline()
    for _ in range(5):
        name, _, value = running.stdout.readline().removeprefix("export ").strip().partition("=")
        found[name] = shlex.split(value)[0]
        if name in {"IMAGEKIT_API_URL", "IMAGEKIT_AUTHENTICATION_ENDPOINT"}:
            break
    return found


@contextmanager
def web_page(text: Callable[[], str]) -> Iterator[str]:
    """Serve a page, and give its origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/"
            self.send_response(200 if found else 204)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(text().encode() if found else b"")

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def servers(how: str, origin: str | None = None) -> Iterator[Servers]:
    """Run them; `origin` is whose pages may ask for tokens: None is the page's own."""
    words: dict[str, str] = {"HOW": how}

    def text() -> str:
        page = PAGE.read_text()
        for old, new in words.items():
            page = page.replace(old, new)
        return page

    with web_page(text) as page, process("emulator", "--port", "0") as service:
        settings = exported(service)
        options = (*MAY, "--origin", origin or page, "--port", "0")
        with process("auth-server", *options, **settings) as signer:
            sign = exported(signer)["IMAGEKIT_AUTHENTICATION_ENDPOINT"]
            words |= {"AUTHENTICATION_ENDPOINT": sign, "UPLOAD_ENDPOINT": settings["IMAGEKIT_UPLOAD_URL"]}
            words["your_public_api_key"] = settings["IMAGEKIT_PUBLIC_KEY"]
            yield Servers(page, settings, sign)


def sent(context: BrowserContext, page_url: str, file: Path) -> Any:
    """Pick the file and submit the form, and give what the page shows then."""
    page = context.new_page()
    page.goto(page_url)
    page.set_input_files("#file1", file)
    page.click("input[type=submit]")
    page.wait_for_function("document.querySelector('output').textContent")
    return json.loads(page.text_content("output") or "")


@pytest.fixture
def file(tmp_path: Path, picture: Callable[..., bytes]) -> Path:
    """Return the path of an image file."""
    path = tmp_path / "mine.jpg"
    path.write_bytes(picture(kind="JPEG", size=(60, 40)))
    return path


@pytest.mark.parametrize("how", ["byXHR", "byFetch"])
def test_the_file_arrives(context: BrowserContext, file: Path, how: str) -> None:
    """The page reads the answers of both servers, and what was picked is delivered at the address that it got."""
    with servers(how) as there:
        shown = sent(context, there.page, file)
        origins = {httpx.URL(url).netloc for url in (there.page, there.sign, there.settings["IMAGEKIT_UPLOAD_URL"])}
        delivered = httpx.get(shown["url"])
    assert len(origins) == 3
    assert (shown["width"], shown["height"], shown["fileType"]) == (60, 40, "image")
    assert shown["name"].startswith("abc_")
    assert delivered.content == file.read_bytes()


def test_a_page_of_elsewhere_gets_no_token(context: BrowserContext, file: Path) -> None:
    """The browser keeps the answer from a page whose origin is not named, and nothing is uploaded."""
    with servers("byFetch", "https://shop.example") as there:
        shown = sent(context, there.page, file)
        log = httpx.get(f"{there.settings['IMAGEKIT_API_URL']}/emulator/log").json()
    assert (shown, log) == ("network", [])


ASK = """async ([url, publicKey]) => {
    const headers = {"Content-Type": "application/json", "Authorization": "Bearer of-anna", "X-Team": "a"};
    const body = JSON.stringify({uploadPayload: {fileName: "a.jpg"}, expire: 60, publicKey});
    try { return Object.keys(await (await fetch(url, {method: "POST", headers, body})).json()) }
    catch { return "network" }
}"""


@pytest.mark.parametrize(("named", "shown"), [(("--headers", "X-Team"), ["token"]), ((), "network")])
def test_a_page_sends_further_headers(context: BrowserContext, named: tuple[str, ...], shown: Any) -> None:
    """With `Authorization` and a header of its own, a page gets a token if that header is named."""
    keys = {"IMAGEKIT_PUBLIC_KEY": "public_a", "IMAGEKIT_PRIVATE_KEY": "private_a"}
    with web_page(str) as origin, process("auth-server", *MAY, "--origin", origin, *named, **keys) as signer:
        page = context.new_page()
        page.goto(origin)
        sign = exported(signer)["IMAGEKIT_AUTHENTICATION_ENDPOINT"]
        assert page.evaluate(ASK, [sign, keys["IMAGEKIT_PUBLIC_KEY"]]) == shown
