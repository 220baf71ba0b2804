"""The media library's thumbnail is small, upright and shown by each browser."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from ikpipe.emulator import delivery


def thumbnail(path: Path) -> Image.Image:
    """Open the thumbnail of the picture, having checked that its type is what was announced."""
    data, mime = delivery.thumbnail(path)
    found = Image.open(BytesIO(data))
    assert found.get_format_mimetype() == mime
    return found


def test_fits_the_box(tmp_path: Path) -> None:
    """A large picture is scaled to the box, in its own proportions."""
    Image.new("RGB", (1600, 800), "teal").save(tmp_path / "a.png")
    assert thumbnail(tmp_path / "a.png").size == (400, 200)


def test_small_pictures_stay_small(tmp_path: Path) -> None:
    """A picture smaller than the box is not enlarged."""
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    assert thumbnail(tmp_path / "a.png").size == (30, 20)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "YCbCr"])
def test_opaque_pictures_become_jpeg(tmp_path: Path, mode: str) -> None:
    """A picture without transparency, in any colour space, has a JPEG thumbnail."""
    Image.new(mode, (30, 20)).save(tmp_path / "a.jpg")
    assert thumbnail(tmp_path / "a.jpg").format == "JPEG"


@pytest.mark.parametrize("ending", ["png", "webp", "gif", "avif"])
def test_transparency_is_kept(tmp_path: Path, ending: str) -> None:
    """A transparent picture has a thumbnail that is transparent too."""
    Image.new("RGBA", (30, 20), (0, 0, 0, 0)).save(tmp_path / f"a.{ending}")
    assert thumbnail(tmp_path / f"a.{ending}").convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    """An animation's thumbnail is its first frame."""
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    red, _, blue = thumbnail(tmp_path / "a.gif").convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    assert red > 200 > blue


def test_upright_and_without_metadata(tmp_path: Path) -> None:
    """A picture taken sideways is turned, and what its EXIF data tells stays behind."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Somebody"
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    found = thumbnail(tmp_path / "a.jpg")
    assert found.size == (20, 40)
    assert not found.getexif()


def test_drawing_is_its_own_thumbnail(tmp_path: Path) -> None:
    """An SVG is delivered as it is."""
    path = tmp_path / "a.svg"
    path.write_bytes(b'<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert delivery.thumbnail(path) == (path.read_bytes(), "image/svg+xml")


def test_no_picture(tmp_path: Path) -> None:
    """A file that is no picture has no thumbnail."""
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(delivery.NotAPictureError, match="cannot be read"):
        delivery.thumbnail(tmp_path / "a.txt")


def test_broken_pixels(tmp_path: Path) -> None:
    """A picture whose header is sound and whose pixels are not has no thumbnail."""
    Image.effect_noise((300, 300), 60).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[:5000] + data[-12:])
    with pytest.raises(delivery.NotAPictureError):
        delivery.thumbnail(tmp_path / "a.png")
