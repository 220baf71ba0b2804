"""The perceptual hash of a picture, which stays nearly the same when the picture is scaled or recompressed."""

import math
from collections.abc import Sequence
from operator import mul
from statistics import median

from PIL import Image

_SIDE, _KEPT = 32, 8
_COSINES = [[math.cos(math.pi * k * (2 * n + 1) / (2 * _SIDE)) for n in range(_SIDE)] for k in range(_KEPT)]


def phash(picture: Image.Image) -> str:
    """Return the 64-bit pHash as 16 hexadecimal digits [docs; the usual DCT is a guess].

    Similar pictures differ in few bits, so the Hamming distance of two hashes measures how similar they are.
    """
    grey = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS).tobytes()
    rows = [_low(grey[start : start + _SIDE]) for start in range(0, len(grey), _SIDE)]
    frequencies = [value for column in zip(*rows, strict=True) for value in _low(column)]
    middle = median(frequencies[1:])  # without the mean brightness, which would outweigh the rest
    bits = "".join("1" if value > middle else "0" for value in frequencies)
    return f"{int(bits, 2):016x}"


def _low(signal: Sequence[float]) -> list[float]:
    """Return the lowest frequencies of the signal's discrete cosine transform."""
    return [sum(map(mul, signal, wave)) for wave in _COSINES]
