"""Transformed images: what each transformation does to the pixels, and how the result is encoded."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import ExifTags, Image

from ikpipe.emulator.delivery import render
from ikpipe.emulator.delivery.render import RenderRequest
from ikpipe.emulator.delivery.transformation_parser import BadTransformationError, parse_transformation

if TYPE_CHECKING:
    from pathlib import Path

THUMBNAIL = "n-media_library_thumbnail"


def derive(path: Path, text: str, **request: Any) -> Image.Image:
    """Transform the image; check that nothing was ignored, and that the type is right."""
    chain = parse_transformation(text, {})
    assert chain.ignored == []
    data, mime = render.render(path, path.stat().st_size, chain, RenderRequest(**request))
    found = Image.open(BytesIO(data))
    assert found.get_format_mimetype() == mime
    found.load()
    return found


@pytest.fixture
def quarters(tmp_path: Path) -> Path:
    """Return an image with four colors: red and green above, blue and white below."""
    picture = Image.new("RGB", (40, 20), "white")
    for colour, corner in {"red": (0, 0), "lime": (20, 0), "blue": (0, 10)}.items():
        picture.paste(colour, (*corner, corner[0] + 20, corner[1] + 10))
    path = tmp_path / "quarters.png"
    picture.save(path)
    return path


def corners(picture: Image.Image) -> list[str]:
    """Return the names of the colors near the four corners, clockwise from the top left."""
    names = {(1, 0, 0): "red", (0, 1, 0): "lime", (0, 0, 1): "blue", (1, 1, 1): "white", (0, 0, 0): "black"}
    right, bottom = picture.width - 3, picture.height - 3
    places = [(2, 2), (right, 2), (right, bottom), (2, bottom)]
    plain = picture.convert("RGB")
    pixels = [plain.getpixel(place) for place in places]
    return [names[tuple(round(level / 255) for level in pixel)] for pixel in pixels]  # type: ignore[union-attr, misc]


@pytest.mark.parametrize(
    ("text", "size", "colours"),
    [
        ("w-80", (80, 40), ["red", "lime", "white", "blue"]),
        ("rt-90", (20, 40), ["blue", "red", "lime", "white"]),
        ("rt-N90", (20, 40), ["lime", "white", "blue", "red"]),
        ("rt-180", (40, 20), ["white", "blue", "red", "lime"]),
        ("fl-h", (40, 20), ["lime", "red", "blue", "white"]),
        ("fl-v", (40, 20), ["blue", "white", "lime", "red"]),
        ("fl-h_v", (40, 20), ["white", "blue", "red", "lime"]),
        ("w-20,h-10,cm-extract,fo-bottom_left", (20, 10), ["blue"] * 4),
        ("w-20,h-10,cm-extract,x-20,y-0", (20, 10), ["lime"] * 4),
        ("w-80,h-20,cm-pad_resize,bg-0000FF,fo-left", (80, 20), ["red", "blue", "blue", "blue"]),
        ("w-50,h-30,cm-pad_extract", (50, 30), ["black"] * 4),
        ("b-5_FFFFFF", (50, 30), ["white"] * 4),
        ("rt-90:w-10,h-10,cm-extract,fo-top_left", (10, 10), ["blue"] * 4),
        ("w-20,h-10,cm-extract,fo-top_left:rt-90", (10, 20), ["red"] * 4),
    ],
)
def test_what_is_seen(quarters: Path, text: str, size: tuple[int, int], colours: list[str]) -> None:
    """Each step has the expected part in the expected orientation, and steps are applied in order."""
    found = derive(quarters, text)
    assert (found.size, corners(found)) == (size, colours)


def test_every_crop_of_a_chain_is_of_the_step_before(quarters: Path) -> None:
    """`iw` is of the file, `cw` of the step before [docs]."""
    assert derive(quarters, "w-iw_div_2:w-cw_div_2").size == (10, 5)
    assert derive(quarters, "w-iw_div_2:w-iw_div_2").size == (20, 10)


def test_other_turns_are_padded_with_nothing(quarters: Path) -> None:
    """An image that is rotated by an oblique angle has transparent corners."""
    found = derive(quarters, "rt-45")
    assert found.mode == "RGBA"
    assert found.getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_effects(quarters: Path) -> None:
    """Grayscale removes color, blur removes edges, opacity makes transparent."""
    red, green, blue = derive(quarters, "e-grayscale").convert("RGB").getpixel((2, 2))  # type: ignore[misc]
    assert red == green == blue
    assert derive(quarters, "bl-5").convert("RGB").getpixel((19, 2)) != (255, 0, 0)
    assert derive(quarters, "o-50").getpixel((2, 2)) == (255, 0, 0, 128)


@pytest.mark.parametrize("effect", ["e-contrast", "e-sharpen", "e-sharpen-10", "e-usm-2-2-0.8-0.024", "bl-3", "r-4"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK"])
def test_effects_of_every_mode(tmp_path: Path, effect: str, mode: str) -> None:
    """An effect keeps the size of an image in any mode."""
    path = tmp_path / "a.tiff"
    Image.new(mode, (30, 20)).save(path)
    assert derive(path, effect).size == (30, 20)


def test_rounded_corners(quarters: Path) -> None:
    """A radius rounds the corners, each by its own; `max` makes an ellipse."""
    every = derive(quarters, "r-8")
    assert [every.getpixel(at)[3] for at in [(0, 0), (39, 0), (39, 19), (0, 19)]] == [0] * 4  # type: ignore[index]
    assert every.getpixel((8, 0))[3] == every.getpixel((0, 8))[3] == 255  # type: ignore[index]
    assert derive(quarters, "r-max_max_max_max").tobytes() == derive(quarters, "r-10").tobytes()
    one = derive(quarters, "r-8_0_0_0")
    assert [one.getpixel(at)[3] for at in [(0, 0), (39, 0), (39, 19), (0, 19)]] == [0, 255, 255, 255]  # type: ignore[index]
    ellipse = derive(quarters, "r-max")
    assert ellipse.getpixel((1, 1))[3] == 0  # type: ignore[index]
    assert ellipse.getpixel((20, 10))[3] == 255  # type: ignore[index]


def test_trim(tmp_path: Path) -> None:
    """A plain edge is trimmed, unless the value is `false`."""
    picture = Image.new("RGB", (40, 30), "white")
    picture.paste("red", (10, 5, 20, 25))
    picture.save(tmp_path / "a.png")
    assert derive(tmp_path / "a.png", "t-true").size == (10, 20)
    assert derive(tmp_path / "a.png", "t-false").size == (40, 30)


def test_transparent_edges_are_trimmed(tmp_path: Path) -> None:
    """All transparent pixels are alike, and differ from black ones."""
    picture = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    picture.paste((200, 100, 0, 0), (0, 0, 40, 5))
    picture.paste("black", (10, 5, 20, 25))
    picture.save(tmp_path / "a.png")
    assert derive(tmp_path / "a.png", "t-true").size == (10, 20)


def test_background_behind_what_is_transparent(tmp_path: Path) -> None:
    """A background fills transparent areas, with its own opacity."""
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert derive(tmp_path / "a.png", "bg-F00000").convert("RGB").getpixel((0, 0)) == (240, 0, 0)
    assert derive(tmp_path / "a.png", "bg-F0000050").getpixel((0, 0)) == (240, 0, 0, 127)


def test_dominant_background(tmp_path: Path) -> None:
    """The dominant color is that of the image."""
    Image.new("RGB", (10, 10), (10, 200, 30)).save(tmp_path / "a.png")
    assert derive(tmp_path / "a.png", "w-20,h-10,cm-pad_resize,bg-dominant").getpixel((0, 0)) == (10, 200, 30)


@pytest.mark.parametrize("kind", ["jpg", "jpeg", "png", "webp", "avif"])
def test_formats(quarters: Path, kind: str) -> None:
    """An image has the requested format."""
    assert derive(quarters, f"f-{kind}").format == {"jpg": "JPEG", "jpeg": "JPEG"}.get(kind, kind.upper())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_the_format_stays(tmp_path: Path, kind: str) -> None:
    """A format that browsers display is kept if no other is requested."""
    Image.new("RGB", (30, 20), "teal").save(tmp_path / "a", kind)
    assert derive(tmp_path / "a", "w-10").format == kind


@pytest.mark.parametrize("kind", ["BMP", "TIFF"])
def test_formats_that_no_browser_shows(tmp_path: Path, kind: str) -> None:
    """A format that browsers do not display is replaced."""
    Image.new("RGB", (30, 20), "teal").save(tmp_path / "a", kind)
    assert derive(tmp_path / "a", "w-10").format == "JPEG"


def test_auto_format(quarters: Path) -> None:
    """`f-auto` depends on what the client accepts."""
    assert derive(quarters, "f-auto", accept="image/avif,image/webp,*/*").format == "WEBP"
    assert derive(quarters, "f-auto", accept="*/*").format == "JPEG"
    assert derive(quarters, "f-auto,o-50").format == "PNG"


def test_nothing_else_becomes_a_gif(quarters: Path) -> None:
    """`f-gif` is for GIFs alone [docs]."""
    assert derive(quarters, "f-gif").format == "PNG"


def test_quality(tmp_path: Path) -> None:
    """A lower quality needs fewer bytes; the default is 80 [docs]."""
    noise = tmp_path / "a.jpg"
    Image.effect_noise((100, 100), 60).save(noise, quality=100)
    sizes = {
        text: len(render.render(noise, noise.stat().st_size, parse_transformation(text, {}), RenderRequest())[0])
        for text in ("q-10", "q-80", "q-100", "w-100")
    }
    assert sizes["q-10"] < sizes["q-80"] < sizes["q-100"]
    assert sizes["w-100"] == sizes["q-80"]


def test_progressive_and_lossless(quarters: Path) -> None:
    """A JPEG can be progressive, and a WebP lossless."""
    assert "progressive" in derive(quarters, "f-jpg,pr-true").info
    assert corners(derive(quarters, "f-webp,lo-true")) == ["red", "lime", "white", "blue"]
    assert derive(quarters, "f-webp,lo-true").convert("RGB").getpixel((19, 9)) == (255, 0, 0)


def test_upright_and_without_metadata(tmp_path: Path) -> None:
    """An image is rotated as its EXIF data says, and has no EXIF data unless requested."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Somebody"
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    found = derive(tmp_path / "a.jpg", "w-10,rt-auto")
    assert (found.size, dict(found.getexif())) == ((10, 20), {})
    kept = derive(tmp_path / "a.jpg", "w-10,md-true").getexif()
    assert dict(kept) == {ExifTags.Base.Artist: "Somebody"}


