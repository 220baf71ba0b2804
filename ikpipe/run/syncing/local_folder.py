"""The files of a local folder that belong to a sync, and what of the folder cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ikpipe.errors import describe_exception
from ikpipe.run.syncing.patterns import PathFilter


@dataclass(slots=True)
class Scan:
    """What a source has; all paths are relative to it, with slashes.

    `files` are those that are sent. `left` are others that are there, and `left_folders` folders of which nothing is
    read: excluded ones, links and what is not a file. Nothing below their paths in the library is changed. `errors` are
    sentences about what could not be read, `notes` about what is left although no pattern excludes it.
    """

    files: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    left_folders: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Folder(NamedTuple):
    """A folder to read: its path, relative with a slash at its end, and the real paths of it and those above it."""

    path: str
    chain: tuple[str, ...]


def scan_folder(root: Path, chosen: PathFilter) -> Scan:
    """Return the files of a folder and below it.

    Hidden files are files. Links are followed if they stay inside the folder; a link to a folder that it is in is not,
    and one that leads out of the folder counts as a file, which is rejected later. Folders without files are ignored.
    """
    scan, base = Scan(), os.path.realpath(root)
    folders = [_Folder("", (base,))]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(Path(root, folder.path)) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
            folders += _read(scan, folder, found, chosen, base)
        except OSError as error:
            scan.errors.append(f"The folder {folder.path or root} cannot be read: {describe_exception(error)}.")
            scan.left_folders.append(folder.path.rstrip("/"))
    scan.files.sort()
    return scan


def _read(
    scan: Scan, folder: _Folder, entries: list[os.DirEntry[str]], chosen: PathFilter, base: str
) -> Iterator[_Folder]:
    """Note the files of a folder, and yield the folders in it."""
    for entry in entries:
        path = folder.path + entry.name
        if not _is_folder(entry):
            _note_file(scan, path, entry, chosen)
        elif not chosen.has_folder(path):
            scan.left_folders.append(path)
        elif not entry.is_symlink():
            yield _Folder(f"{path}/", (*folder.chain, os.path.join(folder.chain[-1], entry.name)))  # noqa: PTH118
        elif (real := os.path.realpath(entry.path)) in folder.chain:
            scan.notes.append(f"The link {path} leads to a folder that it is in, and is left out.")
            scan.left_folders.append(path)
        elif os.path.commonpath((base, real)) != base:
            scan.files.append(path)  # reported as a file outside the root
            scan.left_folders.append(path)
        else:
            yield _Folder(f"{path}/", (*folder.chain, real))


def _note_file(scan: Scan, path: str, entry: os.DirEntry[str], chosen: PathFilter) -> None:
    if not chosen.has_file(path):
        scan.left.append(path)
    elif entry.is_symlink() or entry.is_file():  # a broken link is reported later
        scan.files.append(path)
    else:
        scan.notes.append(f"{path} is not a regular file, and is left out.")
        scan.left.append(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether this is a folder, or a link to one; links that lead nowhere count as files, which are reported later."""
    try:
        return entry.is_dir()
    except OSError:
        return False
