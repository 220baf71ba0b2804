"""Layers: images, blocks of color and texts on top of an image."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageChops, ImageFont

from ikpipe.emulator.delivery.limits import PixelBudget
from ikpipe.emulator.delivery.render import RenderRequest, render
from ikpipe.emulator.delivery.transformation_parser import BadTransformationError, parse_transformation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulator_client import Client

WHITE, RED, BLUE = (255, 255, 255), (255, 0, 0), (0, 0, 255)


@pytest.fixture
def draw(tmp_path: Path) -> Callable[[str], Image.Image]:
    """Return a function that transforms a white image of 100 by 60 pixels; there are layers for it in the library."""
    Image.new("RGB", (100, 60), "white").save(tmp_path / "base.png")
    Image.new("RGB", (20, 10), "red").save(tmp_path / "red.png")
    edged = Image.new("RGBA", (30, 30), (255, 255, 255, 0))
    edged.paste("blue", (10, 10, 20, 20))
    edged.save(tmp_path / "edged.png")
    (tmp_path / "font.ttf").write_bytes(ImageFont.load_default(10).path.getvalue())  # type: ignore[union-attr]
    (tmp_path / "bad.ttf").write_bytes(b"no font")

    def _draw(text: str) -> Image.Image:
        chain = parse_transformation(text, {})
        assert chain.ignored == []
        files = {path: tmp_path / path[1:] for path in chain.files}
        data, _ = render(tmp_path / "base.png", 1, chain, RenderRequest(), files=files)
        return Image.open(BytesIO(data))

    return _draw


def area(image: Image.Image, color: tuple[int, int, int]) -> tuple[int, int, int, int] | None:
    """Return the box around all pixels of a color."""
    difference = ImageChops.difference(image.convert("RGB"), Image.new("RGB", image.size, color))
    red, green, blue = difference.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue).point(lambda level: 0 if level else 255).getbbox()


@pytest.mark.parametrize(
    ("keys", "left", "top"),
    [
        ("", 40, 25),
        ("lfo-top_left", 0, 0),
        ("lfo-bottom", 40, 50),
        ("lx-7,ly-9", 7, 9),
        ("lx-7", 7, 0),
        ("lx-7,ly-9,lfo-bottom", 7, 9),
        ("lx-N7,ly-N9", 73, 41),
        ("lx-bw_sub_cw,ly-bh_div_2", 80, 30),
        ("lxc-50,lyc-30", 40, 25),
        ("lxc-50,ly-5", 40, 5),
        ("lap-bottom_right,lx-N5,ly-N6", 75, 44),
        ("lap-center,lx-5,ly-N5", 45, 20),
        ("lap-right,lxc-N30", 60, 25),
        ("lx-500,ly-500", 80, 50),
        ("lx-N500", 0, 0),
    ],
)
def test_position(draw: Callable[[str], Image.Image], keys: str, left: int, top: int) -> None:
    """A layer is in the center, at a side, or at coordinates; one outside of the image is moved to its edge [docs]."""
    assert area(draw(f"l-image,i-red.png,{keys},l-end"), RED) == (left, top, left + 20, top + 10)


def test_what_extends_beyond_the_image_is_cropped(draw: Callable[[str], Image.Image]) -> None:
    """The image keeps its size."""
    image = draw("l-image,i-red.png,lx-90,ly-55,l-end")
    assert (image.size, area(image, RED)) == ((100, 60), (90, 55, 100, 60))
    assert area(draw("l-image,i-red.png,w-200,l-end"), RED) == (0, 0, 100, 60)


@pytest.mark.parametrize(
    ("keys", "size"),
    [
        ("w-40", (40, 20)),
        ("w-bw_div_2,h-bh_div_3,c-force", (50, 20)),
        ("w-iw_div_2", (10, 5)),
        ("rt-90", (10, 20)),
        ("w-40:rt-90", (20, 40)),
        ("b-5_red", (30, 20)),
    ],
)
def test_a_layer_is_transformed(draw: Callable[[str], Image.Image], keys: str, size: tuple[int, int]) -> None:
    """The steps inside of a layer apply to its image alone; `bw` and `bh` are the sides of the image below."""
    left, top, right, bottom = area(draw(f"l-image,i-red.png,{keys},l-end"), RED) or (0, 0, 0, 0)
    assert (right - left, bottom - top) == size


def test_the_image_below_is_transformed_first(draw: Callable[[str], Image.Image]) -> None:
    """The other keys of a step apply to the image below, wherever they are; a later step to both."""
    assert area(draw("l-image,i-red.png,lx-0,l-end,w-50"), RED) == (0, 0, 20, 10)
    assert area(draw("l-image,i-red.png,lx-0,l-end:rt-180"), RED) == (80, 50, 100, 60)


def test_edges_are_trimmed(draw: Callable[[str], Image.Image]) -> None:
    """Edges of one color, or transparent ones, are trimmed unless `t-false` says otherwise [docs]."""
    assert area(draw("l-image,i-edged.png,lx-0,l-end"), BLUE) == (0, 0, 10, 10)
    assert area(draw("l-image,i-edged.png,lx-0,t-false,l-end"), BLUE) == (10, 10, 20, 20)


def test_layers_are_stacked(draw: Callable[[str], Image.Image]) -> None:
    """Later layers are above earlier ones; nested ones are placed on their parent."""
    assert area(draw("l-image,i-red.png,l-end,l-image,i-edged.png,w-30,l-end"), RED) is None
    nested = draw("l-image,i-red.png,lfo-bottom_right,l-image,i-edged.png,w-5,lfo-top_left,l-end,l-end")
    assert area(nested, BLUE) == (80, 50, 85, 55)


@pytest.mark.parametrize(
    ("keys", "box"),
    [
        ("", (0, 0, 100, 60)),
        ("w-30,h-20", (35, 20, 65, 40)),
        ("h-30", (25, 15, 75, 45)),
        ("w-bw_mul_0.5", (25, 15, 75, 45)),
    ],
)
def test_block_of_color(draw: Callable[[str], Image.Image], keys: str, box: tuple[int, int, int, int]) -> None:
    """A block is as large as the image below, or as its sides say."""
    assert area(draw(f"l-image,i-ik_canvas,bg-FF0000,{keys},l-end"), RED) == box


@pytest.mark.parametrize(
    ("keys", "green"),
    [("bg-FF000050", 128), ("bg-FF0000,al-2", 204), ("bg-FF000050,al-2", 128), ("bg-red,al-2", 0), ("bg-FF0000", 0)],
)
def test_transparent_block(draw: Callable[[str], Image.Image], keys: str, green: int) -> None:
    """`al` counts unless `bg` has an opacity or is a name [docs]."""
    color = draw(f"l-image,i-ik_canvas,{keys},l-end").convert("RGB").getpixel((50, 30))
    assert color == (255, pytest.approx(green, abs=1), pytest.approx(green, abs=1))


def test_modes(draw: Callable[[str], Image.Image]) -> None:
    """A layer darkens the image below, is cut out of it, or cuts it out [sdk]."""
    assert area(draw("l-image,i-red.png,lm-multiply,l-end"), RED) == (40, 25, 60, 35)
    dark = draw("bg-black,l-image,i-ik_canvas,bg-black,l-end:l-image,i-red.png,lm-multiply,l-end")
    assert area(dark, RED) is None
    cutter = draw("l-image,i-red.png,lm-cutter,l-end,f-png").getchannel("A")
    cutout = draw("l-image,i-red.png,lm-cutout,l-end,f-png").getchannel("A")
    assert cutter.getbbox() == (40, 25, 60, 35)
    assert (cutout.getpixel((50, 30)), cutout.getpixel((5, 5))) == (0, 255)


def text_box(image: Image.Image) -> tuple[int, int]:
    """Return the size of a text's red background."""
    left, top, right, bottom = area(image, RED) or (0, 0, 0, 0)
    return right - left, bottom - top


