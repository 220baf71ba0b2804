"""Parses and checks each form field of an upload."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ikpipe.emulator import strict_json
from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter
from ikpipe.emulator.rules import Rules

DEEPEST = 50
LONGEST_TAGS = 500
RESPONSE_FIELDS = frozenset(
    (
        *("tags", "customCoordinates", "isPrivateFile", "embeddedMetadata", "customMetadata", "metadata"),
        *("isPublished", "selectedFieldsSchema"),
    ),
)
BAD_TRANSFORMATION = "The file could not be uploaded because the transformation field is invalid."
TAGGERS = ("google-auto-tagging", "aws-auto-tagging")
REQUIRED = {
    **dict.fromkeys(TAGGERS, ("maxTags", "minConfidence")),
    "remove-bg": (),
    "ai-auto-description": (),
    "ai-tasks": ("tasks",),
    "saved-extension": ("id",),
}
"""The extensions, and the keys that each must have [spec]."""
POST_KEYS = {
    "transformation": {"type", "value"},
    "gif-to-video": {"type", "value"},
    "thumbnail": {"type", "value"},
    "abs": {"type", "value", "protocol"},
}
"""The types of post-transformation, and the keys that each may have [spec]."""
OPTIONAL_VALUE = ("gif-to-video", "thumbnail")
_PLAIN = re.compile(r"[A-Za-z0-9._-]*")
_PLAIN_FOLDER = re.compile(r"[A-Za-z0-9/_-]*")
_COORDINATES = re.compile(r"\d{1,9}(?:,\d{1,9}){3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class UploadParameters:
    """The parameters of an upload; None is a parameter that was not sent."""

    name: str
    folder: str
    """With a slash at both ends."""
    unique: bool
    tags: list[str] | None
    private: bool
    published: bool
    coordinates: str | None
    response_fields: frozenset[str]
    extensions: list[dict[str, Any]]
    webhook_url: str | None
    overwrite: bool
    overwrite_ai_tags: bool
    overwrite_tags: bool
    overwrite_metadata: bool
    metadata: dict[str, Any] | None
    transformation: dict[str, Any]
    description: str | None


def read_parameters(fields: Mapping[str, str], rules: Rules) -> UploadParameters:
    """Return the parameters in the form fields; the first invalid one raises an `ErrorResponse`."""
    return UploadParameters(
        name=file_name(fields.get("fileName", ""), rules),
        folder=folder(fields.get("folder", "/"), rules),
        unique=boolean(fields, "useUniqueFileName", default=True),
        tags=tags(fields.get("tags", "")),
        private=boolean(fields, "isPrivateFile", default=False),
        published=published(fields, rules),
        coordinates=coordinates(fields.get("customCoordinates", "")),
        response_fields=response_fields(fields.get("responseFields", "")),
        extensions=extensions(fields.get("extensions", "")),
        webhook_url=webhook_url(fields.get("webhookUrl", "")),
        overwrite=boolean(fields, "overwriteFile", default=True),
        overwrite_ai_tags=boolean(fields, "overwriteAITags", default=True),
        overwrite_tags=boolean(fields, "overwriteTags", default=True),
        overwrite_metadata=boolean(fields, "overwriteCustomMetadata", default=True),
        metadata=custom_metadata(fields.get("customMetadata", "")),
        transformation=transformation(fields.get("transformation", "")),
        description=fields.get("description") or None,
    )


def _replace_special(text: str, allowed: str) -> str:
    """Replace by `_` all but letters, marks, numerals and some special characters [upload docs]."""
    return "".join(c if c in allowed or unicodedata.category(c)[0] in "LMN" else "_" for c in text)


def file_name(text: str, rules: Rules) -> str:
    """Return the name of the file [upload docs: other characters become `_`, unless the rule `names` keeps them].

    A slash separates folders, so no name can have one [guess].
    """
    if not text:
        raise invalid_parameter("fileName", "It is missing.")
    if rules.names == "keep":
        return text.replace("/", "_")
    return text if _PLAIN.fullmatch(text) else _replace_special(text, "._-")


def folder(text: str, rules: Rules, parameter: str = "folder") -> str:
    """Return the folder, with a slash at both ends; `parameter` is what an error calls it.

    It has at most 50 levels of letters, marks, numerals, `_` and `-` [upload docs]. Other characters become `_`, unless
    the rule `names` keeps them.
    """
    if rules.names == "replace" and not _PLAIN_FOLDER.fullmatch(text):
        text = _replace_special(text, "/_-")
    path = folder_path(text)
    check_depth(path, parameter)
    return path


def check_depth(path: str, parameter: str) -> None:
    """Raise `ErrorResponse` (400) if a folder is nested too deeply [upload docs]."""
    if path.count("/") > DEEPEST + 1:
        raise invalid_parameter(parameter, f"It is nested more than {DEEPEST} levels deep.")


def folder_path(text: str) -> str:
    """Return the path of a folder, with a slash at both ends and between its levels."""
    return "/".join(["", *filter(None, text.split("/")), ""])


def folder_name(text: str, rules: Rules) -> str:
    """Return the name of a folder, which is one level [docs: other characters become `_`], by the rule `names`."""
    return text if rules.names == "keep" else _replace_special(text, "_-")


def boolean(fields: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Parse `true` or `false` [upload docs: nothing else is accepted]."""
    text = fields.get(name)
    if text not in {None, "true", "false"}:
        raise invalid_parameter(name, "It must be true or false.")
    return default if text is None else text == "true"


