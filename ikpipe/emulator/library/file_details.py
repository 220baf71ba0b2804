"""The JSON of a file in lists, details and webhooks, and its URLs."""

import json
from typing import Any
from urllib.parse import quote

from ikpipe.emulator.store import Details

THUMBNAIL = "tr:n-media_library_thumbnail"
WHEN_KNOWN = ("width", "height", "bitRate", "videoCodec", "audioCodec", "duration")
LISTED = (
    *("type", "fileId", "name", "filePath", "tags", "AITags", "versionInfo", "isPrivateFile", "isPublished"),
    *("customCoordinates", "fileType", "mime", "width", "height", "size", "hasAlpha", "customMetadata"),
    *("embeddedMetadata", "description", "createdAt", "updatedAt", *WHEN_KNOWN[2:]),
)


def file_urls(details: Details, endpoint: str) -> dict[str, str]:
    """Return the `url` of a file, and for an image the `thumbnailUrl` [upload docs].

    That of an earlier version ends with `ik-obj-version` [docs]; its value is the version's id [guess].
    """
    path = quote(details["filePath"])
    if details["type"] == "file-version":
        path += f"?ik-obj-version={details['versionInfo']['id']}"
    urls = {"url": f"{endpoint}{path}"}
    if details["fileType"] == "image":
        urls["thumbnailUrl"] = f"{endpoint}/{THUMBNAIL}{path}"
    return urls


def file_details(details: Details, endpoint: str) -> dict[str, Any]:
    """Return a file as lists and webhooks show it [spec]; `thumbnail` is what uploads call `thumbnailUrl`."""
    shown = {name: details[name] for name in LISTED if name in details}
    return shown | _listed_urls(details, endpoint)


def file_json(details: Details, stored: str, endpoint: str) -> str:
    """Return the same as JSON; `stored` is the JSON of the details, which is not composed again in a long list."""
    return f"{stored[:-1]}, {json.dumps(_listed_urls(details, endpoint))[1:]}"


def _listed_urls(details: Details, endpoint: str) -> dict[str, str]:
    urls = file_urls(details, endpoint)
    return {"url": urls["url"], "thumbnail": urls.get("thumbnailUrl", urls["url"])}