def test_text_is_as_large_as_its_ink(draw: Callable[[str], Image.Image]) -> None:
    """Padding is added around the ink, in the order of CSS [docs]."""
    width, height = text_box(draw("w-300,h-200,l-text,i-Hi,fs-30,bg-FF0000,pa-1,l-end"))
    assert 15 < width < 60
    assert 15 < height < 40
    for padding, across, down in (("10", 18, 18), ("10_20", 38, 18), ("10_20_30", 38, 38), ("10_20_30_5", 23, 38)):
        box = text_box(draw(f"w-300,h-200,l-text,i-Hi,fs-30,bg-FF0000,pa-{padding},l-end"))
        assert box == (width + across, height + down)
    assert text_box(draw("w-300,h-200,l-text,i-Hi,fs-30,bg-FF0000,pa-bw_div_30,l-end")) == (width + 18, height + 18)


def test_text_is_wrapped(draw: Callable[[str], Image.Image]) -> None:
    """Words that go beyond the width are on the next line; `lh` is the height of a line."""
    one = text_box(draw("w-400,h-300,l-text,i-some words to wrap,fs-20,bg-FF0000,pa-1,l-end"))
    wrapped = text_box(draw("w-400,h-300,l-text,i-some words to wrap,fs-20,bg-FF0000,pa-1,w-80,l-end"))
    assert wrapped[0] == 82
    assert wrapped[1] > 2 * one[1]
    high = text_box(draw("w-400,h-300,l-text,i-some words to wrap,fs-20,bg-FF0000,pa-1,w-80,lh-60,l-end"))
    assert high[1] > wrapped[1]


