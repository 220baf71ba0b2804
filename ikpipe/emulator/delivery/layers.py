"""Applies the steps of a transformation to an image, with the layers that they put on it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageChops, ImageOps

from ikpipe.emulator.delivery.effects import apply_step
from ikpipe.emulator.delivery.limits import PixelBudget
from ikpipe.emulator.delivery.resize import ANCHORS, Box, Frame, Size, parse_color
from ikpipe.emulator.delivery.text_layer import draw_text
from ikpipe.emulator.delivery.transformation_parser import CANVAS, Layer, Step
from ikpipe.emulator.media.open_image import open_image

_OPAQUE = re.compile("[0-9A-Fa-f]{6}")


@dataclass(slots=True)
class Rendering:
    """What the steps of one transformation share: the client's hints, the files of layers by path, the budget."""

    hints: Mapping[str, float]
    files: Mapping[str, Path]
    budget: PixelBudget = field(default_factory=PixelBudget)

    def apply(
        self, image: Image.Image, steps: Iterable[Step], *, base: Size | None = None, custom: Box | None = None
    ) -> Image.Image:
        """Apply steps to an image; for a layer, `base` is the size of the image below it."""
        initial = image.size
        for step in steps:
            image = apply_step(image, step, Frame(initial, image.size, self.hints, custom, base))
            self.budget.spend(image.size)
            image = self._with_layers(image, step)
        return image

    def _with_layers(self, image: Image.Image, step: Step) -> Image.Image:
        """Put the layers of a step on the image that its other keys have made [guess]."""
        for layer in step.layers:
            over = self._drawn(layer, image.size).convert("RGBA")
            self.budget.spend(image.size)
            image = _blend(image, over, _place(layer.placement, image.size, over.size), layer.placement.get("lm"))
        return image

    def _drawn(self, layer: Layer, base: Size) -> Image.Image:
        if layer.image == CANVAS:
            return self._canvas(layer.steps, base)
        if layer.image is not None:
            return self._image(self.files[layer.image], layer, base)
        return self._text(layer, base)

    def _canvas(self, steps: list[Step], base: Size) -> Image.Image:
        """Return a block of one color, as large as the image below unless it has sides of its own [guess]."""
        keys = _merged(steps)
        color = keys.get("bg", "black")
        block = Image.new("RGBA", base, parse_color(color, Image.new("RGB", (1, 1))))
        if "al" in keys and _OPAQUE.fullmatch(color):  # a name and an opacity in `bg` take precedence [docs]
            block.putalpha(round(int(keys["al"]) * 25.5))
        own = [Step({"c": "force"} | step.without("bg", "al"), step.layers) for step in steps]
        return self.apply(block, own, base=base)

    def _image(self, file: Path, layer: Layer, base: Size) -> Image.Image:
        with open_image(file, file.stat().st_size) as source:
            self.budget.spend(source.size)
            image = upright(source)
        first, *rest = layer.steps
        if not any("t" in step for step in layer.steps):  # by default, edges of one color are trimmed [docs]
            first = Step(first | {"t": "true"}, first.layers)
        return self.apply(image, [first, *rest], base=base)

    def _text(self, layer: Layer, base: Size) -> Image.Image:
        keys = _merged(layer.steps)
        font = self.files[layer.font] if layer.font else None
        text = draw_text(layer.text, keys, Frame(base, base, self.hints, base=base), font)
        self.budget.spend(text.size)
        # corners are rounded before a rotation, which adds transparent ones
        shapes = [Step({key: keys[key] for key in group if key in keys}) for group in (("r",), ("rt", "fl"))]
        shapes[-1].layers = [over for step in layer.steps for over in step.layers]
        return self.apply(text, shapes, base=base)


def _merged(steps: list[Step]) -> Step:
    return Step({key: value for step in steps for key, value in step.items()})


def upright(source: Image.Image) -> Image.Image:
    """Return an open image as RGB or RGBA, rotated as its EXIF data says, without metadata."""
    image = ImageOps.exif_transpose(source).convert("RGBA" if source.has_transparency_data else "RGB")
    # encoders would write metadata from there
    image.info = {}
    return image


def _place(keys: Mapping[str, str], base: Size, over: Size) -> tuple[int, int]:
    """Return the position of a layer's top left corner on the image below it."""
    frame = Frame(over, over, base=base)
    if not keys.keys() & {"lx", "ly", "lxc", "lyc"}:
        anchor = ANCHORS[keys.get("lfo", "center")]
        left, top = (round((base[axis] - over[axis]) * anchor[axis]) for axis in (0, 1))
    else:
        left, top = (_offset(keys, axis, frame) for axis in (0, 1))
    return left, top


def _offset(keys: Mapping[str, str], axis: int, frame: Frame) -> int:
    """Return a coordinate: 0 if only the other one is given [guess].

    The offset is counted from the anchor of the image below [sdk], by default the top left corner, to the same point of
    the layer [guess], or to its center. A negative one without an anchor is counted from the opposite edge [guess: docs
    have "to change the direction"]. A layer outside of the image is moved to its edge [docs].
    """
    corner, center = (("lx", "lxc"), ("ly", "lyc"))[axis]
    text = keys.get(corner) or keys.get(center) or "0"
    offset = frame.number(text.removeprefix("N"))
    negative = text.startswith("N")
    anchor = ANCHORS[keys["lap"]][axis] if "lap" in keys else float(negative)
    below, size = (frame.base or frame.current)[axis], frame.current[axis]
    point = 0.5 if center in keys and corner not in keys else anchor
    start = round(max(-1e6, min(1e6, below * anchor + (-offset if negative else offset) - size * point)))
    if start >= below:
        return max(0, below - size)
    return 0 if start + size <= 0 else start


def _blend(image: Image.Image, over: Image.Image, at: tuple[int, int], mode: str | None) -> Image.Image:
    """Put an RGBA image on another one; what extends beyond it is cropped."""
    left, top = at
    right, bottom = min(over.width, image.width - left), min(over.height, image.height - top)
    over = over.crop((max(0, -left), max(0, -top), right, bottom))
    left, top = max(0, left), max(0, top)
    if mode in {"cutter", "cutout"}:
        return _masked(image, over, (left, top), keep=mode == "cutter")
    if mode == "multiply":
        below = image.crop((left, top, left + over.width, top + over.height)).convert("RGB")
        product = ImageChops.multiply(below, over.convert("RGB"))
        product.putalpha(over.getchannel("A"))
        over = product
    if image.mode == "RGBA":
        image.alpha_composite(over, (left, top))
    else:
        image.paste(over, (left, top), over)
    return image


def _masked(image: Image.Image, over: Image.Image, at: tuple[int, int], *, keep: bool) -> Image.Image:
    """Make an image transparent below the opaque parts of a layer, or, with `keep`, everywhere else."""
    mask = Image.new("L", image.size, 0)
    mask.paste(over.getchannel("A"), at)
    image = image.convert("RGBA")
    image.putalpha(ImageChops.multiply(image.getchannel("A"), mask if keep else ImageChops.invert(mask)))
    return image
