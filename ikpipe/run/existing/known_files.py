"""Files that ikpipe stored, or was about to store, as far as it knows: the records of a state. Pure.

The service returns no hash of a file, so that only whoever stored a file knows what is in it. A record names the file
and its version, and is only used for exactly this version: a state that is old, lost or another account's costs an
upload at worst.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ikpipe.service.library import version_id

MANY_VERSIONS = 90
"""The number of a version from which on it is reported: a file can have 100 [upload docs]."""
_WITHDRAWN = -2  # as the number of a version
CLOCK_SKEW = 300  # seconds by which this machine's clock may differ from the service's


class KnownFile(NamedTuple):
    """A file that ikpipe stored.

    `path` is its path in the library, `fingerprint` that of its content, as text, and `size` its size in bytes in the
    library. `file_id` and `version_id` are the service's. `parameters` is the hash of what was sent besides its name.
    """

    path: str
    fingerprint: str
    file_id: str
    version_id: str | None
    size: int | None
    parameters: str = ""


class SentFile(NamedTuple):
    """A file that is about to be sent: where its result is lost, the next run recognizes it by this.

    `number` is the number that its version will have, `size` its size in bytes if that is known, `since` the time, in
    seconds since 1970, before which it was not stored.
    """

    path: str
    fingerprint: str
    number: int
    size: int | None
    since: float
    parameters: str = ""

    def withdrawn(self) -> SentFile:
        """Return a record that no file matches, to replace that of a file that was not stored."""
        return self._replace(number=_WITHDRAWN)

    def as_known(self, file: Mapping[str, Any]) -> KnownFile | None:
        """Return the record of a library's file if it is what was sent; None if it is not."""
        same = version_number(file) == self.number and self.size in (None, file.get("size"))
        if not same or time_of(file, "updatedAt", "createdAt") < self.since - CLOCK_SKEW:
            return None
        return KnownFile(
            self.path, self.fingerprint, str(file.get("fileId")), version_id(file), file.get("size"), self.parameters
        )


DETAILS = (
    *("filePath", "size", "tags", "AITags", "customMetadata", "description", "customCoordinates"),
    *("isPrivateFile", "isPublished"),
)
"""What is kept of a file before it is replaced or changed, under the media API's names."""


DELETED = {"deleted": True}
"""What changes of a file are in a journal if it is deleted."""


def details_before(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return those details of a file that are kept before it is replaced or changed."""
    return {name: file.get(name) for name in DETAILS}


def version_number(file: Mapping[str, Any] | None) -> int:
    """Return the number of a file's current version; 0 for no file, -1 if it is not known."""
    if file is None:
        return 0
    info = file.get("versionInfo")
    return number_of(info.get("name") if isinstance(info, Mapping) else None)


def number_of(name: object) -> int:
    """Return the number in a version's name, such as ``Version 3``; -1 if there is none."""
    digits = name.rpartition(" ")[2] if isinstance(name, str) else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1  # noqa: PLR2004


def version_warning(number: int) -> str | None:
    """Return a warning about a file with almost as many versions as it can have; None if there is no reason."""
    if number < MANY_VERSIONS:
        return None
    return f"The file has {number} versions, and can have 100: delete old ones before it cannot be replaced any more."


def time_of(file: Mapping[str, Any], *names: str) -> float:
    """Return the first of these times that a file has, in seconds since 1970; 0 if it has none."""
    text = next((file[name] for name in names if file.get(name)), None)
    try:
        return datetime.fromisoformat(text or "").timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
