"""Copies and moves one file, with its versions. A file at the destination gets them as new versions [docs]."""

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library import file_events
from ikpipe.emulator.store import Details, new_id, timestamp
from ikpipe.emulator.upload.storage import add_version, next_number


def copy_file(account: EmulatedAccount, source: Details, folder: str, *, all_versions: bool) -> None:
    """Copy the current version of a file, or all its versions, to a folder, which is created if it does not exist.

    Raise `ErrorResponse` (400), and copy nothing, if a file at the destination would have too many versions.
    """
    versions = [*reversed(account.store.files.earlier(source["fileId"])), source] if all_versions else [source]
    _check_room(account, account.store.files.at(folder, source["name"]), len(versions))
    for version in versions:
        file_events.tell_stored(account, _add_version(account, version, folder))


def move_file(account: EmulatedAccount, source: Details, folder: str, name: str) -> None:
    """Move a file to another folder or name; a file that is there already gets its versions."""
    files = account.store.files
    if files.at(folder, name) is None:
        details = source | {"name": name, "filePath": folder + name, "updatedAt": timestamp()}
        files.move(folder, details)
        file_events.tell_updated(account, details)
    else:
        copy_file(account, source | {"name": name}, folder, all_versions=True)
        file_events.delete_files(account, [source["fileId"]])


def _check_room(account: EmulatedAccount, existing: Details | None, number: int) -> None:
    maximum = account.rules.max_versions
    present = 0 if existing is None else len(account.store.files.versions(existing["fileId"]))
    if present + number > maximum and account.rules.over_versions == "refuse":
        raise ErrorResponse(400, f"The file would have more than {maximum} versions.")


def _add_version(account: EmulatedAccount, version: Details, folder: str) -> Details:
    """Store a copy of a version under the same name in a folder, as if it was uploaded to it; return its details."""
    store, name, version_id, now = account.store, version["name"], new_id(), timestamp()
    existing = store.files.at(folder, name)
    number = next_number(account, existing)
    store.files.link_bytes(version["versionInfo"]["id"], version_id)
    details = version | {
        "type": "file",
        "fileId": version_id if existing is None else existing["fileId"],
        "filePath": folder + name,
        "versionInfo": {"id": version_id, "name": f"Version {number}"},
        "createdAt": now if existing is None else existing["createdAt"],
        "updatedAt": now,
    }
    add_version(account, folder, details, number, account.clock())
    return details
