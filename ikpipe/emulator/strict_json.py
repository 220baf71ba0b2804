"""JSON as its standard has it: what Python's reader takes beyond that could not be answered or stored."""

from __future__ import annotations

import json
import math
from typing import Any


def loads(text: str | bytes) -> Any:
    """Parse JSON.

    Raises
    ------
    ValueError
        If it is none; so also for `NaN`, numbers beyond a double, lone surrogates, and nesting without end.
    """
    try:
        text = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
        value = _DECODER.decode(text)
        if "\\" in text:  # else it has no way to write a lone surrogate
            _ENCODER.encode(value).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of JSON")
    return number


def _whole(text: str) -> int:
    _finite(text)
    return int(text)


# made once: a token alone is read twice
_DECODER = json.JSONDecoder(parse_constant=_finite, parse_float=_finite, parse_int=_whole)
_ENCODER = json.JSONEncoder(ensure_ascii=False)
