"""The inspection reads a file's bytes, and no file makes it fail."""

import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest
from emulator_client import embedded, facts
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ikpipe.emulator.media.facts import MediaFacts

DATA = Path(__file__).parent / "data"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" {}/>'


def picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (40, 30), **options: object) -> Path:
    """Save an image with some detail, in the format of the name."""
    Image.effect_noise(size, 60).convert(mode).save(path, **options)
    return path


def drawing(folder: Path, attributes: str) -> MediaFacts:
    """Return the properties of an SVG whose root has these attributes."""
    path = folder / "drawing.svg"
    path.write_text(SVG.format(attributes))
    return facts(path, path.name)


@pytest.mark.parametrize(
    ("ending", "mime", "name"),
    [
        ("jpg", "image/jpeg", "jpg"),
        ("png", "image/png", "png"),
        ("gif", "image/gif", "gif"),
        ("webp", "image/webp", "webp"),
        ("avif", "image/avif", "avif"),
        ("tiff", "image/tiff", "tiff"),
        ("bmp", "image/bmp", "bmp"),
    ],
)
def test_picture_formats(tmp_path: Path, ending: str, mime: str, name: str) -> None:
    """Each common image format is recognized, with its size, type and format."""
    found = facts(picture(tmp_path / f"a.{ending}"), "a")
    assert found == MediaFacts("image", mime, name, 40, 30, has_alpha=False)


def test_icon(tmp_path: Path) -> None:
    """An icon is an image as large as its largest size."""
    found = facts(picture(tmp_path / "a.ico", "RGBA", (64, 64), sizes=[(16, 16), (64, 64)]), "a.ico")
    assert (found.file_type, found.width, found.height) == ("image", 64, 64)


