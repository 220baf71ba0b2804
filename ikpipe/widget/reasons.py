"""Why a row has a problem: a name and values, so that a page can say it in its own language, and a value that fixes it.

Each name is in the files below `static/languages/`, with a sentence.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from ikpipe.errors import AccountError, JournalError, Problem, UnreachableError
from ikpipe.request.metadata import MetadataField
from ikpipe.request.values import FOLDER_DEPTH, TAGS_LENGTH, separated, stored_folder, stored_name
from ikpipe.widget.browser_client import FILE_NOT_THERE

EMPTY = "This file is empty"
"""How the message about a file without bytes starts."""

_BY_CODE = {
    "missing_file": "file_missing",
    "file_not_allowed": "file_not_allowed",
    "file_not_found": "file_not_found",
    "file_unreadable": "file_unreadable",
    "file_too_large": "file_too_large",
    "bad_file": "file_invalid",
    "bad_url": "url_invalid",
    "url_unreachable": "url_unreachable",
    "missing_name": "name_missing",
    "missing_cell": "cell_missing",
    "same_target": "name_taken",
    "unique_name": "name_unique",
    "not_boolean": "private_invalid",
    "bad_character": "character",
    "too_long": "too_long",
    "too_deep": "folder_deep",
    "bad_coordinates": "area_invalid",
}
"""The reasons of codes; those of metadata fields depend on the type of the field. All others are `value_invalid`."""
_DETAILED = frozenset(
    {
        *("file_missing", "file_not_found", "file_not_allowed", "file_unreadable", "file_invalid", "url_invalid"),
        *("url_unreachable", "cell_missing", "name_unique", "character", "value_invalid", "field_unknown"),
    }
)
"""The reasons whose message says more: which path, which character. A page shows it on request."""
_WRONG_TYPES = {
    "Number": "not_number",
    "Date": "not_date",
    "Boolean": "not_boolean",
    "Text": "not_text",
    "Textarea": "not_text",
    "MultiSelect": "not_list",
}
_LIMITS = tuple(f"{length}{name}" for length in ("", "length_") for name in ("between", "at_least", "at_most"))
_OTHERS = ("file_empty", "name_slash", "tag_percent", "tag_comma", "tags_long", "field_unknown", "not_boolean")
NAMES = frozenset({*_BY_CODE.values(), *_WRONG_TYPES.values(), *_LIMITS, *_OTHERS, "not_option", "value_invalid"})
"""All reasons of problems."""
RUN_REASONS: dict[str, tuple[type[Exception], ...]] = {
    "unreachable": (UnreachableError,),
    "account": (AccountError,),
    "journal": (JournalError, OSError),
    "stopped": (Exception,),
}
"""The reasons for which a run stops, the most special ones first."""
_RESULTS = {FILE_NOT_THERE["lost"]: "file_lost", FILE_NOT_THERE["unreadable"]: "file_gone"}


def reason_of(
    problem: Problem, value: Any, fields: Mapping[str, MetadataField], max_size: int | None
) -> dict[str, Any]:
    """Return the `name` of a problem's reason, the `values` of its sentence, and whether its message says more.

    `value` is what the row has in the problem's parameter, or in its metadata field; `max_size` is in bytes.
    """
    parameter, _, key = problem.parameter.partition(".")
    if key:
        name, values = _metadata_reason(problem.code, value, fields.get(key), key)
    else:
        name, values = _reason(problem, parameter, value, max_size)
    return {"name": name, "values": values, "detailed": name in _DETAILED}


def result_reason(error: str | None, message: str | None) -> str | None:
    """Return the name of the reason of a result, by its code and message; None if the code says all."""
    return _RESULTS.get(message or "") or _BY_CODE.get(error or "")


def run_reason(error: Exception) -> str:
    """Return the name of the reason for which a run stopped."""
    return next(name for name, kinds in RUN_REASONS.items() if isinstance(error, kinds))


def suggestion_for(problem: Problem, value: Any, fields: Mapping[str, MetadataField]) -> Any:
    """Return a value that fixes a problem, or None if there is no obvious one."""
    parameter, _, key = problem.parameter.partition(".")
    if problem.code == "bad_character" and parameter in _WITHOUT_BAD_CHARACTERS:
        return _WITHOUT_BAD_CHARACTERS[parameter](value)
    field = fields.get(key)
    if field is None or problem.code != "out_of_range" or "selectOptions" not in field.schema:
        return None
    if not isinstance(value, list):
        return _similar_option(value, field)
    items = [item if str(item) in _options(field) else _similar_option(item, field) for item in value]
    return None if None in items else items


def _reason(problem: Problem, parameter: str, value: Any, max_size: int | None) -> tuple[str, dict[str, Any]]:
    name = _BY_CODE.get(problem.code, "value_invalid")
    if parameter == "tags":
        character = "tag_percent" if any("%" in tag for tag in value) else "tag_comma"
        name = {"character": character, "too_long": "tags_long"}.get(name, name)
    elif name == "file_invalid" and problem.message.startswith(EMPTY):
        name = "file_empty"
    elif name == "character" and parameter == "file_name" and "/" in value:
        name = "name_slash"
    values: dict[str, dict[str, Any]] = {
        "file_too_large": {"size": max_size},
        "folder_deep": {"max": FOLDER_DEPTH},
        "tags_long": {"max": TAGS_LENGTH, "length": len(",".join(value or ()))},
    }
    return name, values.get(name, {})


def _metadata_reason(code: str, value: Any, field: MetadataField | None, key: str) -> tuple[str, dict[str, Any]]:
    if field is None:
        return "field_unknown" if code == "unknown_name" else "value_invalid", {"label": key}
    label = {"label": field.label or field.name}
    if code == "out_of_range":
        name, values = _option_reason(value, field) if "selectOptions" in field.schema else _limits(field)
        return name, {**label, **values}
    if code == "not_boolean":
        return code, label
    return _WRONG_TYPES.get(field.type, "value_invalid") if code == "wrong_type" else "value_invalid", label


def _limits(field: MetadataField) -> tuple[str, dict[str, Any]]:
    """Return the reason for a value outside the limits of its field, which has one of them or both."""
    is_text = field.type in ("Text", "Textarea")
    least, most = (field.schema.get(f"{end}{'Length' if is_text else 'Value'}") for end in ("min", "max"))
    name = "at_most" if least is None else "at_least" if most is None else "between"
    values = {key: limit for key, limit in (("min", least), ("max", most)) if limit is not None}
    return f"length_{name}" if is_text else name, values


def _option_reason(value: Any, field: MetadataField) -> tuple[str, dict[str, Any]]:
    items = value if isinstance(value, list) else [value]
    wrong = next((item for item in items if str(item) not in _options(field)), value)
    similar = _similar_option(wrong, field)
    return "not_option", {"value": wrong, "similar": similar, "options": list(_options(field).values())}


def _options(field: MetadataField) -> dict[str, Any]:
    """Return the options of a field by their texts."""
    return {str(option): option for option in field.schema.get("selectOptions", ())}


def _similar_option(value: Any, field: MetadataField) -> Any:
    options = {text.lower(): option for text, option in _options(field).items()}
    near = get_close_matches(str(value).lower(), options, n=1)
    return options[near[0]] if near else None


_WITHOUT_BAD_CHARACTERS: Mapping[str, Callable[[Any], Any]] = {
    "file_name": stored_name,
    "folder": stored_folder,
    "tags": lambda tags: separated(",".join(tags).replace("%", "")),
}
