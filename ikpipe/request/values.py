"""Check the value of each kind of upload parameter, and write it as the text that is sent. Pure.

A value that breaks a rule is an `InvalidValue` that does not say which parameter it is of: see `InvalidValue.breaks`.
"""

import datetime
import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ikpipe.errors import InvalidValue, Message, keyword, quoted
from ikpipe.request.missing import missing, without_missing

EXACT_FLOATS = 2**53  # from here on, a float stands for several integers (IEEE 754)


def lost_digits(value: object) -> InvalidValue:
    """Return the problem of a number whose last digits the table has lost, because it was stored as a float."""
    words = f"The number {value} has lost its last digits, since the table stores it as a floating-point number."
    return InvalidValue("lost_digits", words, 'Read or store the column as text or as integers, such as dtype="Int64".')


def to_text(value: object) -> str:
    """Return a cell as the user sees it: a date without its empty time, a number as Python prints it."""
    if isinstance(value, str):
        return value
    if isinstance(value, InvalidValue):  # a journal's entry for a value that could not be read
        raise value
    if isinstance(value, float) and EXACT_FLOATS <= abs(value) < math.inf:
        raise lost_digits(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(value, (bytes, Mapping, Sequence)):
        words = f"must be text, not {_shown(value)}."
        raise InvalidValue.breaks(words, "wrong_type", "Replace it with text.")
    return str(value)


def _shown(value: object) -> str:
    """Return a value for a message, with its type unless it is text."""
    return quoted(value) if isinstance(value, str) else f"{quoted(value)} (type {type(value).__name__})"


def encodable(text: str) -> bool:
    """Whether a text can be sent: a lone surrogate has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


TRUE_WORDS = {"true", "yes", "1", "1.0"}
FALSE_WORDS = {"false", "no", "0", "0.0"}


def to_flag(value: object) -> str:
    """Return ``true`` or ``false`` for a `bool`, ``true/false``, ``yes/no`` or ``1/0`` in any case."""
    word = str(value).strip().lower()
    if word in TRUE_WORDS:
        return "true"
    if word in FALSE_WORDS:
        return "false"
    other = Message("Use true or false, or name your own words with ", keyword("true_values"), ".")
    raise InvalidValue.breaks(f"must be true or false, not {quoted(value)}.", "not_boolean", other)


_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)\d*(Z|[+-]\d{2}:\d{2})?)?", re.ASCII
)


def iso_date(value: datetime.date | str) -> str:
    """Return a date, or a date and time, as ISO 8601 text in the extended form, with at most 6 digits of a second.

    Raise `ValueError` if text is not a date in that form (``20261130`` and ``2026-W48-1`` are ISO 8601 too, but not in
    it).
    """
    if isinstance(value, datetime.datetime) and (offset := value.utcoffset()) is not None and offset.seconds % 60:
        value = value.astimezone(datetime.UTC)  # a historical zone, whose offset has seconds
    parts = _ISO.fullmatch(value.strip() if isinstance(value, str) else value.isoformat())
    if parts is None:
        raise ValueError(value)
    day, time, zone = parts.groups("")
    text = f"{day}T{time}{zone}" if time else day
    datetime.datetime.fromisoformat(text)
    return text


TAGS_LENGTH = 500  # characters of all tags, commas included: the narrower reading [upload docs]
FOLDER_DEPTH = 50  # levels [upload docs]


def separated(text: str, separator: str = ",") -> list[str]:
    """Return the tags of a text, without spaces around them and empty ones."""
    return [tag.strip() for tag in text.split(separator) if tag.strip()]


def tag_list(value: object) -> list[str]:
    """Return the tags of a list, a JSON list, or comma-separated text."""
    if isinstance(value, str):
        check_not_printed(value)
        if not value.lstrip().startswith("["):
            return separated(value)
        value = _json(value, list, "a JSON list of tags", f"Use {_listed(value)}.")
    cells = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    items = [to_text(cell).strip() for cell in cells if not missing(cell)]
    for tag in items:
        if "," in tag:
            words = f"cannot have a comma inside a tag: {quoted(tag)}."
            raise InvalidValue.breaks(words, "bad_character", "Replace the comma.")
    return [tag for tag in items if tag]


_CODE = re.compile(r"\{.*\}|(set|tuple|list|array|frozenset|Index)?\(\s*[\[({'\"].*\)", re.DOTALL)
_ITEM = re.compile(r"""'([^']*)'|"([^"]*)"|([^\s,:'"(){}\[\]]+)""")