def test_colour_profile(tmp_path: Path) -> None:
    """The color profile is kept if requested."""
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", icc_profile=b"a profile")
    assert derive(tmp_path / "a.png", "cp-true").info["icc_profile"] == b"a profile"
    assert "icc_profile" not in derive(tmp_path / "a.png", "w-2").info


def test_the_thumbnail_fits_its_box(tmp_path: Path) -> None:
    """A large image is scaled to fit, with its aspect ratio, and a small one keeps its size."""
    Image.new("RGB", (1600, 800), "teal").save(tmp_path / "large.png")
    assert derive(tmp_path / "large.png", THUMBNAIL).size == (400, 200)
    Image.new("RGB", (30, 20)).save(tmp_path / "small.png")
    assert derive(tmp_path / "small.png", THUMBNAIL).size == (30, 20)


@pytest.mark.parametrize("ending", ["png", "webp", "gif", "avif"])
def test_transparency_is_kept(tmp_path: Path, ending: str) -> None:
    """A transparent image has a transparent thumbnail."""
    Image.new("RGBA", (30, 20), (0, 0, 0, 0)).save(tmp_path / f"a.{ending}")
    assert derive(tmp_path / f"a.{ending}", THUMBNAIL).convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    """Only the first frame of an animation is used."""
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert corners(derive(tmp_path / "a.gif", THUMBNAIL)) == ["red"] * 4


def test_broken_pixels(tmp_path: Path) -> None:
    """An image with a valid header and broken pixels cannot be transformed."""
    Image.effect_noise((300, 300), 60).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[:5000] + data[-12:])
    with pytest.raises(BadTransformationError, match="cannot be read"):
        derive(tmp_path / "a.png", "w-10")


@pytest.mark.parametrize("text", ["w-20000", "w-9000,h-20000,c-force", "w-20000,h-9000,cm-pad_resize", "b-9000_red"])
def test_pictures_that_would_be_too_large(quarters: Path, text: str) -> None:
    """A transformation that needs too much memory is rejected."""
    with pytest.raises(BadTransformationError, match="100 megapixels"):
        derive(quarters, text)


def test_webp_has_a_largest_side(quarters: Path) -> None:
    """The sides of a WebP have at most 16383 pixels [docs]."""
    with pytest.raises(BadTransformationError, match="16383"):
        derive(quarters, "w-16400,h-2,c-force,f-webp")
