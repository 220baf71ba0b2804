"""Uploads from pages in Chromium, with the official browser SDKs and the documentation's examples, unmodified."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import time
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import npm
import pytest
from doubles import serving
from PIL import Image
from sdk_steps import UUID
from shell import process
from tls_front import HOSTS, tls_front

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

HERE = Path(__file__).parent
CURRENT = ("@imagekit/javascript 5", "@imagekit/next 2", "@imagekit/react 5", "@imagekit/vue 4")
PACKAGES = (
    *("@imagekit/javascript@5", "@imagekit/next@2", "@imagekit/react@5", "@imagekit/vue@4", "imagekit-javascript@4"),
    *("imagekit-javascript-1@npm:imagekit-javascript@1", "imagekitio-react@4", "react@18", "react-dom@18", "vue@3"),
    *("jquery@3.4.1", "esbuild@0.25"),
)
BUNDLE = """require("esbuild").buildSync({
    entryPoints: ["page.js"], outfile: "bundle.js", bundle: true, logLevel: "error",
    alias: { "next/image": "./none.js" },
})"""
UPLOAD = """async ([sdk, options]) => {
    const progress = [];
    const file = new File([new Uint8Array(300_000)], "picked.bin");
    const onProgress = (event) => progress.push(event.loaded);
    try {
        const answer = await uploads[sdk]({ file, ...(options.progress ? { onProgress } : {}), ...options.form });
        return { answer, metadata: answer.$ResponseMetadata, progress };
    } catch (error) {
        return { error: error.name, message: error.message, metadata: error.$ResponseMetadata };
    }
}"""
ABORT = """async ([sdk, form]) => {
    const controller = new AbortController();
    const file = new File([new Uint8Array(300_000)], "picked.bin");
    const abort = () => controller.abort("enough");
    try {
        await uploads[sdk]({ file, ...form, onProgress: abort, abortSignal: controller.signal });
    } catch (error) {
        return [error.name, error.reason];
    }
}"""


class Place(NamedTuple):
    """A web site, and the emulator that its pages find at the service's hosts."""

    emulator: Emulator
    proxy: str
    site: str
    files: dict[str, bytes]
    """The files of the site by their path."""
    kept: list[Page]
    """The page with all SDKs, which the tests share."""


def proof(private_key: str) -> bytes:
    """Return what authorizes an upload with V1."""
    token, expire = str(uuid.uuid4()), int(time.time()) + 600
    signature = hmac.new(private_key.encode(), f"{token}{expire}".encode(), hashlib.sha1).hexdigest()
    return json.dumps({"token": token, "expire": expire, "signature": signature}).encode()


@contextmanager
def web(files: dict[str, bytes], private_key: str) -> Iterator[str]:
    """Serve files, and `/auth`, an `authenticationEndpoint` for V1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            content = proof(private_key) if path == "/auth" else files.get(path)
            # the examples' form also loads its page anew, which would end the upload: 204 lets the page stay
            self.send_response(204 if self.path.endswith("?") else 404 if content is None else 200)
            self.send_header("content-type", "text/javascript" if path.endswith(".js") else "text/html")
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_arguments: object) -> None:
            pass

    with serving(Handler) as (_, url):
        yield url


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the SDKs, and bundle them for a page."""
    folder = npm.install(tmp_path_factory.mktemp("browser"), *PACKAGES)
    for name, content in {"page.js": (HERE / "browser_sdks.js").read_text(), "none.js": "export default null"}.items():
        (folder / name).write_text(content)
    with npm.node(folder, BUNDLE) as bundling:
        assert bundling.wait(60) == 0
    return folder


