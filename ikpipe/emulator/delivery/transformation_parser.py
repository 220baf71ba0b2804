"""Parses transformations: `w-400,h-300:rt-90` becomes a chain of steps, each a mapping of keys to values.

`,` separates the keys of a step, `:` separates steps, and a layer has steps of its own [docs]. Unknown parts are
collected: a rule says whether they are ignored or rejected.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from ikpipe.emulator.delivery.value_checks import IMAGE_LAYER, PLACEMENT, TEXT_LAYER, VALUES, Checks

THUMBNAIL = "w-400,h-400,c-at_max,f-auto"
"""The media library's thumbnails [guess: neither size nor format is documented]."""
BUILT_IN = {"media_library_thumbnail": THUMBNAIL, "ik_ml_thumbnail": THUMBNAIL}
"""The named transformations of every account [upload docs; newer docs for the second name]."""
CANVAS = "ik_canvas"
"""The image of a layer that is a block of one color [docs]."""
MOST_LEVELS = 3
"""How deep layers are nested [docs]; a deeper one is ignored [guess]."""

_PART = re.compile(r"([^,:]*)([,:]|$)")
_BLOCK_START = re.compile(r"(?:l-(?!end\b)|if-(?!end\b|else\b)).*")
_LAYERS = {"l-image": IMAGE_LAYER, "l-text": TEXT_LAYER}


class BadTransformationError(ValueError):
    """A transformation that is not possible; its text says why."""


class Step(dict[str, str]):
    """The keys of one step with their values, and the layers that it puts on the image, from bottom to top."""

    def __init__(self, keys: Mapping[str, str] | None = None, layers: Iterable["Layer"] = ()) -> None:
        super().__init__(keys or {})
        self.layers = list(layers)

    def without(self, *keys: str) -> Self:
        """Return a copy without some keys."""
        return type(self)({key: value for key, value in self.items() if key not in keys}, self.layers)


@dataclass(slots=True)
class Layer:
    """An image or a text on top of an image: `l-image,i-logo.png,w-100,lx-10,l-end`.

    `image` is the path of the image in the library, or `CANVAS`; `text` is the text of a text layer. `placement` has
    the keys that say where the layer is and how it is blended; `steps` are its own transformation, at least one.
    """

    steps: list[Step]
    placement: Step
    image: str | None = None
    text: str = ""

    @property
    def font(self) -> str | None:
        """The path of the font in the library; None for one of the service's fonts."""
        name = next((step["ff"] for step in reversed(self.steps) if "ff" in step), "")
        return library_path(name) if "." in name else None


@dataclass(slots=True)
class Chain:
    """A parsed transformation: its steps in order, and the unknown parts as written.

    `named`: it has only named transformations, which also work on private files [upload docs]. `thumbnail`: it has a
    built-in thumbnail.
    """

    steps: list[Step] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    named: bool = False
    thumbnail: bool = False

    def get(self, key: str) -> str | None:
        """Return the last value of a key in all steps, for keys of the whole result such as format and quality."""
        return next((step[key] for step in reversed(self.steps) if key in step), None)

    def ignore(self, key: str) -> None:
        """Move a key that has no effect on this file to the ignored parts."""
        self.ignored += [f"{key}-{step.pop(key)}" for step in self.steps if key in step]

    @property
    def files(self) -> list[str]:
        """The paths of all files in the library that layers need: images and fonts."""
        layers = [layer for step in all_steps(self.steps) for layer in step.layers]
        paths = [path for layer in layers for path in (layer.image, layer.font)]
        return [path for path in dict.fromkeys(paths) if path is not None and path != CANVAS]


