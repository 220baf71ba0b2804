"""Composes the response to an upload."""

from collections.abc import Mapping
from typing import Any

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.library.file_details import WHEN_KNOWN, file_urls
from ikpipe.emulator.store import Details
from ikpipe.emulator.upload.parameters import UploadParameters

PRE_QUEUED = {"message": "The pre-transformation has been queued successfully."}
"""The 202 of an upload with a pre-transformation [spec]."""
ALWAYS = ("fileId", "name", "size", "versionInfo", "filePath", "fileType", "AITags")
OPTIONAL = (
    "tags",
    "customCoordinates",
    "isPrivateFile",
    "isPublished",
    "customMetadata",
    "embeddedMetadata",
    "metadata",
)


def upload_reply(
    details: Details, parameters: UploadParameters, account: EmulatedAccount, extension_status: Mapping[str, str]
) -> dict[str, Any]:
    """Return the JSON for a stored file: the fields of the upload docs, and the optional ones that were asked for.

    The account's rules say which fields are optional. `extension_status` is the status of each extension.
    """
    requested = parameters.response_fields
    optional = [name for name in OPTIONAL if name not in account.rules.on_request or name in requested]
    reply = {name: details[name] for name in (*ALWAYS, *optional, *WHEN_KNOWN) if name in details}
    reply |= file_urls(details, account.endpoint)
    if "selectedFieldsSchema" in requested:
        fields, metadata = account.store.fields.all(), details["customMetadata"]
        reply["selectedFieldsSchema"] = {f["name"]: f["schema"] for f in fields if f["name"] in metadata}
    if extension_status:
        reply["extensionStatus"] = dict(extension_status)
    return reply
