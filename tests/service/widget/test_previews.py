"""Previews of files that the kernel can read."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from browsers import Browser
from PIL import Image

import ikpipe
from ikpipe.request.sources import FileSource
from ikpipe.widget.previews import make_preview, media_type_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_large_picture_is_made_smaller(picture: Callable[..., bytes]) -> None:
    """A thumbnail is a JPEG of at most 320 pixels, a large preview of at most 1,600."""
    source = FileSource("bytes", content=picture(3, "JPEG", (4000, 2000)))
    for size, wanted in (("thumb", (320, 160)), ("large", (1600, 800))):
        found = make_preview(source, "image/jpeg", size)
        assert found is not None
        assert found.type == "image/jpeg"
        assert Image.open(io.BytesIO(found.content)).size == wanted
        assert found.pixels == (4000, 2000)


@pytest.mark.parametrize(("orientation", "pixels"), [(1, (3000, 2000)), (3, (3000, 2000)), (6, (2000, 3000))])
def test_the_size_is_that_of_the_upright_picture(orientation: int, pixels: tuple[int, int]) -> None:
    """Cameras save images as the sensor was held, with an EXIF tag that says how to rotate them."""
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.new("RGB", (3000, 2000)).save(buffer, "JPEG", exif=exif)
    found = make_preview(FileSource("bytes", content=buffer.getvalue()), "image/jpeg", "large")
    assert found is not None
    assert found.pixels == pixels


def test_transparency_is_kept() -> None:
    """The preview of an image with an alpha channel is a PNG."""
    buffer = io.BytesIO()
    Image.new("RGBA", (10, 10), (1, 2, 3, 4)).save(buffer, "PNG")
    found = make_preview(FileSource("bytes", content=buffer.getvalue()), "image/png", "thumb")
    assert found is not None
    assert found.type == "image/png"


@pytest.mark.parametrize(
    "source", [None, FileSource("url", text="https://x.example/a.png"), FileSource("held", text="b0")]
)
def test_files_elsewhere_have_no_preview(source: FileSource | None) -> None:
    """The browser itself loads URLs and its own files."""
    assert make_preview(source, "image/png", "thumb") is None


@pytest.mark.parametrize(
    ("content", "kind", "seen"),
    [
        (b"<svg/>", "image/svg+xml", True),
        (b"a video", "video/mp4", True),
        (b"no picture", "text/plain", False),
        (bytes(2_000_001), "image/png", False),
    ],
)
def test_small_files_are_sent_unchanged(content: bytes, kind: str, seen: bool) -> None:  # noqa: FBT001
    """A small image or video that Pillow cannot read is sent unchanged."""
    found = make_preview(FileSource("bytes", content=content, size=len(content)), kind, "thumb")
    assert (found is not None and found.content == content) is seen


def test_data_uris_have_previews(picture: Callable[..., bytes]) -> None:
    """Base64 text has a preview, too."""
    text = "data:image/png;base64," + base64.b64encode(picture(1)).decode()
    assert make_preview(FileSource("text", text=text, size=99), "image/png", "thumb") is not None


def test_a_missing_file_has_no_preview(tmp_path: Path) -> None:
    """A missing file has no preview, and is not an error."""
    assert make_preview(FileSource("path", path=tmp_path / "gone.png", size=1), "image/png", "thumb") is None


def test_media_types_by_names() -> None:
    """A file's extension is its media type, if it is a known one."""
    assert [media_type_of(name) for name in ("a.PNG", "a", "a.b.mp4", "a.xyz1")] == ["image/png", "", "video/mp4", ""]


def test_the_browser_asks_for_previews(account: ikpipe.Account, picture: Callable[..., bytes]) -> None:
    """The answer has the image as a buffer, or says that there is none."""
    frame = pd.DataFrame({"file": [picture(1), b"text"], "file_name": ["a.png", "b.txt"]})
    told: list[Any] = []
    with Browser(ikpipe.Uploader(account, frame)) as browser:
        browser.say(type="preview", ids=["r0", "r1", "r9"], size="thumb")
        browser.wait(lambda: len(browser.all("preview")) == 2)
        told = [
            (message["id"], message.get("media"), message.get("none", False), len(buffers))
            for message, buffers in zip(browser.heard, browser.buffers, strict=True)
            if message["type"] == "preview"
        ]
    assert told == [("r0", "image/jpeg", False, 1), ("r1", None, True, 0)]