def check_not_printed(text: str) -> None:
    """Check that text is not a list as PostgreSQL or Python prints it, whose braces and quotes would be in the tags."""
    if _CODE.fullmatch(text.strip()):
        words = f"must be a list, not {quoted(text)}, which is how a program prints one."
        raise InvalidValue.breaks(words, "bad_json", f"Use {_listed(text)}.")


def _listed(text: str) -> str:
    """Return the items of a printed list as a JSON list, which every separator allows, for the fix of a problem."""
    items = [one or two or three for one, two, three in _ITEM.findall(text)]
    return json.dumps(items, ensure_ascii=False) if items and len(text) <= _SHOWN else 'a list such as ["red", "blue"]'


_SHOWN = 50  # characters of a list that a fix repeats


def encode_tags(value: object) -> str:
    """Return tags as ``a,b,c``: at most 500 characters, no ``%`` [upload docs]."""
    text = ",".join(tag_list(value))
    if "%" in text:
        raise InvalidValue.breaks(f'cannot contain "%": {quoted(text)}.', "bad_character", 'Remove the "%".')
    if len(text) > TAGS_LENGTH:
        words = f"must not exceed {TAGS_LENGTH} characters in all, but have {len(text):,}."
        raise InvalidValue.breaks(words, "too_long", "Use fewer or shorter tags.")
    return text


# Python's `\w` has the letters and numerals of any script, and `_`, but not the marks.
_NOT_IN_NAMES = re.compile(r"[^\w.-]")
_NOT_IN_FOLDERS = re.compile(r"[^\w/-]")


def _replacement(match: re.Match[str]) -> str:
    """Return a mark as it is, and ``_`` for any other character that a name cannot have [upload docs]."""
    return match[0] if unicodedata.category(match[0])[0] == "M" else "_"


def stored_name(name: str) -> str:
    """Return the name under which the service stores a file: other characters become ``_`` [upload docs]."""
    return _NOT_IN_NAMES.sub(_replacement, name)


def folder_levels(folder: str) -> list[str]:
    """Return the levels of a folder path; slashes at the ends and repeated slashes do not count."""
    return [level for level in folder.split("/") if level]


def stored_folder(folder: str) -> str:
    """Return the folder in which the service stores a file: other characters become ``_`` [upload docs]."""
    return _NOT_IN_FOLDERS.sub(_replacement, folder)


def encode_folder(value: object) -> str:
    """Return a folder path: at most 50 levels [upload docs]. `names.py` replaces characters that may not be kept."""
    text = to_text(value)
    if (depth := len(folder_levels(text))) > FOLDER_DEPTH:
        words = f"must not exceed {FOLDER_DEPTH} levels, but has {depth:,}."
        raise InvalidValue.breaks(words, "too_deep", "Use a shorter folder path.")
    return text


def encode_coordinates(value: object) -> str:
    """Return a focus area as ``x,y,width,height``, in whole pixels [upload docs]."""
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, (list, tuple)):
        numbers = [re.sub(r"\.0+$", "", str(part).strip()) for part in parts]
        if len(numbers) == 4 and all(re.fullmatch(r"[0-9]+", number) for number in numbers):  # noqa: PLR2004 - x y w h
            return ",".join(numbers)
    words = f"must be x,y,width,height, not {quoted(value)}."
    raise InvalidValue.breaks(words, "bad_coordinates", "Use four whole numbers, such as 10,10,100,100.")


RESPONSE_FIELDS = (
    *("tags", "customCoordinates", "isPrivateFile", "embeddedMetadata", "customMetadata", "metadata"),  # [upload docs]
    *("isPublished", "selectedFieldsSchema"),  # [spec]
)


def encode_response_fields(value: object) -> str:
    """Return the names of optional response fields, comma-separated."""
    names = tag_list(value)
    for name in names:
        if name not in RESPONSE_FIELDS:
            words = f"cannot include {quoted(name)}, which is not a response field."
            raise InvalidValue.breaks(words, "unknown_name", f"Use any of {', '.join(RESPONSE_FIELDS)}.")
    return ",".join(names)


def to_json(value: object) -> str:
    """Return compact JSON text: the same text is signed and sent."""
    try:
        return _compact(value)
    except (TypeError, ValueError, RecursionError) as error:
        words = f"cannot be written as JSON: {quoted(value)} ({error})."
        raise InvalidValue.breaks(words, "bad_json", "Use text, numbers, booleans, lists and objects.") from None


_DIGITS = 40  # of the largest decimal that is written as an integer


def _json_cell(value: object) -> object:
    if isinstance(value, datetime.date):
        return iso_date(value)
    if isinstance(value, Decimal):
        # 1e999999999 has too many digits to write out: as a float it is infinite, which JSON does not have.
        return int(value) if value.adjusted() < _DIGITS and value == value.to_integral_value() else float(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return value.tolist()
    raise TypeError(f"JSON has no {type(value).__name__}")


# `json.dumps` would make an encoder each time.
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_json_cell).encode


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise ValueError("it has a key twice")
    return unique


