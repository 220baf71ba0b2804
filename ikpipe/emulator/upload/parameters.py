"""The form's fields, checked one by one and turned into what they ask for."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ikpipe.emulator import strict_json
from ikpipe.emulator.refusals import invalid
from ikpipe.emulator.upload.extensions import read_extensions, read_transformation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ikpipe.emulator.settings import Rules

DEEPEST = 50
LONGEST_TAGS = 500
RESPONSE_FIELDS = frozenset(
    (
        *("tags", "customCoordinates", "isPrivateFile", "embeddedMetadata", "customMetadata", "metadata"),
        *("isPublished", "selectedFieldsSchema"),
    ),
)
_PLAIN = re.compile(r"[A-Za-z0-9._-]*")
_PLAIN_FOLDER = re.compile(r"[A-Za-z0-9/_-]*")
_COORDINATES = re.compile(r"\d{1,9}(?:,\d{1,9}){3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class UploadParameters:
    """What an upload asks for; None is "not given"."""

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


def read(fields: Mapping[str, str], rules: Rules) -> UploadParameters:
    """Read every field; the first that breaks a rule raises a `Refusal`."""
    return UploadParameters(
        name=file_name(fields.get("fileName", ""), rules),
        folder=folder(fields.get("folder", "/"), rules),
        unique=boolean(fields, "useUniqueFileName", default=True),
        tags=tags(fields.get("tags", "")),
        private=boolean(fields, "isPrivateFile", default=False),
        published=published(fields, rules),
        coordinates=coordinates(fields.get("customCoordinates", "")),
        response_fields=response_fields(fields.get("responseFields", "")),
        extensions=read_extensions(fields.get("extensions", "")),
        webhook_url=webhook_url(fields.get("webhookUrl", "")),
        overwrite=boolean(fields, "overwriteFile", default=True),
        overwrite_ai_tags=boolean(fields, "overwriteAITags", default=True),
        overwrite_tags=boolean(fields, "overwriteTags", default=True),
        overwrite_metadata=boolean(fields, "overwriteCustomMetadata", default=True),
        metadata=custom_metadata(fields.get("customMetadata", "")),
        transformation=read_transformation(fields.get("transformation", "")),
        description=fields.get("description") or None,
    )


def _replaced(text: str, special: str) -> str:
    """Put `_` for all but letters, marks and numerals of any script, and some special characters (`seed`)."""
    return "".join(c if c in special or unicodedata.category(c)[0] in "LMN" else "_" for c in text)


def file_name(text: str, rules: Rules) -> str:
    """Give the name that a file will have (`seed`: any other character becomes `_`; the rule `names` can keep them).

    A slash parts folders, so that no name can have one (`guess`).
    """
    if not text:
        raise invalid("fileName", "It is missing.")
    if rules.names == "keep":
        return text.replace("/", "_")
    return text if _PLAIN.fullmatch(text) else _replaced(text, "._-")


def folder(text: str, rules: Rules) -> str:
    """Give the folder, with a slash at both ends (`seed`: at most 50 levels, letters, marks, numerals, `/ _ -`).

    Other characters become `_`, or are kept: the rule `names` says it.
    """
    kept = rules.names == "keep" or _PLAIN_FOLDER.fullmatch(text)
    replaced = text if kept else _replaced(text, "/_-")
    levels = [level for level in replaced.split("/") if level]
    if len(levels) > DEEPEST:
        raise invalid("folder", f"It is nested more than {DEEPEST} levels deep.")
    return "/".join(["", *levels, ""])


def folder_name(text: str) -> str:
    """Give the name that a folder will have, which is one level (`docs`: any other character becomes `_`)."""
    return _replaced(text, "_-")


def boolean(fields: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Read `true` or `false` (`seed`: nothing else is accepted)."""
    text = fields.get(name)
    if text not in {None, "true", "false"}:
        raise invalid(name, "It must be true or false.")
    return default if text is None else text == "true"


def published(fields: Mapping[str, str], rules: Rules) -> bool:
    """Read `isPublished` (`seed`: drafts are for enterprise plans)."""
    value = boolean(fields, "isPublished", default=True)
    if not value and not rules.drafts:
        raise invalid("isPublished", "Your plan does not include drafts.")
    return value


def tags(text: str) -> list[str] | None:
    """Read the tags (`seed`: 500 characters in all, no `%`); none at all is None."""
    if len(text) > LONGEST_TAGS:
        raise invalid("tags", f"The tags have more than {LONGEST_TAGS} characters in all.")
    if "%" in text:
        raise invalid("tags", "The character % is not allowed.")
    return [tag.strip() for tag in text.split(",") if tag.strip()] or None


def coordinates(text: str) -> str | None:
    """Read `x,y,width,height` (`seed`; `guess`: whole numbers, not negative)."""
    if text and not _COORDINATES.fullmatch(text):
        raise invalid("customCoordinates", "It must be in the format x,y,width,height.")
    return text or None


def response_fields(text: str) -> frozenset[str]:
    """Read the fields that the answer shall have (`seed`, `spec`; `guess`: an unknown one is refused)."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names <= RESPONSE_FIELDS:
        raise invalid("responseFields", f"Unknown fields: {', '.join(sorted(names - RESPONSE_FIELDS))}.")
    return names


def webhook_url(text: str) -> str | None:
    """Read the address for the extensions' final status (`guess`: it must be http or https)."""
    if text and not _is_web_address(text):
        raise invalid("webhookUrl", "It must be an http or https URL.")
    return text or None


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def custom_metadata(text: str) -> dict[str, Any] | None:
    """Read the JSON object of custom metadata (`seed`); its keys and values are checked against the fields later."""
    try:
        value = strict_json.loads(text) if text else None
    except ValueError:
        value = text
    if value is not None and not isinstance(value, dict):
        raise invalid("customMetadata", "It must be a stringified JSON object.")
    return value