@pytest.mark.parametrize(("alignment", "left"), [("left", 0), ("center", 100), ("right", 200)])
def test_alignment(draw: Callable[[str], Image.Image], alignment: str, left: int) -> None:
    """The text is aligned within its width."""
    image = draw(f"w-300,h-100,l-text,i-I,fs-40,w-300,co-0000FF,ia-{alignment},l-end")
    found = area(image, BLUE)
    assert found is not None
    assert left <= found[0] <= left + 100


@pytest.mark.parametrize("style", ["b", "i", "strikethrough", "b_i_strikethrough"])
def test_typography(draw: Callable[[str], Image.Image], style: str) -> None:
    """Each style looks different from plain text."""
    plain = draw("w-200,h-100,l-text,i-Word,fs-30,l-end")
    assert draw(f"w-200,h-100,l-text,i-Word,fs-30,tg-{style},l-end").tobytes() != plain.tobytes()


def test_font_of_the_library(draw: Callable[[str], Image.Image]) -> None:
    """`ff` with an extension is a font file in the library [docs]; one that is none is an error."""
    assert area(draw("w-200,h-100,l-text,i-II,fs-40,ff-font.ttf,co-0000FF,l-end"), BLUE)
    with pytest.raises(BadTransformationError, match="font cannot be read"):
        draw("l-text,i-II,ff-bad.ttf,l-end")


@pytest.mark.parametrize("text", [" ", "\u200b", "a\n\n b", "\x00\x07", "e\u0301 שלום 猫 🎈", "x" * 5000])
def test_any_text_is_drawn(draw: Callable[[str], Image.Image], text: str) -> None:
    """No text is an error: not without ink, with control characters, in another script, or very long."""
    encoded = base64.b64encode(text.encode()).decode()
    assert draw(f"l-text,ie-{encoded},fs-10,tg-b_i,w-50,bg-red,l-end").size == (100, 60)
    assert draw(f"l-text,ie-{encoded},fs-10,l-end").size == (100, 60)


@pytest.mark.parametrize(
    "layer",
    [
        "l-image,i-ik_canvas,w-20000,h-20000,l-end",
        "l-text,i-a,fs-5000,w-60000,l-end",
        "l-text,i-a,pa-10000,l-end",
        "l-text,i-a,fs-1,rt-45,l-end," * 9,
        "l-text,i-a,l-end," * 50,
        "l-text,i-a,l-text,i-b,l-end,l-end," * 25,
        "l-image,i-red.png,w-20000,l-image,i-red.png,w-20000,l-end,l-end",
    ],
)
def test_limits(draw: Callable[[str], Image.Image], layer: str) -> None:
    """The limits of steps, rotations and pixels include layers at all levels."""
    with pytest.raises(BadTransformationError, match=r"100 megapixels|maximum is (50|8)"):
        draw(layer)


