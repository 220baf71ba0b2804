"""Transformations as text: ``w-400,h-300:rt-90`` (docs; names as the official SDKs have them). Pure.

A step is a mapping of names and values, or text that stands as it is; a chain is a sequence of steps.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ikpipe.errors import MappingError, did_you_mean, short_repr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Step = Mapping[str, Any] | str
"""``{"width": 400, "height": 300}``, or text such as ``"w-400,h-300"``."""
Transformation = Step | Sequence[Step]

NAMES: dict[str, str] = {
    # size and place
    "width": "w",
    "height": "h",
    "aspect_ratio": "ar",
    "background": "bg",
    "border": "b",
    "crop": "c",
    "crop_mode": "cm",
    "dpr": "dpr",
    "focus": "fo",
    "x": "x",
    "x_center": "xc",
    "y": "y",
    "y_center": "yc",
    "zoom": "z",
    "radius": "r",
    "rotation": "rt",
    "flip": "fl",
    "trim": "t",
    # format
    "quality": "q",
    "format": "f",
    "progressive": "pr",
    "lossless": "lo",
    "color_profile": "cp",
    "metadata": "md",
    "density": "dn",
    "original": "orig",
    "page": "pg",
    "default_image": "di",
    "named": "n",
    # video
    "video_codec": "vc",
    "audio_codec": "ac",
    "start_offset": "so",
    "end_offset": "eo",
    "duration": "du",
    "streaming_resolutions": "sr",
    # effects
    "blur": "bl",
    "opacity": "o",
    "grayscale": "e-grayscale",
    "contrast_stretch": "e-contrast",
    "shadow": "e-shadow",
    "sharpen": "e-sharpen",
    "unsharp_mask": "e-usm",
    "gradient": "e-gradient",
    "color_replace": "cr",
    "colorize": "e-colorize",
    "distort": "e-distort",
    "ai_upscale": "e-upscale",
    "ai_retouch": "e-retouch",
    "ai_variation": "e-genvar",
    "ai_drop_shadow": "e-dropshadow",
    "ai_change_background": "e-changebg",
    "ai_remove_background": "e-bgremove",
    "ai_remove_background_external": "e-removedotbg",
    "ai_edit": "e-edit",
    # text in a layer
    "font_size": "fs",
    "font_family": "ff",
    "font_color": "co",
    "inner_alignment": "ia",
    "padding": "pa",
    "alpha": "al",
    "typography": "tg",
    "line_height": "lh",
    "font_outline": "fol",
    "font_shadow": "fsh",
    "color": "co",
}
"""Name of a transformation → what it is called in a URL; that is taken as a name, too (sdk)."""

_LARGEST = 10**15  # of a number: floats are exact so far
_SHORT = frozenset(NAMES.values())
_FLAGS = frozenset(
    {"e-grayscale", "e-contrast", "e-removedotbg", "e-bgremove", "e-upscale", "e-retouch", "e-genvar"}
)  # on, or not there
_ALONE = _FLAGS | {"e-sharpen", "e-shadow", "e-gradient", "e-usm", "e-dropshadow"}  # these take a value as well
_PATHS = frozenset({"di", "ff"})  # whose slashes are written `@@`

_LAYERS = {
    "text": ("l-text", "text"),
    "image": ("l-image", "input"),
    "video": ("l-video", "input"),
    "subtitle": ("l-subtitles", "input"),
    "solid_color": ("l-image", "color"),
}
"""Type of an overlay → how its layer begins, and the key that says what is in it (sdk)."""
_OVERLAY = {"type", "encoding", "layer_mode", "position", "timing", "transformation"}
_POSITION = {"x": "lx", "y": "ly", "x_center": "lxc", "y_center": "lyc", "anchor_point": "lap", "focus": "lfo"}
_TIMING = {"start": "lso", "end": "leo", "duration": "ldu"}
_ENCODINGS = ("auto", "plain", "base64")
_PLAIN_INPUT = re.compile(r"[a-zA-Z0-9-._/ ]*")
_PLAIN_TEXT = re.compile(r"[a-zA-Z0-9-._ ]*")

# What may stand in a path and in a query as it is; a slash would end the transformation, `&` its parameter.
_SAFE = "%:@!$'()*+,;=-._~"


def chain(transformation: Transformation) -> str:
    """Write a transformation as it stands in a URL, percent-encoded; the empty text is none.

    Raises
    ------
    MappingError
        A name is unknown, or a value cannot be written.
    """
    try:
        return quote(_chain(transformation), safe=_SAFE)
    except UnicodeEncodeError:
        words = f"transformation={short_repr(transformation)}: it has half a character, which cannot be sent."
        raise MappingError(words) from None


def _chain(transformation: object) -> str:
    steps = [transformation] if isinstance(transformation, (str, Mapping)) else transformation
    if not isinstance(steps, Sequence):
        raise MappingError(
            f"transformation={short_repr(transformation)}: give a step such as {{'width': 400}}, or a list."
        )
    return ":".join(filter(None, map(_step, steps)))


def _step(step: object) -> str:
    if isinstance(step, str):
        return step.strip()
    if not isinstance(step, Mapping):
        raise MappingError(
            f"{short_repr(step)} is no step of a transformation: give a mapping, or text such as 'w-400'."
        )
    return ",".join(part for name, value in step.items() for part in _parts(name, value))


def _parts(name: str, value: object) -> Iterator[str]:
    """Write one name and its value; what is not given, or switched off, is nothing."""
    value = _own(value)
    if not _given(value):
        return
    if name == "overlay":
        yield _layer(value)
    elif name == "raw":
        yield _words(name, value)
    else:
        key = short(name)
        yield key if key in _ALONE and value is True else f"{key}-{_value(name, key, value)}"


def _own(value: object) -> object:
    """Take a single value out of numpy's hands."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def _given(value: object) -> bool:
    if value is None or value is False or (isinstance(value, str) and not value):
        return False
    try:
        return bool(value == value)  # noqa: PLR0124 - NaN and NaT are not given
    except TypeError:  # nor is NA
        return False
    except ValueError:  # an array
        return True


