"""The JSON of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ikpipe.emulator.settings import Rules
    from ikpipe.emulator.store import Details
    from ikpipe.emulator.upload.parameters import UploadParameters

THUMBNAIL = "tr:n-media_library_thumbnail"
PRE_QUEUED = {"message": "The pre-transformation has been queued successfully."}
"""The 202 of an upload with a pre-transformation (`spec`)."""

ALWAYS = ("fileId", "name", "size", "versionInfo", "filePath", "fileType", "AITags")
WHEN_KNOWN = ("width", "height", "bitRate", "videoCodec", "audioCodec", "duration")
OPTIONAL = (
    "tags",
    "customCoordinates",
    "isPrivateFile",
    "isPublished",
    "customMetadata",
    "embeddedMetadata",
    "metadata",
)
LISTED = (
    *("type", "fileId", "name", "filePath", "tags", "AITags", "versionInfo", "isPrivateFile", "isPublished"),
    *("customCoordinates", "fileType", "mime", "width", "height", "size", "hasAlpha", "customMetadata"),
    *("embeddedMetadata", "description", "createdAt", "updatedAt", *WHEN_KNOWN[2:]),
)


def addresses(details: Details, endpoint: str) -> Details:
    """Give where a file can be fetched: `url`, and for an image `thumbnailUrl` (`seed`)."""
    path = quote(details["filePath"])
    found = {"url": f"{endpoint}{path}"}
    if details["fileType"] == "image":
        found["thumbnailUrl"] = f"{endpoint}/{THUMBNAIL}{path}"
    return found


def uploaded(
    details: Details,
    wanted: UploadParameters,
    fields: list[Details],
    endpoint: str,
    rules: Rules,
    status: Mapping[str, str],
) -> dict[str, Any]:
    """Answer an upload: what the seed lists, of the optional fields those that were asked for, and extensions."""
    asked = [name for name in OPTIONAL if name not in rules.on_request or name in wanted.response_fields]
    reply = {name: details[name] for name in (*ALWAYS, *asked) if name in details}
    reply |= {name: details[name] for name in WHEN_KNOWN if name in details}
    reply |= addresses(details, endpoint)
    if "selectedFieldsSchema" in wanted.response_fields:
        reply["selectedFieldsSchema"] = {
            f["name"]: f["schema"] for f in fields if f["name"] in details["customMetadata"]
        }
    if status:
        reply["extensionStatus"] = dict(status)
    return reply


def listed(details: Details, endpoint: str) -> dict[str, Any]:
    """Describe a file as lists and searches do (`spec`); `thumbnail` is what uploads call `thumbnailUrl`."""
    found = addresses(details, endpoint)
    shown = {name: details[name] for name in LISTED if name in details}
    return shown | {"url": found["url"], "thumbnail": found.get("thumbnailUrl", found["url"])}
