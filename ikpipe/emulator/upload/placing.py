"""Where an upload goes and what it makes of the file that is there: unique names, versions, overwrite flags."""

from __future__ import annotations

import random
import string
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ikpipe.emulator.refusals import Refusal

if TYPE_CHECKING:
    from ikpipe.emulator.media.facts import MediaFacts
    from ikpipe.emulator.settings import Rules
    from ikpipe.emulator.store import Details, Store
    from ikpipe.emulator.upload.parameters import UploadParameters

_RANDOM = random.Random()  # noqa: S311 - names that differ, no secrets
_SUFFIX = string.ascii_letters + string.digits + "-_"
ALREADY_EXISTS = (
    "A file with the same name already exists at the exact location. "
    "We could not overwrite it because both overwriteFile and useUniqueFileName are set to false."
)


def unique_name(name: str, length: int) -> str:
    """Put a random suffix before the ending: `dress_Xy3-9aB_q.jpg` (`seed`: "a unique suffix")."""
    stem, dot, ending = name.rpartition(".")
    suffix = "".join(_RANDOM.choices(_SUFFIX, k=length))
    return f"{stem}_{suffix}{dot}{ending}" if stem else f"{name}_{suffix}"


def find_place(store: Store, wanted: UploadParameters, rules: Rules) -> tuple[str, Details | None]:
    """Give the name that the file gets, and the details of the file that has it already.

    Raises
    ------
    Refusal
        If the name is taken and may be neither changed nor overwritten (`spec`).
    """
    if wanted.unique:
        # nobody else has a turn until it is stored: a name that is free now is free then
        while store.at(wanted.folder, name := unique_name(wanted.name, rules.suffix_length)):
            pass
        return name, None
    there = store.at(wanted.folder, wanted.name)
    if there is not None and not wanted.overwrite:
        raise Refusal(400, ALREADY_EXISTS)
    return wanted.name, there


def next_number(store: Store, there: Details | None, rules: Rules) -> int:
    """Give the number of the new version, and make room for it (`seed`: at most 100)."""
    if there is None:
        return 1
    if len(store.versions(there["fileId"])) >= rules.max_versions:
        if rules.over_versions == "refuse":
            raise Refusal(400, f"The file already has {rules.max_versions} versions.")
        store.drop_oldest_version(there["fileId"])
    return int(there["versionInfo"]["name"].removeprefix("Version ")) + 1


def merge(wanted: UploadParameters, there: Details | None, name: str, version: tuple[str, int]) -> Details:
    """Make the details of the new version; what the upload leaves out is kept or removed as the flags say (`seed`).

    `customCoordinates` go in any case when they are not given again (`seed`), and so does `description` (`guess`).
    """
    old = there or {}
    version_id, number = version
    now = timestamp()
    return {
        "type": "file",
        "fileId": old.get("fileId", version_id),
        "name": name,
        "filePath": wanted.folder + name,
        "tags": _kept(wanted.tags, old.get("tags"), overwrite=wanted.overwrite_tags),
        "AITags": None if wanted.overwrite_ai_tags else old.get("AITags"),
        "versionInfo": {"id": version_id, "name": f"Version {number}"},
        "isPrivateFile": wanted.private,
        "isPublished": wanted.published,
        "customCoordinates": wanted.coordinates,
        "customMetadata": _kept(wanted.metadata, old.get("customMetadata"), overwrite=wanted.overwrite_metadata) or {},
        "description": wanted.description,
        "createdAt": old.get("createdAt", now),
        "updatedAt": now,
    }


def _kept(given: Any, old: Any, *, overwrite: bool) -> Any:
    """Take what is given; else the old value stays unless it is to be overwritten."""
    return given if given is not None or overwrite else old


def describe(facts: MediaFacts, size: int) -> Details:
    """Give what the file itself says, under wire names; what it does not have is left out (`seed`)."""
    described = {
        "fileType": facts.file_type,
        "mime": facts.mime,
        "size": size,
        "width": facts.width,
        "height": facts.height,
        "hasAlpha": facts.has_alpha,
        "bitRate": facts.bit_rate,
        "videoCodec": facts.video_codec,
        "audioCodec": facts.audio_codec,
        "duration": facts.duration,
    }
    return {name: value for name, value in described.items() if value is not None}


def timestamp() -> str:
    """Give this moment as the service writes it: `2026-11-23T19:18:24.000Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
