"""The two parameters that are JSON of their own: `extensions` and `transformation`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ikpipe.emulator import strict_json
from ikpipe.emulator.refusals import Refusal, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

BAD_TRANSFORMATION = "The file could not be uploaded because the transformation field is invalid."
TAGGERS = ("google-auto-tagging", "aws-auto-tagging")
REQUIRED = {
    **dict.fromkeys(TAGGERS, ("maxTags", "minConfidence")),
    "remove-bg": (),
    "ai-auto-description": (),
    "ai-tasks": ("tasks",),
    "saved-extension": ("id",),
}
"""The extensions and the keys that each must have (`spec`)."""

POST_KEYS = {
    "transformation": {"type", "value"},
    "gif-to-video": {"type", "value"},
    "thumbnail": {"type", "value"},
    "abs": {"type", "value", "protocol"},
}
"""The kinds of post-transformation and the keys that each may have (`spec`)."""
OPTIONAL_VALUE = ("gif-to-video", "thumbnail")


def _json(text: str) -> Any:
    try:
        return strict_json.loads(text)
    except ValueError:
        return None


def read_extensions(text: str) -> list[dict[str, Any]]:
    """Read the JSON array of extensions (`seed`, `spec`)."""
    value = _json(text) if text else []
    if not isinstance(value, list):
        raise invalid("extensions", "It must be a stringified JSON array.")
    for extension in value:
        _check_extension(extension)
    return value


def _check_extension(extension: object) -> None:
    name = extension.get("name") if isinstance(extension, dict) else None
    if not isinstance(extension, dict) or not isinstance(name, str) or name not in REQUIRED:
        raise invalid("extensions", "Each extension must be an object with the name of an extension.")
    missing = [key for key in REQUIRED[name] if key not in extension]
    if missing:
        raise invalid("extensions", f"{name} needs {' and '.join(missing)}.")
    if name in TAGGERS and any(type(extension[key]) not in {int, float} for key in REQUIRED[name]):
        raise invalid("extensions", f"maxTags and minConfidence of {name} must be numbers.")


def read_transformation(text: str) -> dict[str, Any]:
    """Read the JSON object of transformations before and after storing (`spec`)."""
    value = _json(text) if text else {}
    well_formed = isinstance(value, dict) and value.keys() <= {"pre", "post"} and (not text or len(value) > 0)
    if not (well_formed and _is_pre(value.get("pre", "w")) and _is_post(value.get("post", []))):
        raise Refusal(400, BAD_TRANSFORMATION)
    return dict(value)


def _is_pre(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_post(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(step, dict) and _is_post_step(step) for step in value)


def _is_post_step(step: Mapping[str, object]) -> bool:
    kind, value = step.get("type"), step.get("value")
    if not isinstance(kind, str) or kind not in POST_KEYS or not step.keys() <= POST_KEYS[kind]:
        return False
    if value is None:
        return kind in OPTIONAL_VALUE
    return isinstance(value, str) and (kind != "abs" or step.get("protocol") in ("hls", "dash"))