def published(fields: Mapping[str, str], rules: Rules) -> bool:
    """Parse `isPublished` [upload docs: drafts are for enterprise plans]."""
    value = boolean(fields, "isPublished", default=True)
    check_published(value, rules)
    return value


def check_published(value: bool, rules: Rules) -> None:  # noqa: FBT001 - the value of the parameter
    """Reject a draft if the plan has none [upload docs]."""
    if not value and not rules.drafts:
        raise invalid_parameter("isPublished", "Your plan does not include drafts.")


def tags(text: str) -> list[str] | None:
    """Parse comma-separated tags; None if there are none."""
    _check_tag_text(text)
    return [tag.strip() for tag in text.split(",") if tag.strip()] or None


def check_tags(value: object) -> list[str]:
    """Check an array of tags, as in the body of an API request; the limits are those of an upload [guess]."""
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise invalid_parameter("tags", "It must be an array of strings or null.")
    _check_tag_text(",".join(value))
    return list(dict.fromkeys(tag.strip() for tag in value if tag.strip()))


def _check_tag_text(text: str) -> None:
    """Reject tags that are too long, or have a `%` [upload docs: 500 characters in all]."""
    if len(text) > LONGEST_TAGS:
        raise invalid_parameter("tags", f"The tags have more than {LONGEST_TAGS} characters in all.")
    if "%" in text:
        raise invalid_parameter("tags", "The character % is not allowed.")


def coordinates(text: str) -> str | None:
    """Check `x,y,width,height` [upload docs; guess: whole numbers, not negative]."""
    if text and not _COORDINATES.fullmatch(text):
        raise invalid_parameter("customCoordinates", "It must be in the format x,y,width,height.")
    return text or None


def response_fields(text: str) -> frozenset[str]:
    """Parse the names of optional response fields [upload docs, spec; guess: unknown names are rejected]."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names <= RESPONSE_FIELDS:
        raise invalid_parameter("responseFields", f"Unknown fields: {', '.join(sorted(names - RESPONSE_FIELDS))}.")
    return names


def webhook_url(text: str) -> str | None:
    """Check the URL for the results of extensions [guess: it must be http or https]."""
    if text and not is_web_url(text):
        raise invalid_parameter("webhookUrl", "It must be an http or https URL.")
    return text or None


def is_web_url(text: str) -> bool:
    """Whether a text is an http or https URL."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


# Parameters that are JSON


def _json(text: str) -> Any:
    """Parse JSON; what is not valid is a text, which no parameter accepts."""
    try:
        return strict_json.loads(text)
    except ValueError:
        return text


def custom_metadata(text: str) -> dict[str, Any] | None:
    """Parse the JSON object of custom metadata [upload docs]; `custom_fields` checks its keys and values."""
    value = _json(text) if text else None
    if value is not None and not isinstance(value, dict):
        raise invalid_parameter("customMetadata", "It must be a stringified JSON object.")
    return value


def extensions(text: str) -> list[dict[str, Any]]:
    """Parse the JSON array of extensions [upload docs, spec]."""
    return check_extensions(_json(text) if text else [])


def check_extensions(value: object) -> list[dict[str, Any]]:
    """Check an array of extensions [spec]."""
    if not isinstance(value, list):
        raise invalid_parameter("extensions", "It must be a JSON array.")
    for extension in value:
        check_extension(extension, "extensions")
    return value


def check_extension(extension: object, parameter: str) -> None:
    """Require an object with the name and the keys of an extension [spec]; `parameter` is what has it."""
    name = extension.get("name") if isinstance(extension, dict) else None
    if not isinstance(extension, dict) or not isinstance(name, str) or name not in REQUIRED:
        raise invalid_parameter(parameter, "Each extension must be an object with the name of an extension.")
    missing = [key for key in REQUIRED[name] if key not in extension]
    if missing:
        raise invalid_parameter(parameter, f"{name} needs {' and '.join(missing)}.")
    if name in TAGGERS and any(type(extension[key]) not in {int, float} for key in REQUIRED[name]):
        raise invalid_parameter(parameter, f"maxTags and minConfidence of {name} must be numbers.")


def transformation(text: str) -> dict[str, Any]:
    """Parse the JSON object of transformations before and after storing [spec]."""
    value = _json(text) if text else {}
    well_formed = isinstance(value, dict) and value.keys() <= {"pre", "post"} and (not text or len(value) > 0)
    if not (well_formed and _is_pre(value.get("pre", "w")) and _is_post(value.get("post", []))):
        raise ErrorResponse(400, BAD_TRANSFORMATION)
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
