"""Finds the files that the layers of a transformation need, in the library; only in the event loop's thread."""

from collections.abc import Mapping
from pathlib import Path

from ikpipe.emulator.delivery.transformation_parser import BadTransformationError, Chain
from ikpipe.emulator.store import Details
from ikpipe.emulator.store.files import StoredFiles


def find_published(stored: StoredFiles, path: str, version: str | None = None) -> Details | None:
    """Return a published file, or an earlier version of it [upload docs: drafts cannot be accessed]."""
    folder, slash, name = path.rpartition("/")
    details = stored.at(folder + slash, name)
    if details is not None and version is not None:
        details = stored.version(details["fileId"], version)
    return details if details is not None and details["isPublished"] else None


def find_files(stored: StoredFiles, chain: Chain) -> dict[str, Details]:
    """Return the images and fonts of all layers by their paths.

    Raise `BadTransformationError` if one does not exist [guess].
    """
    found = {path: find_published(stored, path) for path in chain.files}
    missing = [path for path, details in found.items() if details is None]
    if missing:
        raise BadTransformationError(f"There is no file {missing[0]} for a layer.")
    return {path: details for path, details in found.items() if details is not None}


def file_paths(stored: StoredFiles, files: Mapping[str, Details]) -> dict[str, Path]:
    """Return where the bytes of files are."""
    return {path: stored.bytes_of(details["versionInfo"]["id"]) for path, details in files.items()}
