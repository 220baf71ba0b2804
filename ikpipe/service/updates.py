"""What is learnt of a row after its upload: details folded into its result. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ikpipe.request.reply import SERVED, details

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ikpipe.request.result import Result


_REMOVABLE = {"tags": "tags", "AITags": "ai_tags", "customCoordinates": "custom_coordinates"}
"""What a file can lose again, and is then null in its details (spec)."""


def fold(result: Result, answer: Mapping[str, Any]) -> None:
    """Put what the service says of a file into its row's result; what it does not say stays as it is."""
    found, known = details(answer), result.extension_status
    for name in SERVED:
        if (value := getattr(found, name)) is not None:
            setattr(result, name, value)
    for wire, name in _REMOVABLE.items():
        if wire in answer and answer[wire] is None:
            setattr(result, name, None)
    if known and found.extension_status:
        result.extension_status = _further(known, found.extension_status)


def _further(known: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Put statuses together: details that are older than an extension's end still call it pending."""
    return {**told, **{name: was for name, was in known.items() if told.get(name, "pending") == "pending"}}


def stored(result: Result, answer: Mapping[str, Any]) -> None:
    """Let a row that was `accepted` be `uploaded`, with its details."""
    result.status, result.error, result.message = "uploaded", None, None
    fold(result, answer)


def ended(result: Result, extension: str, status: str) -> None:
    """Note how an extension ended."""
    result.extension_status = {**(result.extension_status or {}), extension: status}


def pending(result: Result) -> list[str]:
    """Name the extensions that have not ended yet, as far as is known."""
    return [name for name, status in (result.extension_status or {}).items() if status == "pending"]


def tagged_by(result: Result) -> set[str]:
    """Name the extensions that the file has AI tags of."""
    return {
        tag["source"] for tag in result.ai_tags or [] if isinstance(tag, dict) and isinstance(tag.get("source"), str)
    }
