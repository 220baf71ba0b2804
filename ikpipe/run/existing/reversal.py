"""What `undo` does about one file, from what a run did to it and what the library has now. Pure.

A file that somebody changed since is left as it is. Each decision can be repeated: what an interrupted undo has done is
recognized in the library, and what is left is done.

The version that a run stored stays as an earlier version when the one before is restored: nothing is lost, so that this
can be undone as well. A file is only deleted if the run created it, and if its current version is still the run's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from ikpipe.errors import sentences
from ikpipe.request.names import canonical_path
from ikpipe.run.existing.differences import Differences
from ikpipe.run.existing.known_files import DELETED, time_of, version_number
from ikpipe.run.existing.reversed_details import changed_details, merged, set_back
from ikpipe.service.library import version_id

ReversalKind = Literal["delete", "restore", "details", "left", "absent", "none"]

LATE = 900.0  # seconds after its last request in which a file may be stored whose answer was lost
_GONE = "The run was to delete it, and it is not in the library any more. Upload it again from its source."
_SETTLING = 60.0  # seconds after a file was stored in which the service may still change its details [guess]


class FileBefore(NamedTuple):
    """A file that a run was about to replace or to change, as `RowBefore` of the journal describes it."""

    file_id: str
    version_id: str | None
    details: Mapping[str, Any]
    changes: Mapping[str, Any]


class StoredVersion(NamedTuple):
    """A version of a file that a run stored.

    `details` are those that it was stored with, under the media API's names; `complete`: it had no others. `sent` is
    the number of requests that may have stored it. `by_time`: the times of the file show whether it was changed since,
    as nothing else is known of its details.
    """

    version_id: str | None
    path: str | None
    size: int | None
    details: Mapping[str, Any]
    complete: bool = False
    sent: int = 1
    by_time: bool = False


class RunFile(NamedTuple):
    """What a run did to a file: the version that it stored, and how the file was before, as far as that is known."""

    file_id: str
    stored: StoredVersion | None = None
    befores: tuple[FileBefore, ...] = ()

    @property
    def key(self) -> tuple[str, str | None]:
        """The ids of the file and of the version that the run stored."""
        return self.file_id, None if self.stored is None else self.stored.version_id

    @property
    def own_befores(self) -> list[FileBefore]:
        """How this very file was before: a row whose file is deleted by others has another one afterwards."""
        return [before for before in self.befores if before.file_id == self.file_id]

    @property
    def deleted(self) -> bool:
        """Whether the run deleted it, or was about to."""
        return any(before.changes == DELETED for before in self.own_befores)


class Reversal(NamedTuple):
    """What `undo` does about a file.

    `version` is the id of the version to restore. `before` are the details that the file is to have then, and `ours`
    those that it may have because of the run. `changes` are details to change now, and `path` a path to move it to.
    `partial`: not all details can be set back; the message names the others.
    """

    kind: ReversalKind
    message: str
    version: str | None = None
    before: Mapping[str, Any] | None = None
    ours: Sequence[Mapping[str, Any]] = ()
    changes: Differences = Differences({})
    path: str | None = None
    partial: bool = False


def needs_versions(run_file: RunFile, file: Mapping[str, Any]) -> bool:
    """Whether the versions of a file are needed for the decision."""
    stored = run_file.stored
    return stored is not None and not (version_number(file) == 1 and version_id(file) == stored.version_id)


def reverse(run_file: RunFile, file: Mapping[str, Any] | None, versions: Sequence[Mapping[str, Any]]) -> Reversal:
    """Return what to do about a file.

    `file` has its details now, None if there is no such file; `versions` has all of its versions, if `needs_versions`.
    """
    if run_file.deleted:
        return Reversal("left", _GONE) if file is None else Reversal("none", "It was not deleted.")
    if file is None:
        return Reversal("absent", "There is no such file.")
    if run_file.stored is None:
        return _of_update(run_file, file)
    return _of_upload(run_file, run_file.stored, file, versions)


def _of_upload(
    run_file: RunFile, stored: StoredVersion, file: Mapping[str, Any], versions: Sequence[Mapping[str, Any]]
) -> Reversal:
    """Return what to do about a file that the run created or replaced."""
    if stored.version_id is None or stored.path is None or stored.size is None:
        return Reversal("left", "Its version, path or size is not known, so that it cannot be recognized.")
    befores, ours = run_file.own_befores, _version(versions, stored.version_id)
    if version_id(file) == stored.version_id:
        return _of_current(stored, befores, file, versions)
    below = _below(versions, ours)
    prior = befores[0].version_id if befores else below and version_id(below)
    if prior is None or version_id(file) != prior:
        return Reversal("left", f"Somebody replaced it since: it has {_name(file)}.")
    if not befores:
        return Reversal("none", f"{_name(file)} is the current one already.")
    return set_back_reversal(befores[0].details, _by_run(befores, ours), file)


def _of_current(
    stored: StoredVersion,
    befores: Sequence[FileBefore],
    file: Mapping[str, Any],
    versions: Sequence[Mapping[str, Any]],
) -> Reversal:
    """Return what to do about a file whose current version is the run's."""
    prior = _version(versions, befores[0].version_id) if befores else _below(versions, file)
    if (why := _changed_since(stored, file, befores[0].details if befores else prior)) is not None:
        return Reversal("left", why)
    if not befores and _is_created(file, versions):
        return Reversal("delete", "The file is deleted: the run created it.")
    return _of_replaced(stored, befores, file, prior)


