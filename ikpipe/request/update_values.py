"""Check the values that only `ikpipe.update` takes: which file, and what is removed from it. Pure."""

import re
from collections.abc import Mapping, Sequence

from ikpipe.errors import InvalidValue, quoted
from ikpipe.request.missing import missing
from ikpipe.request.values import json_list, to_json, to_text

REMOVABLE = {
    "tags": "tags",
    "custom_metadata": "customMetadata",
    "description": "description",
    "custom_coordinates": "customCoordinates",
}
"""The details that can be removed from a file: parameter → name in the API."""

_ID = re.compile(r"[A-Za-z0-9_-]+")
_METADATA = "custom_metadata"


def encode_file_id(value: object) -> str:
    """Return the id of a file; it becomes a part of URLs."""
    text = to_text(value).strip()
    if not _ID.fullmatch(text):
        words = f"must be an id such as 65f0c1d2e3a4b5c6d7e8f901, not {quoted(text)}."
        raise InvalidValue.breaks(words, "wrong_type", "Use the id that upload or files returned.")
    return text


def encode_file_path(value: object) -> str:
    """Return the path of a file that is in the library, which is used as it is."""
    text = to_text(value)
    path = text if text.startswith("/") else f"/{text}"
    if path.endswith("/"):
        words = f"must end with the name of a file, not {quoted(text)}."
        raise InvalidValue.breaks(words, "missing_name", "Use the path that upload or files returned.")
    return path


def encode_unset(value: object) -> str:
    """Return the names of details that are removed from a file, as a JSON list."""
    if isinstance(value, str):
        value = json_list(value, "a list of details") if value.lstrip().startswith("[") else value.split(",")
    if isinstance(value, Mapping) or not isinstance(value, (Sequence, set, frozenset)):
        raise InvalidValue.breaks(f"must be a list, not {quoted(value)}.", "wrong_type", _FIX)
    names = [to_text(name).strip() for name in value if not missing(name)]
    return to_json(list(dict.fromkeys(_removable(name) for name in names if name)))


_FIX = f"Use any of {', '.join(REMOVABLE)}, or {_METADATA}.FIELD."


def _removable(name: str) -> str:
    """Return the name of a detail that can be removed; raise `InvalidValue` if it is none."""
    head, dot, field = name.partition(".")
    known = next((one for one, wire in REMOVABLE.items() if head in (one, wire)), None)
    if known is None or (dot and (known != _METADATA or not field)):
        raise InvalidValue.breaks(f"cannot include {quoted(name)}, which no file can be without.", "unknown_name", _FIX)
    return f"{known}.{field}" if dot else known
