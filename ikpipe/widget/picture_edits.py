"""What a page does to a picture before its upload: it is mirrored, rotated, cropped and resized there.

Python never has the picture. It keeps the operations with the row, so that they can be undone and outlive the page,
and the size of the result, which a stored file must have.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

PICTURE = "picture"
"""The column of these edits, as a page sees it: their JSON text."""
MAX_TEXT = 1_000  # characters
MAX_SIDE = 100_000  # pixels
_MAX_BYTES = 2**40
_ORDER = ("mirror", "rotate", "crop", "resize")
_NUMBERS = {"mirror": 0, "rotate": 1, "crop": 4, "resize": 2}
_HASH = re.compile(r"(weak-)?[0-9a-f]{0,64}")


class PictureEdit(NamedTuple):
    """The operations in their order, and their result: pixels, bytes, and the page's hash of the bytes."""

    operations: list[list[Any]]
    width: int
    height: int
    size: int
    hash: str

    @classmethod
    def read(cls, text: object) -> Self:
        """Read what a page sent; raise `ValueError` if it is invalid."""
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            raise ValueError("a picture's edits are a short text")
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("a picture's edits are not JSON") from None
        if not isinstance(content, dict) or not isinstance(content.get("operations"), list):
            raise ValueError("a picture's edits have no operations")  # noqa: TRY004 - a message, whatever is in it
        operations = [_operation(item) for item in content["operations"]]
        places = [_ORDER.index(name) for name, *_ in operations]
        if not places or places != sorted(set(places)):
            raise ValueError("a picture's operations have another order")
        sides = _integer(content.get("width"), 1, MAX_SIDE), _integer(content.get("height"), 1, MAX_SIDE)
        return cls(operations, *sides, _integer(content.get("size"), 1, _MAX_BYTES), _hash(content))

    def to_message(self) -> dict[str, Any]:
        """Return what a page gets."""
        return self._asdict()


def _operation(item: object) -> list[Any]:
    if not isinstance(item, list) or not item or not isinstance(item[0], str) or item[0] not in _ORDER:
        raise ValueError("a picture has an unknown operation")
    name, *numbers = item
    if len(numbers) != _NUMBERS[name]:
        raise ValueError(f"{name} has another number of values")
    least = [0, 0, 1, 1] if name == "crop" else [1] * len(numbers)
    values = [_integer(number, low, MAX_SIDE) for number, low in zip(numbers, least, strict=True)]
    if name == "rotate" and values[0] not in (90, 180, 270):
        raise ValueError("rotate is not 90, 180 or 270")
    return [name, *values]


def _integer(value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError("a number of a picture's edits is out of range")
    return value


def _hash(content: Mapping[str, Any]) -> str:
    value = content.get("hash", "")
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError("the hash of a picture is invalid")
    return value