def _no_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


def _json(value: object, kind: type, expected: str, fix: str = "Correct the JSON.") -> Any:
    """Return the value of JSON text, or a value that is already parsed, if it is of a kind."""
    if isinstance(value, str):
        try:
            value = json.loads(value, object_pairs_hook=_unique, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            words = f"must be {expected}, not {quoted(value)} ({error})."
            raise InvalidValue.breaks(words, "bad_json", fix) from None
    if not isinstance(value, kind) or isinstance(value, str):
        raise InvalidValue.breaks(f"must be {expected}, not {_shown(value)}.", "bad_json", "Correct the JSON.")
    return value


def json_list(text: str, expected: str) -> list[Any]:
    """Return the items of a JSON list; `expected` says what the text must be."""
    return list(_json(text, list, expected))


def json_object(value: object) -> dict[str, Any]:
    """Return a JSON object from text or from a mapping."""
    return dict(_json(value, Mapping, 'a JSON object such as {"brand": "Nike"}'))


def encode_custom_metadata(value: object) -> str:
    """Return custom metadata as one JSON object of field names and values."""
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
    """Return extensions: a JSON array of objects, each with a known name and the keys that it needs [spec]."""
    items = _json(value, Sequence, 'a JSON array such as [{"name": "remove-bg"}]')
    for item in items:
        name = item.get("name") if isinstance(item, Mapping) else None
        if not isinstance(item, Mapping) or not isinstance(name, str) or name not in _EXTENSION_KEYS:
            words = f"cannot include {quoted(item)}, which has no known name."
            fix = f'Give each extension a "name": one of {", ".join(_EXTENSION_KEYS)}.'
            raise InvalidValue.breaks(words, "bad_json", fix)
        if missing_keys := ", ".join(key for key in _EXTENSION_KEYS[name] if key not in item):
            words = f"must have {missing_keys} in the extension {quoted(name)}."
            raise InvalidValue.breaks(words, "bad_json", f"Add {missing_keys}.")
    return to_json(list(items))


_POST_KEYS = {
    "transformation": ("value",),
    "abs": ("value", "protocol"),
    "gif-to-video": ("value",),
    "thumbnail": ("value",),
}
_OPTIONAL_VALUE = ("gif-to-video", "thumbnail")


def encode_transformation(value: object) -> str:
    """Return pre- and post-transformations: ``{"pre": "w-400", "post": [{"type": …}]}`` [spec]."""
    steps = json_object(value)
    pre = steps.get("pre", "w")
    if not steps or set(steps) - {"pre", "post"} or not isinstance(pre, str) or not pre:
        words = f'must have "pre", "post" or both, and nothing else: {quoted(value)}.'
        raise InvalidValue.breaks(words, "bad_json", 'Use {"pre": "w-400"}, for example.')
    if not isinstance(steps.get("post", []), Sequence):
        words = f'must have a list as "post", not {quoted(steps["post"])}.'
        raise InvalidValue.breaks(words, "bad_json", 'Use {"post": [{"type": …}]}.')
    for step in steps.get("post", []):
        _check_post(step)
    return to_json(steps)


def _check_post(step: object) -> None:
    kind = step.get("type") if isinstance(step, Mapping) else None
    if not isinstance(step, Mapping) or not isinstance(kind, str) or kind not in _POST_KEYS:
        words = f'cannot include {quoted(step)} in "post": its type is not known.'
        raise InvalidValue.breaks(words, "bad_json", f"Use one of the types {', '.join(_POST_KEYS)}.")
    keys = _POST_KEYS[kind]
    if unknown := [str(key) for key in step if key not in (*keys, "type")]:
        words = f"cannot have {', '.join(unknown)} in a step of type {quoted(kind)}."
        raise InvalidValue.breaks(words, "bad_json", f"Such a step has {' and '.join(keys)}.")
    for key in keys:
        if key in step or kind not in _OPTIONAL_VALUE:
            _check_post_text(step, key)


def _check_post_text(step: Mapping[str, Any], key: str) -> None:
    text = step.get(key)
    if not isinstance(text, str) or not text:
        words = f"must have text as {quoted(key)} in the step {quoted(step)}."
        raise InvalidValue.breaks(words, "bad_json", f"Add {quoted(key)}.")
    if key == "protocol" and text not in ("hls", "dash"):
        words = f'must have "hls" or "dash" as protocol, not {quoted(text)}.'
        raise InvalidValue.breaks(words, "bad_json", 'Use "hls" or "dash".')
