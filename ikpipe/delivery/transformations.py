"""Transformations as URL text: ``w-400,h-300:rt-90`` [docs]; names as in the official SDKs [sdk]. Pure.

A step is a mapping of names to values, or text that is used unchanged; a chain is a sequence of steps.
"""

import base64
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from ikpipe.errors import MappingError, did_you_mean, short_repr
from ikpipe.request.missing import missing

Step = Mapping[str, Any] | str
"""``{"width": 400, "height": 300}``, or text such as ``"w-400,h-300"``."""
Transformation = Step | Sequence[Step | None] | None

NAMES: dict[str, str] = {
    # size and position
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
"""Name of a transformation → its short name in a URL, which is accepted as a name, too [sdk]."""

_LARGEST = 10**15  # floats represent whole numbers exactly up to here
_SHORT = frozenset(NAMES.values())
_FLAGS = frozenset(
    {"e-grayscale", "e-contrast", "e-removedotbg", "e-bgremove", "e-upscale", "e-retouch", "e-genvar"}
)  # without a value: on if present
_ALONE = _FLAGS | {"e-sharpen", "e-shadow", "e-gradient", "e-usm", "e-dropshadow"}  # with or without a value
_SWITCHES = _ALONE | {"t", "pr", "lo", "cp", "md", "orig"}  # the others are on with the value `true`
_ON = frozenset({"", "-", "true"})  # a switch with this text is on in the SDKs; `-` stands for no value [sdk]
_PATHS = frozenset({"di", "ff"})  # their slashes are written `@@`
_RATIO = re.compile(r"(\d+(?:\.\d+)?)\s*[:/]\s*(\d+(?:\.\d+)?)")

_FORMER_NAMES = {
    "rotate": "rotation",
    "effect_contrast": "contrast_stretch",
    "effect_gray": "grayscale",
    "effect_usm": "unsharp_mask",
}
"""Name in earlier versions of the SDKs → the present name, where they have little in common."""
_FORMER_LAYERS = re.compile(  # `overlayTextFontSize`, and the short names such as `ots`
    r"overlay_.+|o(?:a|bg|fo|h|r|w|x|y|i(?:ar|bg?|c|dpr|q|t)?|t(?:bg|c|e|f|ia|p|s|t|w)?)"
)
_SIMILAR = 0.6

_LAYERS = {
    "text": ("l-text", "text"),
    "image": ("l-image", "input"),
    "video": ("l-video", "input"),
    "subtitle": ("l-subtitles", "input"),
    "solid_color": ("l-image", "color"),
}
"""Type of an overlay → the start of its layer, and the key of its content [sdk]."""
_OVERLAY = {"type", "encoding", "layer_mode", "position", "timing", "transformation"}
_POSITION = {"x": "lx", "y": "ly", "x_center": "lxc", "y_center": "lyc", "anchor_point": "lap", "focus": "lfo"}
_TIMING = {"start": "lso", "end": "leo", "duration": "ldu"}
_ENCODINGS = ("auto", "plain", "base64")
_PLAIN_INPUT = re.compile(r"[a-zA-Z0-9-._/ ]*")
_PLAIN_TEXT = re.compile(r"[a-zA-Z0-9-._ ]*")

# Characters that need no encoding in a path or query. A slash would end the transformation, `&` the parameter.
_SAFE = "%:@!$'()*+,;=-._~"


def encode_chain(transformation: Transformation) -> str:
    """Return a transformation as URL text, percent-encoded; empty text for no transformation.

    Raise `MappingError` if a name is unknown, or a value is invalid.
    """
    try:
        return quote(_chain(transformation), safe=_SAFE)
    except UnicodeEncodeError:
        raise MappingError(
            f"transformation={short_repr(transformation)} contains an incomplete Unicode character."
        ) from None


def _chain(transformation: object) -> str:
    single = isinstance(transformation, (str, Mapping)) or missing(transformation)
    steps = [transformation] if single else transformation
    if not isinstance(steps, Sequence):
        raise MappingError(
            f"transformation={short_repr(transformation)} is not valid. Use a step such as {{'width': 400}}, or a list."
        )
    return ":".join(filter(None, map(_step, steps)))


def _step(step: object) -> str:
    if missing(step):
        return ""
    if isinstance(step, str):
        return step.strip()
    if not isinstance(step, Mapping):
        raise MappingError(f"{short_repr(step)} is not a transformation step. Use a mapping, or text such as 'w-400'.")
    return ",".join(part for name, value in step.items() for part in _parts(name, value))


def _parts(name: str, value: object) -> Iterator[str]:
    """Yield the URL text of one name and its value; nothing if the value is missing or False."""
    key = name if name in {"overlay", "raw"} else short_name(name)
    value = _switched(key, _to_python(value))
    if not _is_set(value):
        return
    if key == "overlay":
        yield _layer(value)
    elif key == "raw":
        yield _raw(value)
    else:
        yield key if key in _ALONE and value is True else f"{key}-{_value(name, key, value)}"


def _switched(key: str, value: object) -> object:
    """Return a switch's value: True or False for text that means it, any other value unchanged."""
    if key not in _SWITCHES or not isinstance(value, str):
        return value
    text = value.strip().lower()
    if text in _ON:
        return True
    if text == "false":
        return False if key in _ALONE else text  # `pr-false` has a meaning, `e-sharpen-false` has none
    return value


def _to_python(value: object) -> object:
    """Convert a NumPy scalar."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def _is_set(value: object) -> bool:
    return value is not False and not missing(value) and not (isinstance(value, str) and not value.strip())


def short_name(name: str) -> str:
    """Return the short name of a transformation in a URL.

    Raise `MappingError` if there is no transformation of this name; the message suggests a similar one.
    """
    if name in _SHORT:
        return name
    snake = _snake(name)
    if snake not in NAMES:
        raise _unknown(name, snake)
    return NAMES[snake]


def _unknown(name: str, snake: str) -> MappingError:
    """Return the error for an unknown name, which suggests the present name if it is one of earlier SDKs."""
    if _FORMER_LAYERS.fullmatch(snake):
        kind = "'image', 'input'" if snake.startswith(("overlay_image", "oi")) else "'text', 'text'"
        fix = f"Use a layer, such as {{'overlay': {{'type': {kind}: …}}}}."
        return MappingError(f"Unknown transformation {short_repr(name)} (did you mean 'overlay'?).", fix=fix)
    present = _FORMER_NAMES.get(snake, snake.removeprefix("effect_"))
    hint = did_you_mean(present, [*NAMES, "overlay", "raw"], _SIMILAR)
    fix = "Newer ones can be written with 'raw'."
    return MappingError(f"Unknown transformation {short_repr(name)}{hint}.", fix=fix)


def _snake(name: object) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(name)).lower()


def _value(name: str, key: str, value: object) -> str:
    if key in _FLAGS:
        raise MappingError(f"{name}={short_repr(value)} is not valid. Use True or False.")
    if key == "sr" and isinstance(value, (list, tuple)):
        return "_".join(_encode_value(name, item) for item in value)
    if key == "ar" and isinstance(value, str) and (ratio := _RATIO.fullmatch(value.strip())):
        return "-".join(ratio.groups())  # a colon would start another step
    text = _encode_value(name, value)
    if text == "-":  # in earlier SDKs a transformation without a value
        raise MappingError(f"{name}='-' is not valid: this transformation needs a value.")
    if key == "rt":
        return re.sub("^-", "N", text)  # N40 rotates by -40 degrees [docs]
    return text.strip("/").replace("/", "@@") if key in _PATHS else text


def _encode_value(name: str, value: object) -> str:
    """Return a value as text; reject separators, so that no value can add a parameter or a step."""
    text = plain_text(name, value).strip()
    if separators := sorted({",", ":"} & set(text)):
        raise MappingError(
            f"{name}={short_repr(value)} contains the separator {separators[0]!r}. Percent-encode it, or write the "
            "whole step as text."
        )
    return text


def plain_text(name: str, value: object) -> str:
    """Return a number, boolean or text as the SDKs write it: ``5`` for 5.0, ``true`` for True."""
    value = _to_python(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        if not abs(value) < _LARGEST:
            raise MappingError(f"{name}={short_repr(value)} must be a finite number below {_LARGEST:,}.")
        return str(int(value)) if value == int(value) else format(Decimal(str(value)), "f")
    if not isinstance(value, str):
        raise MappingError(f"{name}={short_repr(value)} must be a number or text.")
    return value


def _raw(value: object) -> str:
    if not isinstance(value, str):
        raise MappingError(f"raw={short_repr(value)} must be text.")
    return value.strip()


def _layer(overlay: object) -> str:
    """Return an overlay as a layer: ``l-text,i-Hello,lx-10,fs-20,l-end`` [docs]."""
    if not isinstance(overlay, Mapping):
        raise MappingError(
            f"overlay={short_repr(overlay)} must be a mapping such as {{'type': 'text', 'text': 'Hello'}}."
        )
    options = _given(overlay)
    kind = _snake(options.get("type", ""))
    if kind not in _LAYERS:
        raise MappingError(f"overlay: {short_repr(kind)} is not a valid type. Use one of {', '.join(_LAYERS)}.")
    start, key = _LAYERS[kind]
    _check_names("overlay", options, {*_OVERLAY, key})
    content = plain_text(f"overlay: {key}", options.get(key, ""))
    if not content:
        raise MappingError(f"An overlay of type {kind!r} needs {key!r}.")
    mode = options.get("layer_mode")
    parts = [
        *(start, *_content(kind, content, options.get("encoding", "auto"))),
        *([f"lm-{_encode_value('layer_mode', mode)}"] if _is_set(mode) else []),
        *_offsets("position", options.get("position", {}), _POSITION),
        *_offsets("timing", options.get("timing", {}), _TIMING),
        _chain(options.get("transformation", ())),
    ]
    return ",".join([*filter(None, parts), "l-end"])


def _content(kind: str, text: str, encoding: str) -> tuple[str, ...]:
    if encoding not in _ENCODINGS:
        raise MappingError(
            f"overlay: {short_repr(encoding)} is not a valid encoding. Use one of {', '.join(_ENCODINGS)}."
        )
    if kind == "solid_color":
        return "i-ik_canvas", f"bg-{_encode_value('color', text)}"
    simple = _PLAIN_TEXT if kind == "text" else _PLAIN_INPUT
    text = text if kind == "text" else text.strip("/")
    if encoding == "base64" or (encoding == "auto" and not simple.fullmatch(text)):
        return (f"ie-{quote(base64.b64encode(text.encode()).decode(), safe='')}",)
    return (f"i-{quote(text, safe='') if kind == 'text' else quote(text.replace('/', '@@'), safe='@')}",)


def _offsets(option: str, offsets: object, names: Mapping[str, str]) -> Iterator[str]:
    """Yield the position or timing of a layer; a negative number is written with an ``N`` [docs]."""
    if not isinstance(offsets, Mapping):
        raise MappingError(f"{option}={short_repr(offsets)} must be a mapping with {', '.join(names)}.")
    values = _given(offsets)
    _check_names(option, values, names)
    for name, key in names.items():
        if _is_set(values.get(name)):
            yield f"{key}-{re.sub('^-', 'N', _encode_value(name, values[name]))}"


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {_snake(name): value for name, value in options.items() if not missing(value)}


def _check_names(option: str, used: Collection[str], names: Collection[str]) -> None:
    for name in used:
        if name not in names:
            raise MappingError(f"{option}: unknown name {name!r}{did_you_mean(name, names, _SIMILAR)}.")
