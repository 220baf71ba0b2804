"""State in the library itself: the custom metadata field `ikpipe_content`, which any machine can read.

Its value is the fingerprint of the file's content with its size and the number of its version, so that a file that
somebody else replaced is not taken for ours, although its metadata may be kept.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ikpipe.errors import MappingError, keyword
from ikpipe.run.existing.fingerprints import FileHashes, Fingerprint
from ikpipe.run.existing.known_files import KnownFile, SentFile, version_number
from ikpipe.service.client import ApiError
from ikpipe.service.library import FIELDS, metadata_fields, version_id

if TYPE_CHECKING:
    from ikpipe.request.account import Account
    from ikpipe.service.client import ServiceClient

_log = logging.getLogger("ikpipe.run")

FIELD = "ikpipe_content"
LABEL = "Content (ikpipe)"


class LibraryState:
    """The state in the library of an account; `hashes` are those of this machine's files."""

    def __init__(self, hashes: FileHashes) -> None:
        self.hashes = hashes

    async def known(self, files: Mapping[str, Mapping[str, Any]]) -> dict[str, KnownFile]:
        """Return what the metadata of the library's files says."""
        return {path: record for path, file in files.items() if (record := _record(path, file)) is not None}

    async def same_content(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], KnownFile]:
        """Return nothing: the library cannot be searched for the content of all files."""
        del keys
        return {}

    def sent_with(
        self, fields: dict[str, str], fingerprint: Fingerprint, existing: Mapping[str, Any] | None
    ) -> dict[str, str]:
        """Return the fields with the metadata of the content; an upload replaces all metadata, so it has the rest too.

        The size is that of the file as it is sent; after a transformation it is another, and is not known.
        """
        number = version_number(existing)
        if not fingerprint.kind or number < 0:
            return fields
        size = "" if fingerprint.size is None or "transformation" in fields else fingerprint.size
        metadata = json.loads(fields["customMetadata"]) if "customMetadata" in fields else None
        if metadata is None:
            kept = (existing or {}).get("customMetadata")
            metadata = dict(kept) if isinstance(kept, Mapping) else {}
        metadata[FIELD] = f"{fingerprint} {size} {number + 1}"
        return fields | {"customMetadata": json.dumps(metadata, ensure_ascii=False)}

    async def sending(self, files: Sequence[SentFile]) -> None:
        """Do nothing: what is sent says it itself."""

    async def remember(self, files: Sequence[KnownFile]) -> None:
        """Do nothing: what was stored says it itself."""

    async def close(self) -> None:
        """Close the hashes of local files."""
        await self.hashes.close()


async def open_library_state(
    account: Account, client: ServiceClient, hashes: FileHashes, *, dry_run: bool
) -> LibraryState:
    """Return the state of an account; the field is created if there is none, except in a dry run.

    Raise `MappingError` if the field has another type, `Error` if the account's fields cannot be read or created.
    """
    field = (await metadata_fields(client, account)).get(FIELD)
    if field is not None and field.type not in ("Text", "Textarea"):
        words = f"The account's custom metadata field {FIELD} has the type {field.type}, not Text."
        raise MappingError(words, fix="Use a state in a file.", about=keyword("state", "library"))
    if field is None and not dry_run:
        await _create_field(account, client)
    return LibraryState(hashes)


async def _create_field(account: Account, client: ServiceClient) -> None:
    try:
        await client.api(account, FIELDS, content={"name": FIELD, "label": LABEL, "schema": {"type": "Text"}})
    except ApiError:
        if FIELD not in await metadata_fields(client, account):  # another process may have created it just now
            raise
    else:
        _log.info("The custom metadata field %s was created.", FIELD)


def _record(path: str, file: Mapping[str, Any]) -> KnownFile | None:
    metadata = file.get("customMetadata")
    value = metadata.get(FIELD) if isinstance(metadata, Mapping) else None
    parts = value.split(" ") if isinstance(value, str) else []
    if len(parts) != 3:  # noqa: PLR2004 - fingerprint, size, number of the version
        return None
    fingerprint, size, number = parts
    same = number == str(version_number(file)) and size in ("", str(file.get("size")))
    version = version_id(file) if same else f"not {version_id(file)}"
    return KnownFile(path, fingerprint, str(file.get("fileId")), version, file.get("size"))