def _of_replaced(
    stored: StoredVersion, befores: Sequence[FileBefore], file: Mapping[str, Any], prior: Mapping[str, Any] | None
) -> Reversal:
    """Return what to do about a file whose current version is the run's, and `prior` the one before."""
    if prior is None:
        return Reversal("left", "The version before the run's is not in the library any more.")
    if not befores and stored.sent > 1 and prior.get("size") == stored.size:
        words = "of the same size, may be the run's as well, since a request of it got no answer"
        return Reversal("left", f"{_name(prior)}, {words}. Restore the right one in the media library.")
    details, ours = befores[0].details if befores else prior, _by_run(befores, file)
    return Reversal("restore", f"{_name(prior)} becomes the current version again.", version_id(prior), details, ours)


def _is_created(file: Mapping[str, Any], versions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there was no file before the run: its only version is the run's."""
    number = version_number(file)
    return number == 1 or (number < 0 and len(versions) == 1)


def _changed_since(stored: StoredVersion, file: Mapping[str, Any], earlier: Mapping[str, Any] | None) -> str | None:
    """Return why a file is not as the run left it, though it has the run's version; None if it is.

    `earlier` are the details of the version before, if there was one.
    """
    if stored.size != file.get("size"):
        return f"Its size is {file.get('size')}, not {stored.size} as in the run."
    there = str(file.get("filePath"))
    if canonical_path(there, "as_given") != canonical_path(str(stored.path), "as_given"):
        return f"Somebody moved or renamed it since: it is at {there}."
    if names := changed_details(stored.details, file, _listed(earlier) if stored.complete else None):
        return f"Somebody changed it since: {', '.join(names)}."
    if stored.by_time and earlier is None and time_of(file, "updatedAt") > time_of(file, "createdAt") + _SETTLING:
        return "Somebody changed it since: it was updated after it was stored."
    return None


def _listed(earlier: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    return [] if earlier is None else [earlier]


def _of_update(run_file: RunFile, file: Mapping[str, Any]) -> Reversal:
    """Return what to do about a file whose details the run changed."""
    befores = run_file.own_befores
    if not befores:
        return Reversal("left", "Its earlier details are not known.")
    if befores[0].version_id not in (None, version_id(file)):
        return Reversal("left", f"Somebody replaced it since: it has {_name(file)}.")
    before: dict[str, Any] = {}
    for entry in reversed(befores):
        before = merged(before, entry.details, entry.changes)
    return set_back_reversal(before, _by_run(befores, None), file)


def set_back_reversal(
    before: Mapping[str, Any], ours: Sequence[Mapping[str, Any]], file: Mapping[str, Any]
) -> Reversal:
    """Return which details of a file to set back; none of them if somebody changed one since.

    `before` are the details before the run. `ours` are those that the run set.
    """
    found = set_back(before, ours, file)
    if found.conflicts:
        return Reversal("left", f"Somebody changed it since: {', '.join(found.conflicts)}.")
    impossible = None
    if found.impossible:
        impossible = f"The media API cannot set back: {', '.join(found.impossible)}."
    if not found.names:
        return Reversal("left", impossible) if impossible else Reversal("none", "It is as it was before the run.")
    words = sentences(f"Set back: {', '.join(found.names)}.", impossible)
    return Reversal("details", words, changes=found.changes, path=found.path, partial=impossible is not None)


def _by_run(befores: Sequence[FileBefore], version: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return all details that a file may have because of a run."""
    found = [before.changes for before in befores] + [before.details for before in befores[1:]]
    found += [{"filePath": path} for before in befores for path in _paths_between(before)]
    return found if version is None else [*found, version]


def _paths_between(before: FileBefore) -> list[str]:
    """Return the paths that a file has between two requests, if it was renamed and moved."""
    if "filePath" not in before.changes or "filePath" not in before.details:
        return []
    (old_folder, _, old), (folder, _, name) = (str(one["filePath"]).rpartition("/") for one in before[2:])
    return [f"{old_folder}/{name}", f"{folder}/{old}"]


def _version(versions: Sequence[Mapping[str, Any]], wanted: str | None) -> Mapping[str, Any] | None:
    """Return a version by its id."""
    return next((one for one in versions if wanted is not None and version_id(one) == wanted), None)


def _below(versions: Sequence[Mapping[str, Any]], version: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the version before another one, by their numbers; None if there is none."""
    earlier = [one for one in versions if version is not None and 0 < version_number(one) < version_number(version)]
    return max(earlier, key=version_number, default=None)


def _name(file: Mapping[str, Any]) -> str:
    """Return the name of a file's current version."""
    number = version_number(file)
    return "another version" if number < 0 else f"Version {number}"
