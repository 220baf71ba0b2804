"""Limits for the content of files: an allow list of dtypes, patterns for offsets and time zones, a maximum depth.

pandas and numpy build much more from a name than tables need: structured and sub-array dtypes (``"(300000000,)u1"``),
times in steps of zero units (which end the process), zones that are files of this machine (``dateutil//etc/passwd``).
These functions match the whole of a name before they use it.
"""

import re
from typing import Any

import numpy as np

DEEPEST = 200
"""Maximum depth of nested JSON, whose values are processed recursively."""
LONGEST = 1_000_000
"""Maximum rows of a frame without columns: nothing in its text shows their number."""

_STEPS = r"(?:[1-9][0-9]{0,5})?(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)"
_NUMBER = r"(?:bool|u?int(?:8|16|32|64)|float(?:16|32|64)|complex(?:64|128))"
_ARRAY = re.compile(
    rf"object|[|]O|{_NUMBER}|float(?:96|128)|complex(?:192|256)|[<>=|]?(?:b1|[iu][1248]|f(?:2|4|8|12|16)|c(?:8|16|24|32))"
    rf"|(?:datetime64|timedelta64|[<>=|]?[mM]8)(?:\[{_STEPS}\])?|[<>=|]?[US][0-9]{{1,8}}"
)
_UNIT = r"(?:s|ms|us|ns)"
_WORD = r"[A-Za-z0-9_+\-]+"
_ZONE = rf"(?!dateutil|tz|[_+\-]){_WORD}(?:/{_WORD}){{0,3}}(?::[0-9]{{2}}){{0,2}}|[+\-][0-9:]{{5,8}}|tzlocal\(\)"
_OFFSET = r"[+\-]?(?:[1-9][0-9]{0,8})?[A-Za-z]{1,6}(?:-[A-Za-z0-9]{1,5}){0,4}"
_TIMES = rf"datetime64\[{_UNIT}(?:, (?:{_ZONE}))?\]|timedelta64\[{_UNIT}\]"
_ARROW = (
    r"u?int(?:8|16|32|64)|bool|halffloat|float|double|null|(?:large_)?(?:string|utf8|binary)"
    rf"|date32\[day\]|date64\[ms\]|time32\[m?s\]|time64\[[un]s\]|duration\[{_UNIT}\]"
    rf"|timestamp\[{_UNIT}(?:, tz=(?:{_ZONE}))?\]"
)
_COLUMN = re.compile(
    rf"object|{_NUMBER}|{_TIMES}|U?Int(?:8|16|32|64)|Float(?:32|64)|boolean|str|string(?:\[(?:python|pyarrow)\])?"
    rf"|period\[{_OFFSET}\]|interval(?:\[(?:{_NUMBER}|{_TIMES})(?:, (?:left|right|both|neither))?\])?"
    rf"|Sparse\[{_NUMBER}, [A-Za-z0-9.+\-]{{1,40}}\]|(?:{_ARROW})\[pyarrow\]"
)
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)


def is_column_dtype(name: object) -> bool:
    """Whether a column of a file may have the dtype of this name."""
    return isinstance(name, str) and _COLUMN.fullmatch(name) is not None


def array_dtype(name: object) -> "np.dtype[Any]":
    """Return the dtype of an array in a cell; raise `ValueError` if it is not in the allow list."""
    if not isinstance(name, str) or not _ARRAY.fullmatch(name):
        raise ValueError("an array has a dtype that is not a plain one")
    return np.dtype(name)


def offset(name: object) -> str:
    """Return the name of a frequency; raise `ValueError` if it does not look like one."""
    if not isinstance(name, str) or not re.fullmatch(_OFFSET, name):
        raise ValueError("there is a frequency that is not valid")
    return name


def is_zone(name: str) -> bool:
    """Whether this looks like the name of a time zone or an offset, and not like a path."""
    return re.fullmatch(_ZONE, name) is not None


def shallow(text: str) -> str:
    """Return JSON text; raise `ValueError` if it is nested too deeply."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return text
    depth = 0
    for token in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} levels deep")
    return text


def count(number: object, most: int) -> int:
    """Return a whole number from 0 to `most`; raise `ValueError` if it is something else."""
    if type(number) is not int or not 0 <= number <= most:
        raise ValueError("there is a count that does not fit the rest")
    return number
