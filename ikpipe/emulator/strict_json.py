"""A JSON parser that rejects what Python's own accepts beyond the standard, and what could not be stored or sent."""

import json
import math
from typing import Any


def loads(text: str | bytes) -> Any:
    """Parse JSON.

    Raise `ValueError` if the text is not valid JSON, has `NaN`, numbers outside the range of a double or lone
    surrogates, or is nested too deeply.
    """
    try:
        text = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
        value = _DECODER.decode(text)
        if "\\" in text:  # only an escape can write a lone surrogate
            _ENCODER.encode(value).encode()
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None
    return value


def _parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a valid JSON number.")
    return number


def _parse_int(text: str) -> int:
    _parse_float(text)
    return int(text)


# created once: reading a token needs the decoder twice
_DECODER = json.JSONDecoder(parse_constant=_parse_float, parse_float=_parse_float, parse_int=_parse_int)
_ENCODER = json.JSONEncoder(ensure_ascii=False)
