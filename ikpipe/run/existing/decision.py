"""What a row does about the file at its target: upload, replace, update, or leave it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from ikpipe.errors import sentences
from ikpipe.request.missing import without_none
from ikpipe.request.planner import UploadRequest
from ikpipe.request.values import to_json
from ikpipe.run.existing.differences import Differences, differences
from ikpipe.run.existing.fingerprints import UNKNOWN, Fingerprint
from ikpipe.run.existing.known_files import KnownFile
from ikpipe.service.library import version_id

ActionKind = Literal["upload", "replace", "update", "skip", "unchanged", "duplicate", "error", "invalid"]

SENT = ("upload", "replace")
"""The actions of rows whose files are sent."""
NO_CHANGES = Differences({})


class SameContent(NamedTuple):
    """Whether a file in the library has the content of a row, and why that is believed."""

    same: bool
    reason: str


class Action(NamedTuple):
    """What a row does.

    `kind` is as in `plan`. `reason` is a sentence. `file` has the details of the file at the target, as the library
    lists them; None if there is none. `changes` are those of an ``update``. `fingerprint` identifies the content of the
    row.
    """

    kind: ActionKind
    reason: str = ""
    file: Mapping[str, Any] | None = None
    changes: Differences = NO_CHANGES
    fingerprint: Fingerprint = UNKNOWN

    @property
    def replaced_version(self) -> str | None:
        """The id of the version that a row replaces, if there is one and it is known."""
        return version_id(self.file) if self.kind == "replace" and self.file is not None else None


NEW = Action("upload", "There is no file at the target.")


def decide(
    request: UploadRequest, file: Mapping[str, Any] | None, same_content: SameContent | None, on_existing: str | None
) -> Action:
    """Return what a row does about the file at its target.

    `file` has the file's details, as the library lists them; None if there is none. `same_content` says whether it has
    the row's content; it is only needed for ``sync``.
    """
    if file is None:
        return NEW
    if on_existing == "skip":
        return Action("skip", "A file is there already.", file)
    if on_existing == "error":
        return Action("error", "A file is there already.", file)
    if on_existing != "sync" or same_content is None:
        return _replacing(request, "A file is there already; it becomes an earlier version.", file)
    if not same_content.same:
        return _replacing(request, same_content.reason, file)
    return _with_same_content(request, differences(request.fields, file), file, same_content.reason)


def _replacing(request: UploadRequest, reason: str, file: Mapping[str, Any]) -> Action:
    """Return that a row replaces a file, unless it forbids that."""
    if request.fields.get("overwriteFile") == "false":
        return Action("error", f"{reason} The row does not allow to replace it.", file)
    return Action("replace", reason, file)


def _with_same_content(request: UploadRequest, different: Differences, file: Mapping[str, Any], reason: str) -> Action:
    """Return what a row does about a file that has its content."""
    names = different.names
    if not names:
        return Action("unchanged", reason, file)
    words = f"{reason} Different: {', '.join(names)}."
    if different.private is not None:
        return _replacing(request, f"{words} Only a new version can have another privacy.", file)
    return Action("update", words, file, different)


def same_content(
    size: int | None, fingerprint: Fingerprint, file: Mapping[str, Any], known: KnownFile | None
) -> SameContent:
    """Return whether a file in the library has the content of a row.

    `size` is that of the file that the row would store, in bytes, None if it is not known, and `fingerprint` identifies
    its content. `file` has the details of the file in the library. `known` is what ikpipe knows of the file that it
    stored at that path; it only counts if that is still the file in the library.
    """
    there = file.get("size")
    found = None
    if known is not None and fingerprint.kind and (size in (None, there) or fingerprint.kind == "column"):
        found = _by_fingerprint(fingerprint, file, known)
    return found or _by_size(size, there, fingerprint.note)


def _by_fingerprint(fingerprint: Fingerprint, file: Mapping[str, Any], known: KnownFile) -> SameContent | None:
    """Return whether the content is that of a known file; None if that has a fingerprint of another kind."""
    if not is_same_file(known, file):
        return SameContent(False, "The file in the library is not the one that ikpipe stored: somebody changed it.")
    before = Fingerprint.parse(known.fingerprint)
    if before.kind != fingerprint.kind:
        return None
    same = before.value == fingerprint.value
    words = f"{_WORDS.get(fingerprint.kind, 'content')} {'as' if same else 'than'} when the file was stored."
    return SameContent(same, f"{'The same' if same else 'Another'} {words}")


_WORDS = {"etag": "ETag", "modified": "modification time", "column": "value in the column"}


def _by_size(size: int | None, there: int | None, note: str | None) -> SameContent:
    if size is None or there is None:
        return SameContent(False, sentences("Whether the content is the same is not known.", note))
    if size != there:
        return SameContent(False, f"The sizes differ: {size:,} bytes, and {there:,} in the library.")
    return SameContent(True, sentences("The same size; only the size was compared.", note))


def is_same_file(known: KnownFile, file: Mapping[str, Any]) -> bool:
    """Whether the file in the library is the one that ikpipe knows: nobody replaced it."""
    pairs = ((known.version_id, version_id(file)), (known.size, file.get("size")))
    return known.file_id == file.get("fileId") and all(then in (None, now) for then, now in pairs)


def as_new(request: UploadRequest) -> UploadRequest:
    """Return the request of a row whose target is believed to be free: the service rejects it if it is not."""
    return request._replace(fields={**request.fields, "overwriteFile": "false"})


_KEPT = ("overwriteTags", "overwriteAITags", "overwriteCustomMetadata")
_CARRIED = ("description", "customCoordinates")


def as_replacement(request: UploadRequest, file: Mapping[str, Any]) -> UploadRequest:
    """Return the request that replaces a file; details that the row does not give survive.

    Flags keep tags and metadata [upload docs]. A new version has the default of all other details that are not sent, so
    the file's are sent again; otherwise a private file would become public. Its path is used as it is.
    """
    kept: dict[str, str] = dict.fromkeys(_KEPT, "false")
    kept |= {wire: str(file[wire]) for wire in _CARRIED if file.get(wire)}
    if file.get("isPrivateFile") is True:
        kept["isPrivateFile"] = "true"
    if file.get("isPublished") is False:
        kept["isPublished"] = "false"
    fields = {**kept, **request.fields}
    if (path := str(file.get("filePath", request.target))) != request.target:
        folder, _, fields["fileName"] = path.rpartition("/")
        fields["folder"] = folder or "/"
    if "customMetadata" in request.fields:  # which replaces all of the file's, whatever the flag [upload docs]
        values = {**without_none(file.get("customMetadata") or {}), **json.loads(request.fields["customMetadata"])}
        fields["customMetadata"] = to_json(values)
    return request._replace(fields=fields)