def short(name: str) -> str:
    """Give what a name is called in a URL.

    Raises
    ------
    MappingError
        There is no transformation of this name; the message names the nearest.
    """
    if name in _SHORT:
        return name
    snake = _snake(name)
    if snake not in NAMES:
        raise MappingError(
            f"There is no transformation {name!r}{did_you_mean(name, NAMES)}; what is newer goes as 'raw'."
        )
    return NAMES[snake]


def _snake(name: object) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(name)).lower()


def _value(name: str, key: str, value: object) -> str:
    if key in _FLAGS:
        raise MappingError(f"{name}={short_repr(value)}: it is True or False.")
    if key == "sr" and isinstance(value, (list, tuple)):
        return "_".join(_written(name, one) for one in value)
    text = _written(name, value)
    if key == "rt":
        return re.sub("^-", "N", text)  # docs: N40 turns to the left
    return text.strip("/").replace("/", "@@") if key in _PATHS else text


def _written(name: str, value: object) -> str:
    """Write a value so that it stays one: a comma or a colon in it would begin another part."""
    value = _own(value)
    if value is True:
        return "true"
    if isinstance(value, (int, float)):
        if not abs(value) < _LARGEST:
            raise MappingError(f"{name}={short_repr(value)}: it must be finite, and below {_LARGEST:,}.")
        return str(int(value)) if value == int(value) else format(Decimal(str(value)), "f")
    text = _words(name, value)
    if bad := sorted({",", ":"} & set(text)):
        raise MappingError(
            f"{name}={short_repr(value)}: {bad[0]!r} would part it; percent-encode it, or give it as text."
        )
    return text


def _words(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise MappingError(f"{name}={short_repr(value)}: give a number or text.")
    return value.strip()


def _layer(overlay: object) -> str:
    """Write an overlay as a layer: ``l-text,i-Hello,lx-10,fs-20,l-end`` (docs)."""
    if not isinstance(overlay, Mapping):
        raise MappingError(
            f"overlay={short_repr(overlay)}: give a mapping such as {{'type': 'text', 'text': 'Hello'}}."
        )
    given = {_snake(name): value for name, value in overlay.items() if value is not None}
    kind = _snake(given.get("type", ""))
    if kind not in _LAYERS:
        raise MappingError(f"An overlay's type is one of {', '.join(_LAYERS)}; {short_repr(kind)} is none.")
    start, key = _LAYERS[kind]
    _known("overlay", given, {*_OVERLAY, key})
    if not isinstance(given.get(key), str) or not given[key]:
        raise MappingError(f"An overlay of type {kind!r} needs {key!r}, as text.")
    mode = given.get("layer_mode")
    parts = [
        *(start, *_content(kind, given[key], given.get("encoding", "auto"))),
        *([f"lm-{_written('layer_mode', mode)}"] if mode else []),
        *_places("position", given.get("position", {}), _POSITION),
        *_places("timing", given.get("timing", {}), _TIMING),
        _chain(given.get("transformation", ())),
    ]
    return ",".join([*filter(None, parts), "l-end"])


def _content(kind: str, text: str, encoding: str) -> tuple[str, ...]:
    if encoding not in _ENCODINGS:
        raise MappingError(f"An overlay's encoding is one of {', '.join(_ENCODINGS)}; {short_repr(encoding)} is none.")
    if kind == "solid_color":
        return "i-ik_canvas", f"bg-{_written('color', text)}"
    simple = _PLAIN_TEXT if kind == "text" else _PLAIN_INPUT
    text = text if kind == "text" else text.strip("/")
    if encoding == "base64" or (encoding == "auto" and not simple.fullmatch(text)):
        return (f"ie-{quote(base64.b64encode(text.encode()).decode(), safe='')}",)
    return (f"i-{quote(text, safe='') if kind == 'text' else quote(text.replace('/', '@@'), safe='@')}",)


def _places(what: str, given: object, names: Mapping[str, str]) -> Iterator[str]:
    """Write where a layer is, or when; a negative number is written with an ``N`` (docs)."""
    if not isinstance(given, Mapping):
        raise MappingError(f"{what}={short_repr(given)}: give a mapping with {', '.join(names)}.")
    found = {_snake(name): value for name, value in given.items() if value is not None}
    _known(what, found, names)
    for name, key in names.items():
        if name in found:
            yield f"{key}-{re.sub('^-', 'N', _written(name, found[name]))}"


def _known(what: str, given: Collection[str], names: Collection[str]) -> None:
    for name in given:
        if name not in names:
            raise MappingError(f"{what}: there is no {name!r}{did_you_mean(name, names)}.")
