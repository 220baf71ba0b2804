"""How the value of each kind of upload parameter is checked and written as text. Pure."""

from __future__ import annotations

import datetime
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ikpipe.errors import InvalidValue, short_repr
from ikpipe.request.missing import missing, without_missing


def to_text(value: object) -> str:
    """Write a cell as the user sees it: a date without its empty time, a number without tricks."""
    if isinstance(value, str):
        return value
    if isinstance(value, InvalidValue):  # what a journal has of a value that could not be read
        raise value
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time() and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat(" ")
    if isinstance(value, (bytes, Mapping)) or (isinstance(value, Sequence) and not isinstance(value, str)):
        raise InvalidValue("wrong_type", f"{short_repr(value)} is {_kind(value)}, where text is wanted", "give text")
    return str(value)


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


def encodable(text: str) -> bool:
    """Tell text that can be sent: half a character (a lone surrogate) has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_FLAGS = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}


def to_flag(value: object) -> str:
    """Write a boolean: `bool`, ``true/false``, ``yes/no``, ``1/0`` in any case."""
    text = _FLAGS.get(str(value).strip().lower())
    if text is None:
        raise InvalidValue("not_boolean", f"{short_repr(value)} is no boolean", "write true or false")
    return text


TAGS_LENGTH = 500  # characters in all, commas included: the narrower reading of the seed
FOLDER_DEPTH = 50  # levels (seed)


def tag_list(value: object) -> list[str]:
    """Read tags from a list, a JSON list, or comma-separated text."""
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            value = _json(value, list, "a JSON list of tags")
        else:
            return [tag.strip() for tag in value.split(",") if tag.strip()]
    cells = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    items = [to_text(cell).strip() for cell in cells if not missing(cell)]
    for tag in items:
        if "," in tag:
            raise InvalidValue(
                "bad_character", f"the tag {short_repr(tag)} has a comma, which parts tags", "replace the comma"
            )
    return [tag for tag in items if tag]


def encode_tags(value: object) -> str:
    """Write tags as ``a,b,c``: at most 500 characters in all, no ``%`` (seed)."""
    text = ",".join(tag_list(value))
    if "%" in text:
        raise InvalidValue(
            "bad_character", f"{short_repr(text)} has a '%', which is not allowed in tags", "remove the '%'"
        )
    if len(text) > TAGS_LENGTH:
        raise InvalidValue(
            "too_long", f"the tags have {len(text)} characters, {TAGS_LENGTH} are allowed", "use fewer or shorter tags"
        )
    return text


# What is a letter or numeral of any script, or `_`, is `\w` to Python too; marks are not.
_NOT_IN_NAMES = re.compile(r"[^\w.-]")
_NOT_IN_FOLDERS = re.compile(r"[^\w/-]")


def _mended(found: re.Match[str]) -> str:
    """Leave a mark as it is, and put ``_`` for whatever else a name cannot have (seed)."""
    return found[0] if unicodedata.category(found[0])[0] == "M" else "_"


def stored_name(name: str) -> str:
    """Give the name under which the service stores a file: what it does not allow becomes ``_`` (seed)."""
    return _NOT_IN_NAMES.sub(_mended, name)


def folder_levels(folder: str) -> list[str]:
    """Give the levels of a folder path; slashes at the ends and in a row do not count."""
    return [level for level in folder.split("/") if level]


def stored_folder(folder: str) -> str:
    """Give the nearest folder that is allowed."""
    return _NOT_IN_FOLDERS.sub(_mended, folder)


def encode_folder(value: object) -> str:
    """Write a folder path: at most 50 levels (seed). `names.py` replaces characters that the service may not keep."""
    text = to_text(value)
    if (depth := len(folder_levels(text))) > FOLDER_DEPTH:
        raise InvalidValue(
            "too_deep", f"the folder has {depth} levels, {FOLDER_DEPTH} are allowed", "use a shorter folder path"
        )
    return text


def encode_coordinates(value: object) -> str:
    """Write an area of interest as ``x,y,width,height``, in whole pixels (seed)."""
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, (list, tuple)):
        numbers = [re.sub(r"\.0+$", "", str(part).strip()) for part in parts]
        if len(numbers) == 4 and all(re.fullmatch(r"[0-9]+", number) for number in numbers):  # noqa: PLR2004 - x y w h
            return ",".join(numbers)
    raise InvalidValue(
        "bad_coordinates",
        f"{short_repr(value)} is not x,y,width,height",
        "write four whole numbers such as 10,10,100,100",
    )


RESPONSE_FIELDS = (
    *("tags", "customCoordinates", "isPrivateFile", "embeddedMetadata", "customMetadata", "metadata"),  # seed
    *("isPublished", "selectedFieldsSchema"),  # spec
)


def encode_response_fields(value: object) -> str:
    """Write the names of optional response fields, comma-separated."""
    names = tag_list(value)
    for name in names:
        if name not in RESPONSE_FIELDS:
            raise InvalidValue(
                "unknown_name", f"there is no response field {short_repr(name)}", f"use {', '.join(RESPONSE_FIELDS)}"
            )
    return ",".join(names)


def to_json(value: object) -> str:
    """Print JSON, compactly and once: the same text is signed and sent."""
    try:
        return _compact(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(
            "bad_json", f"{short_repr(value)} cannot be written as JSON: {error}", "use plain values"
        ) from None


_DIGITS = 40  # of the longest decimal that is written as an integer


def _json_cell(value: object) -> object:
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        # 1e999999999 has more digits than there is memory: as a float it is infinite, which JSON does not have.
        return int(value) if value.adjusted() < _DIGITS and value == value.to_integral_value() else float(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


# Made once, since `json.dumps` makes an encoder each time.
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_json_cell).encode


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _json(value: object, kind: type, wanted: str) -> Any:
    """Read JSON text, or take a value that is already parsed, and check its outermost kind."""
    if isinstance(value, str):
        try:
            value = json.loads(value, object_pairs_hook=_unique, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidValue("bad_json", f"{short_repr(value)} is not JSON: {error}", f"write {wanted}") from None
    if not isinstance(value, kind) or isinstance(value, str):
        raise InvalidValue("bad_json", f"{short_repr(value)} is {_kind(value)}, not {wanted}", f"write {wanted}")
    return value


def json_object(value: object) -> dict[str, Any]:
    """Read a JSON object from text or from a mapping."""
    return dict(_json(value, Mapping, 'a JSON object such as {"brand": "Nike"}'))


def encode_custom_metadata(value: object) -> str:
    """Write custom metadata, one JSON object of field names and values."""
    return to_json(without_missing(json_object(value)))


_EXTENSION_KEYS = {
    "google-auto-tagging": ("maxTags", "minConfidence"),
    "aws-auto-tagging": ("maxTags", "minConfidence"),
    "remove-bg": (),
    "ai-auto-description": (),
    "ai-tasks": ("tasks",),
    "saved-extension": ("id",),
}


def encode_extensions(value: object) -> str:
    """Write extensions: a JSON array of objects, each with a known name and the keys that this one needs (spec)."""
    items = _json(value, Sequence, 'a JSON array such as [{"name": "remove-bg"}]')
    for item in items:
        name = item.get("name") if isinstance(item, Mapping) else None
        if not isinstance(item, Mapping) or not isinstance(name, str) or name not in _EXTENSION_KEYS:
            known = ", ".join(_EXTENSION_KEYS)
            raise InvalidValue(
                "bad_json", f"{short_repr(item)} has no known name", f'give each extension a "name" of {known}'
            )
        if lacking := [key for key in _EXTENSION_KEYS[name] if key not in item]:
            raise InvalidValue("bad_json", f"the extension {name!r} lacks {', '.join(lacking)}", "add what is lacking")
    return to_json(list(items))


_POST_KEYS = {
    "transformation": ("value",),
    "abs": ("value", "protocol"),
    "gif-to-video": ("value",),
    "thumbnail": ("value",),
}
_OPTIONAL_VALUE = ("gif-to-video", "thumbnail")


def encode_transformation(value: object) -> str:
    """Write pre- and post-transformations: ``{"pre": "w-400", "post": [{"type": …}]}`` (spec)."""
    steps = json_object(value)
    pre = steps.get("pre", "w")
    if not steps or set(steps) - {"pre", "post"} or not isinstance(pre, str) or not pre:
        raise InvalidValue(
            "bad_json", f"{short_repr(value)} is no transformation", 'write {"pre": "w-400"}, "post", or both'
        )
    if not isinstance(steps.get("post", []), Sequence):
        raise InvalidValue(
            "bad_json", f"'post' is {short_repr(steps['post'])}, not a list", 'write {"post": [{"type": …}]}'
        )
    for step in steps.get("post", []):
        _check_post(step)
    return to_json(steps)


def _check_post(step: object) -> None:
    kind = step.get("type") if isinstance(step, Mapping) else None
    if not isinstance(step, Mapping) or not isinstance(kind, str) or kind not in _POST_KEYS:
        raise InvalidValue("bad_json", f"{short_repr(step)} has no known type", f"use one of {', '.join(_POST_KEYS)}")
    keys = _POST_KEYS[kind]
    if unknown := [str(key) for key in step if key not in (*keys, "type")]:
        raise InvalidValue(
            "bad_json", f"a step of type {kind!r} has no {', '.join(unknown)}", f"give {', '.join(keys)}"
        )
    for key in keys:
        needed = key in step or kind not in _OPTIONAL_VALUE
        if needed and (not isinstance(step.get(key), str) or not step[key]):
            raise InvalidValue(
                "bad_json", f"the post-transformation {short_repr(step)} lacks its {key}", f"add {key!r}"
            )
    if kind == "abs" and step["protocol"] not in ("hls", "dash"):
        raise InvalidValue("bad_json", f"{step['protocol']!r} is no streaming protocol", "use 'hls' or 'dash'")