def test_multi_picture_jpeg_is_a_jpeg(tmp_path: Path) -> None:
    """A camera's multi-picture file is the JPEG of its first image."""
    path = tmp_path / "a.mpo"
    first = Image.new("RGB", (40, 30))
    first.save(path, "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    found = facts(path, "a.jpg")
    assert (found.mime, found.format, found.width) == ("image/jpeg", "jpg", 40)


@pytest.mark.parametrize(("mode", "alpha"), [("RGBA", True), ("LA", True), ("RGB", False), ("L", False), ("P", False)])
def test_alpha(tmp_path: Path, mode: str, alpha: bool) -> None:  # noqa: FBT001 - a column of the table above
    """An image has transparency if its mode has an alpha channel."""
    assert facts(picture(tmp_path / "a.png", mode), "a").has_alpha is alpha


def test_bytes_not_name(tmp_path: Path) -> None:
    """A PNG named .jpg is a PNG."""
    assert facts(picture(tmp_path / "a.png"), "photo.jpg").mime == "image/png"


@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_cut_picture_is_no_image(tmp_path: Path, ending: str) -> None:
    """An image without its second half is stored as a non-image."""
    path = picture(tmp_path / f"a.{ending}", size=(200, 200))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert facts(path, path.name).file_type == "non-image"


def test_thumbnail_end_is_not_the_pictures(tmp_path: Path) -> None:
    """A truncated JPEG is recognized although the thumbnail in its EXIF data is complete."""
    path = picture(tmp_path / "a.jpg", size=(200, 200), exif=b"Exif\0\0a thumbnail's end: \xff\xd9")
    path.write_bytes(path.read_bytes()[:-2000])
    assert facts(path, "a.jpg").file_type == "non-image"


def test_trailing_data(tmp_path: Path) -> None:
    """Data that phones append to a JPEG, such as a short video, does not make it a broken image."""
    path = picture(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes() + b"film" * 1000)
    assert facts(path, "a.jpg").file_type == "image"


def test_bomb_is_no_image(tmp_path: Path) -> None:
    """A PNG that claims ten thousand million pixels in a few bytes is a non-image."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"0")), (b"IEND", b""))
    )
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    assert facts(path, "bomb.png").file_type == "non-image"


def test_entity_bomb_is_no_image(tmp_path: Path) -> None:
    """An SVG that declares entities, as the billion-laughs attack does, is a non-image."""
    path = tmp_path / "bomb.svg"
    path.write_text('<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG.format('width="&a;"'))
    assert facts(path, "bomb.svg").file_type == "non-image"


@pytest.mark.parametrize("ending", ["jpg", "png", "gif", "webp", "avif", "tiff", "bmp", "mp4", "svg"])
def test_large_file_is_not_held_in_memory(tmp_path: Path, ending: str) -> None:
    """Of a file of 300 MB, however it begins, only a few megabytes are in memory at once."""
    path = tmp_path / f"a.{ending}"
    if ending in {"mp4", "svg"}:
        path.write_bytes((DATA / "clip.mp4").read_bytes() if ending == "mp4" else SVG.format("").encode())
    else:
        picture(path)
    os.truncate(path, 300 * 1024 * 1024)
    tracemalloc.start()
    try:
        facts(path, path.name)
        embedded(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


@given(
    head=st.sampled_from([b"", b"<svg", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\0\0\0\x20ftypisom"]),
    rest=st.binary(max_size=300),
)
def test_never_raises(tmp_path_factory: pytest.TempPathFactory, head: bytes, rest: bytes) -> None:
    """Any bytes have properties and metadata, which may be empty."""
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(head + rest)
    found = facts(path, "any.bin")
    assert found.file_type in {"image", "non-image"}
    assert embedded(path) == {} or head


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="120" height="80"', (120, 80)),
        ('width="12.6px" height="80px"', (13, 80)),
        ('viewBox="0 0 24 32"', (24, 32)),
        ('viewBox="0,0,24,32" width="100%"', (24, 32)),
        ('width="10cm"', (None, None)),
        ('viewBox="0 0 24"', (None, None)),
    ],
)
def test_drawing_size(tmp_path: Path, attributes: str, size: tuple[int | None, int | None]) -> None:
    """An SVG is as large as its attributes say in pixels, else as its viewBox."""
    found = drawing(tmp_path, attributes)
    assert (found.mime, found.width, found.height) == ("image/svg+xml", *size)


def test_drawing_after_a_byte_order_mark(tmp_path: Path) -> None:
    """A byte-order mark and an XML declaration may stand before an SVG's root."""
    path = tmp_path / "a.svg"
    path.write_text("\ufeff<?xml version='1.0'?>\n<!-- logo -->\n" + SVG.format('width="5" height="6"'))
    assert facts(path, "a.svg").format == "svg"


def test_other_xml(tmp_path: Path) -> None:
    """XML with another root is not an image, whatever its name is."""
    path = tmp_path / "a.svg"
    path.write_text("<html/>")
    assert facts(path, "page.html") == MediaFacts("non-image", "text/html", "html")


@pytest.mark.parametrize(
    ("name", "mime", "codecs"),
    [
        ("clip.mp4", "video/mp4", ("h264", "aac")),
        ("clip.mov", "video/quicktime", ("h264", "aac")),
        ("clip.webm", "video/webm", ("vp9", "opus")),
    ],
)
def test_video(name: str, mime: str, codecs: tuple[str, str]) -> None:
    """A video is a non-image with size, codecs, duration and bit rate."""
    found = facts(DATA / name, "x")
    assert (found.file_type, found.mime, found.format) == ("non-image", mime, name.split(".")[1])
    assert (found.width, found.height, found.video_codec, found.audio_codec) == (64, 48, *codecs)
    assert found.duration == pytest.approx(2, abs=0.1)
    assert found.bit_rate == pytest.approx((DATA / name).stat().st_size * 8 / 1000 / 2, rel=0.1)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    """A file that only begins like a video has no codecs."""
    path = tmp_path / "a.mp4"
    path.write_bytes((DATA / "clip.mp4").read_bytes()[:32])
    assert facts(path, "a.mp4") == MediaFacts("non-image", "video/mp4", "mp4")