@pytest.fixture(scope="module")
def place(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Serve the page with all SDKs, and what the documentation's examples load."""
    client = (modules / "node_modules/imagekit-javascript/dist/imagekit.min.js").read_bytes()
    files = {
        "/": b"<!doctype html><main></main><script src=sdks.js></script>",
        "/sdks.js": (modules / "bundle.js").read_bytes(),
        "/jquery.min.js": (modules / "node_modules/jquery/dist/jquery.min.js").read_bytes(),
        "/dist/imagekit.js": client + (HERE / "v2_client.js").read_bytes(),
    }
    with (
        Emulator(hosts=HOSTS) as emulator,
        tls_front(emulator.url, tmp_path_factory.mktemp("front")) as front,
        web(files, emulator.private_key) as site,
    ):
        yield Place(emulator, front.proxy, site, files, [])


@pytest.fixture
def page(place: Place, chromium: Browser) -> Page:
    """Open the page with all SDKs, behind the proxy."""
    if not place.kept:
        context = chromium.new_context(proxy={"server": place.proxy, "bypass": "127.0.0.1"}, ignore_https_errors=True)
        place.kept.append(context.new_page())
        place.kept[0].goto(place.site)
    return place.kept[0]


def upload(page: Page, place: Place, sdk: str, *, progress: bool = False, **form: Any) -> Any:
    """Upload 300 kB from the page with an SDK."""
    form = {"publicKey": place.emulator.public_key, "fileName": "a.bin", **form}
    return page.evaluate(UPLOAD, [sdk, {"form": form, "progress": progress}])


@pytest.mark.parametrize("sdk", [*CURRENT, "imagekit-javascript 4", "imagekit-javascript 1"])
def test_an_upload(page: Page, place: Place, sdk: str) -> None:
    """It arrives with its parameters, and the page can read the answer and the id of the request."""
    form = {"folder": "/page", "tags": ["a", "b"], "responseFields": ["tags"], "isPrivateFile": True}
    shown = upload(page, place, sdk, **form)
    assert (shown["answer"]["size"], shown["answer"]["tags"]) == (300_000, ["a", "b"])
    assert shown["metadata"]["statusCode"] == 200
    assert UUID.fullmatch(shown["metadata"]["headers"]["x-request-id"])
    assert place.emulator.log()[-1]["fileId"] == shown["answer"]["fileId"]


@pytest.mark.parametrize("sdk", CURRENT)
def test_progress(page: Page, place: Place, sdk: str) -> None:
    """A page that watches the progress sends a preflight request first; it is told of every byte."""
    assert max(upload(page, place, sdk, progress=True)["progress"]) >= 300_000


@pytest.mark.parametrize("sdk", [*CURRENT, "imagekit-javascript 4", "imagekit-javascript 1"])
def test_a_rejection(page: Page, place: Place, sdk: str) -> None:
    """The page can read the message and the id of the request."""
    shown = upload(page, place, sdk, tags=["%"])
    assert "tags" in shown["message"]
    assert shown["metadata"]["statusCode"] == 400
    assert UUID.fullmatch(shown["metadata"]["headers"]["x-request-id"])
    if sdk in CURRENT:
        assert shown["error"] == "ImageKitInvalidRequestError"
        assert shown["metadata"]["requestId"] == place.emulator.log()[-1]["request_id"]


@pytest.mark.parametrize("sdk", CURRENT)
def test_an_abort(page: Page, place: Place, sdk: str) -> None:
    """A page can give up while it uploads."""
    form = {"publicKey": place.emulator.public_key, "fileName": "a.bin"}
    assert page.evaluate(ABORT, [sdk, form]) == ["ImageKitAbortError", "enough"]


def picture() -> dict[str, Any]:
    """Return a picture that a person picks."""
    file = io.BytesIO()
    Image.new("RGB", (600, 400)).save(file, "JPEG")
    return {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def test_a_component_with_an_authenticator(page: Page, place: Place) -> None:
    """The older React component uploads as soon as a file is picked."""
    page.evaluate("key => { window.shown = showForm(key); }", place.emulator.public_key)
    page.set_input_files("main input[type=file]", [picture()])
    assert page.evaluate("window.shown")["width"] == 600


@pytest.mark.parametrize("example", ["seed_sdk.html", "seed_jquery.html"])
def test_an_example_of_the_documentation(page: Page, place: Place, example: str) -> None:
    """The page is as documented, but for its own addresses and key; it logs the answer, or a URL made of it."""
    emulator = place.emulator
    keys = {"IMAGEKIT_PUBLIC_KEY": emulator.public_key, "IMAGEKIT_PRIVATE_KEY": emulator.private_key}
    may = ("--anybody", "--may", "fileName,tags", "--folder", "/", "--origin", place.site, "--port", "0")
    with process("auth-server", *may, **keys) as signer:
        lines = iter(signer.stdout or ())
        endpoint = next(line.partition("=")[2].strip() for line in lines if "IMAGEKIT_AUTHENTICATION_ENDPOINT" in line)
        place.files["/examples/"] = (
            (HERE / example)
            .read_bytes()
            .replace(b"https://www.yourserver.com/auth", endpoint.encode())
            .replace(b"your_public_api_key", emulator.public_key.encode())
            .replace(b"https://cdnjs.cloudflare.com/ajax/libs/jquery/3.4.1/", b"/")
        )
        opened = page.context.new_page()
        opened.goto(f"{place.site}/examples/")
        opened.set_input_files("#file1", [picture()])
        with opened.expect_console_message() as logged:
            opened.click("input[type=submit]")
        shown = logged.value.args[0].json_value()
        opened.close()
    if example == "seed_jquery.html":
        assert (shown["width"], shown["height"], shown["fileType"]) == (600, 400, "image")
    else:
        assert httpx.URL(shown).params["tr"] == "h-300,w-400"
        assert Image.open(io.BytesIO(httpx.get(shown).content)).size == (400, 300)
