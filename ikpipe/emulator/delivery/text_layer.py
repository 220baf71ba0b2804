"""Draws the text of a text layer.

The service's fonts are approximated by one font: DejaVu Sans if the system has it, else Pillow's own. Bold, italic and
strikethrough are made from it, as from a font of the library.
"""

from functools import lru_cache
from pathlib import Path
from typing import cast

from PIL import Image, ImageDraw, ImageFont

from ikpipe.emulator.delivery.resize import Frame, check_size, drop_opaque_alpha, parse_color
from ikpipe.emulator.delivery.transformation_parser import BadTransformationError, Step

LONGEST_TEXT = 144
"""Maximum number of characters; a longer text is truncated [docs]."""
FONT_SIZE = "45"
"""The default font size [docs]."""
LARGEST_FONT = 5000
"""Maximum font size in pixels [guess]."""
_ALIGNMENTS = {"left": 0.0, "center": 0.5, "right": 1.0}
_SLANT = 0.2
"""The tangent of the angle of italic letters."""

Font = ImageFont.FreeTypeFont


def draw_text(text: str, keys: Step, frame: Frame, font_file: Path | None) -> Image.Image:
    """Return a text with its background, in the size of its ink and the padding [docs].

    With a width the lines are wrapped at it, and the background is that wide [guess]; `frame` has the sizes for
    expressions. Raise `BadTransformationError` if the font cannot be read.
    """
    font = _font(font_file, round(max(1.0, min(frame.number(keys.get("fs", FONT_SIZE)), LARGEST_FONT))))
    width = round(max(1.0, frame.number(keys["w"]))) if "w" in keys else None
    lines = _wrapped(text[:LONGEST_TEXT], font, width)
    ink = _ink(lines, font, keys, frame, width)
    top, right, bottom, left = _padding(keys, frame)
    size = ink.width + left + right, ink.height + top + bottom
    check_size(size)
    back = Image.new("RGBA", size, parse_color(keys["bg"], ink) if "bg" in keys else (0, 0, 0, 0))
    *color, alpha = parse_color(keys.get("co", "black"), ink)
    letters = Image.new("RGBA", ink.size, (*color, 0))
    letters.putalpha(ink.point(lambda level: round(level * alpha / 255)))
    back.alpha_composite(letters, (left, top))
    if "al" in keys:  # transparency in tenths [guess: docs have 1 to 9]
        back.putalpha(back.getchannel("A").point(lambda level: round(level * int(keys["al"]) / 10)))
    return drop_opaque_alpha(back)


def _font(file: Path | None, size: int) -> Font:
    if file is None:
        return _own_font(size)
    try:
        return ImageFont.truetype(file, size)
    except OSError:
        raise BadTransformationError("The font cannot be read.") from None


@lru_cache(maxsize=8)
def _own_font(size: int) -> Font:
    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return cast("Font", ImageFont.load_default(size))  # with a size, it is one of FreeType's


def _wrapped(text: str, font: Font, width: int | None) -> list[str]:
    """Break a text into lines between words; a word that is wider than a line stays whole."""
    lines = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if width is not None and line and font.getlength(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append("".join(letter for letter in line if letter.isprintable()))
    return lines


def _ink(lines: list[str], font: Font, keys: Step, frame: Frame, width: int | None) -> Image.Image:
    """Return the letters as a mask, cropped to the ink; with a width, only above and below."""
    ascent, descent = font.getmetrics()
    height = round(max(0.0, frame.number(keys["lh"]))) if "lh" in keys else ascent + descent
    lengths = [round(font.getlength(line)) for line in lines]
    box = max([width or 1, *lengths])
    margin = ascent + descent  # letters can extend beyond their place
    size = box + 2 * margin, height * len(lines) + 2 * margin
    check_size(size)
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    styles = keys.get("tg", "").split("_")
    stroke = max(1, round(font.size / 30))
    for number, (line, length) in enumerate(zip(lines, lengths, strict=True)):
        x = margin + (box - length) * _ALIGNMENTS[keys.get("ia", "center")]
        y = margin + ascent + number * height
        draw.text((x, y), line, 255, font, anchor="ls", stroke_width=stroke if "b" in styles else 0)
        if "strikethrough" in styles:
            draw.rectangle((x, y - ascent * 0.3 - stroke / 2, x + length, y - ascent * 0.3 + stroke / 2), fill=255)
    if "i" in styles:
        shift = _SLANT * size[1] / 2
        mask = mask.transform(size, Image.Transform.AFFINE, (1, _SLANT, -shift, 0, 1, 0), Image.Resampling.BICUBIC)
    left, top, right, bottom = mask.getbbox() or (0, 0, 1, 1)
    return mask.crop((left, top, right, bottom) if width is None else (margin, top, margin + box, bottom))


def _padding(keys: Step, frame: Frame) -> tuple[int, int, int, int]:
    """Return the padding at the top, right, bottom and left, from one to four numbers as in CSS [docs]."""
    text = keys.get("pa", "0")
    numbers = [int(side) for side in text.split("_")] if text.replace("_", "").isdigit() else [frame.number(text)]
    top, right, bottom, left = (*numbers, *numbers[-1:] * 3)[:4]
    match len(numbers):
        case 2:
            top, right, bottom, left = numbers * 2
        case 3:
            left = right
    limit = 10_000
    return tuple(max(0, min(round(side), limit)) for side in (top, right, bottom, left))
