"""Merge details that arrive after an upload, from the media API or webhooks, into its result. Pure."""

from collections.abc import Mapping
from typing import Any

from ikpipe.request.reply import SERVED, details_of_reply
from ikpipe.request.result import Result

_REMOVABLE = {"tags": "tags", "AITags": "ai_tags", "customCoordinates": "custom_coordinates"}
"""Details that can be removed from a file: its API name → the result's name. They are null then [spec]."""


def fold(result: Result, answer: Mapping[str, Any]) -> None:
    """Merge a file's details into a result; values that are not in the details do not change."""
    new, earlier_status = details_of_reply(answer), result.extension_status
    for name in SERVED:
        if (value := getattr(new, name)) is not None:
            setattr(result, name, value)
    for api_name, name in _REMOVABLE.items():
        if api_name in answer and answer[api_name] is None:
            setattr(result, name, None)
    if earlier_status and new.extension_status:
        result.extension_status = _merge_status(earlier_status, new.extension_status)


def _merge_status(earlier: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Merge statuses of extensions; `pending` never replaces a final status, because details may arrive late."""
    return {**new, **{name: status for name, status in earlier.items() if new.get(name, "pending") == "pending"}}


def stored(result: Result, answer: Mapping[str, Any]) -> None:
    """Change an `accepted` result to `uploaded` and merge the file's details."""
    result.status, result.error, result.message = "uploaded", None, None
    fold(result, answer)


def ended(result: Result, extension: str, status: str) -> None:
    """Set the final status of an extension."""
    result.extension_status = {**(result.extension_status or {}), extension: status}


def pending(result: Result) -> list[str]:
    """Return the names of the extensions that are pending."""
    return [name for name, status in (result.extension_status or {}).items() if status == "pending"]


def tagged_by(result: Result) -> set[str]:
    """Return the names of the extensions that added AI tags to the file."""
    return {
        tag["source"] for tag in result.ai_tags or [] if isinstance(tag, dict) and isinstance(tag.get("source"), str)
    }