def test_pixels_in_all() -> None:
    """All images of a transformation have at most 500 megapixels."""
    budget = PixelBudget()
    for _ in range(5):
        budget.spend((10_000, 10_000))
    with pytest.raises(BadTransformationError, match="500 megapixels in all"):
        budget.spend((1, 1))


# Delivered


def picture(color: str, size: tuple[int, int] = (20, 10)) -> bytes:
    """Return an image of one color."""
    file = BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def get(client: Client, path: str) -> Any:
    """Request a path below the endpoint."""
    return client.http.get(client.emulator.url_endpoint + path)


def test_a_layer_comes_from_the_library(client: Client) -> None:
    """The image is found by its path, as official SDKs write it."""
    client.fixed("base.png", picture("white", (60, 40)))
    client.fixed("logo.png", picture("red"), folder="/in/brand")
    for source in ("i-in@@brand@@logo.png", "ie-aW4vYnJhbmQvbG9nby5wbmc%3D"):
        reply = get(client, f"/tr:l-image,{source},l-end/base.png")
        assert area(Image.open(BytesIO(reply.content)), RED) == (20, 15, 40, 25)
        assert get(client, f"/base.png?tr=l-image,{source},l-end").content == reply.content


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("l-image,i-none.png,l-end", "There is no file /none.png for a layer."),
        ("l-image,i-draft.png,l-end", "There is no file /draft.png for a layer."),
        ("l-text,i-a,ff-none.ttf,l-end", "There is no file /none.ttf for a layer."),
        ("l-image,i-text.png,l-end", "The image cannot be read."),
    ],
)
def test_layers_without_an_image(client: Client, layer: str, reason: str) -> None:
    """A file that is missing, a draft, or no image is an error that names it."""
    client.fixed("base.png", picture("white"))
    client.fixed("draft.png", picture("red"), isPublished="false")
    client.fixed("text.png", b"no image")
    reply = get(client, f"/base.png?tr={layer}")
    assert (reply.status_code, reply.text) == (400, "Bad Image Transformation Request")
    assert reply.headers["ik-error"].endswith(reason)


def test_private_layers(start: Callable[..., Client]) -> None:
    """A private image or font of a layer needs a signature or a named transformation, unless a rule says so."""
    named = "marked=l-image,i-secret.png,l-end"
    client, other = start(named=named), start(private_layers=False)
    for each in (client, other):
        each.fixed("base.png", picture("white", (60, 40)))
        each.fixed("secret.png", picture("red"), isPrivateFile="true")
    for text in (
        "l-image,i-secret.png,l-end",
        "l-text,i-a,l-image,i-secret.png,l-end,l-end",
        "l-text,i-a,ff-secret.png,l-end",
    ):
        assert get(client, f"/base.png?tr={text}").status_code == 401
        assert get(other, f"/base.png?tr={text}").status_code in {200, 400}
    assert get(client, "/base.png?tr=n-marked").status_code == 200
    assert get(client, "/base.png?tr=n-marked,w-5").status_code == 401


def test_layers_of_uploads(start: Callable[..., Client]) -> None:
    """A transformation before the file is stored has layers, too, as in the official SDKs' examples."""
    client = start(pre_transformation="images-at-once")
    client.fixed("logo.png", picture("red"), isPrivateFile="true")
    pre = '{"pre": "l-image,i-logo.png,l-end,l-text,i-Imagekit,fs-8,ly-0,l-end"}'
    stored = client.fixed("base.png", picture("white", (60, 40)), transformation=pre).json()
    assert area(Image.open(BytesIO(get(client, stored["filePath"]).content)), RED) == (20, 15, 40, 25)
    missing = client.fixed("other.png", picture("white"), transformation='{"pre": "l-image,i-none.png,l-end"}')
    assert missing.status_code == 400


def test_what_is_ignored_of_layers(client: Client) -> None:
    """What is not supported inside of a layer is named in the header."""
    client.fixed("base.png", picture("white"))
    reply = get(client, "/base.png?tr=l-image,i-ik_canvas,e-gradient,l-end,l-video,i-a.mp4,l-end")
    assert (reply.status_code, reply.headers["x-emulator-ignored"]) == (200, "l-video,e-gradient")