def all_steps(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield steps and those of their layers, at all levels."""
    for step in steps:
        yield step
        for layer in step.layers:
            yield from all_steps(layer.steps)


def parse_transformation(text: str, named: Mapping[str, str]) -> Chain:
    """Parse a transformation; `named` has the account's named transformations.

    Raise `BadTransformationError` if a named transformation does not exist [spec: such a request fails].
    """
    chain, only_named, ignored_in_named = Chain(), True, list[str]()
    for items in _items(text, chain.ignored):
        names = [item[2:] for item in items if isinstance(item, str) and item.startswith("n-")]
        for name in names:
            chain.steps += _named_steps(name, named, ignored_in_named)
            chain.thumbnail |= name in BUILT_IN
            chain.named = True
        others = [item for item in items if not (isinstance(item, str) and item.startswith("n-"))]
        if others:
            only_named = False
            chain.steps.append(_step(others, VALUES, chain.ignored))
    chain.named &= only_named and not chain.ignored
    chain.ignored += ignored_in_named
    return chain


def _named_steps(name: str, named: Mapping[str, str], ignored: list[str]) -> list[Step]:
    text = named.get(name) or BUILT_IN.get(name)
    if text is None:
        raise BadTransformationError(f"Unknown named transformation {name}.")
    return [_step(items, VALUES, ignored) for items in _items(text, ignored)]


# From text to parts and layers


class _Block(NamedTuple):
    """A layer as written: its start, and its steps."""

    start: str
    steps: list[list["str | _Block"]]


_Items = list[str | _Block]


def _items(text: str, ignored: list[str]) -> list[_Items]:
    steps, _ = _split(iter(_PART.findall(text.removeprefix("tr:"))), ignored, 0)
    return steps


def _split(tokens: Iterator[tuple[str, str]], ignored: list[str], level: int) -> tuple[list[_Items], str]:
    """Split a transformation, or the rest of a layer, into steps; return them and the separator after the layer.

    A layer that is not closed ends with the transformation [guess]. Conditions, and layers of other kinds, are ignored
    as a whole.
    """
    steps: list[_Items] = [[]]
    for token in tokens:
        part, separator = token
        if part == "l-end" and level:
            return [step for step in steps if step], separator
        if part in _LAYERS and level < MOST_LEVELS:
            inner, separator = _split(tokens, ignored, level + 1)
            steps[-1].append(_Block(part, inner))
        elif _BLOCK_START.fullmatch(part):
            ignored.append(part)  # the start of a block stands for all of it
            separator = _skip(tokens, ignored)
        elif part:
            steps[-1].append(part)
        if separator == ":":
            steps.append([])
    return [step for step in steps if step], ""


def _skip(tokens: Iterator[tuple[str, str]], ignored: list[str]) -> str:
    """Skip the rest of a block; return the separator after it."""
    depth = 1
    for part, separator in tokens:
        if _BLOCK_START.fullmatch(part):
            depth += 1
            ignored.append(part)
        depth -= part in {"l-end", "if-end"}
        if depth == 0:
            return separator
    return ""


# From parts to steps


def _step(items: _Items, checks: Checks, ignored: list[str]) -> Step:
    step = Step()
    for item in items:
        if isinstance(item, _Block):
            step.layers += _layer(item, ignored)
            continue
        key, value = _key_and_value(item)
        if key in checks and checks[key](value):
            step[key] = value
        else:
            ignored.append(item)
    return step


def _key_and_value(part: str) -> tuple[str, str]:
    """Split a part into key and value; an effect's key has two words: `e-sharpen-10`."""
    words = part.split("-", 2)
    if words[0] == "e" and len(words) > 1:
        return "-".join(words[:2]), "".join(words[2:])
    key, _, value = part.partition("-")
    return key, value


def _layer(block: _Block, ignored: list[str]) -> list[Layer]:
    """Return a layer, or nothing if it has no image and no text."""
    steps = [_step(items, _LAYERS[block.start], ignored) for items in block.steps]
    own = {key: value for step in steps for key, value in step.items() if key in PLACEMENT}
    source = _source(own)
    if not source:
        ignored.append(block.start)
        return []
    steps = [step.without(*PLACEMENT) for step in steps]
    if block.start == "l-text":
        return [Layer(steps, Step(own), text=source)]
    return [Layer(steps, Step(own), image=CANVAS if source == CANVAS else library_path(source))]


def _source(keys: Mapping[str, str]) -> str:
    """Return the image or text of a layer: `ie` in Base64, else `i` [docs]."""
    encoded = keys.get("ie")
    if encoded is None:
        return keys.get("i", "")
    with_padding = encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4)
    try:
        return base64.b64decode(with_padding, b"-_" if set("-_") & set(encoded) else None, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise BadTransformationError(f"ie-{encoded} is not text in Base64.") from None


def library_path(name: str) -> str:
    """Return the path of a file that a layer names, whose slashes are written `@@` [docs]."""
    return "/" + name.replace("@@", "/").strip("/")
