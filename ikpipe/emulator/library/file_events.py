"""Webhooks about changes of files and folders [sdk: the types of `file.*`, `file-version.*` and `folder.*`].

Which change of a file sends which event is a guess: the SDKs have one sentence for each type, such as "Triggered when a
file is updated". Of folders they say more.
"""

from collections.abc import Iterable, Mapping

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.library.file_details import file_details
from ikpipe.emulator.store import Details, timestamp


def tell_stored(account: EmulatedAccount, details: Details) -> None:
    """Send `file.created` for a file's first version, and `file-version.created` for any other."""
    first = details["versionInfo"]["id"] == details["fileId"]
    _tell_details(account, "file.created" if first else "file-version.created", details)


def update_file(account: EmulatedAccount, details: Details) -> Details:
    """Store the changed details of a file with the time of the change, and send `file.updated`; return them."""
    details = details | {"updatedAt": timestamp()}
    account.store.files.update(details)
    tell_updated(account, details)
    return details


def tell_updated(account: EmulatedAccount, details: Details) -> None:
    """Send `file.updated`."""
    _tell_details(account, "file.updated", details)


def delete_files(account: EmulatedAccount, file_ids: Iterable[str]) -> list[str]:
    """Delete files with all their versions; return the ids that existed.

    Send `file.deleted` for each, and `file-version.deleted` for its earlier versions [sdk: if their folder is deleted].
    """
    files, file_ids = account.store.files, [*file_ids]
    wanted = file_ids if account.webhooks.wants("file-version.deleted") else []
    earlier = {file_id: [details["versionInfo"]["id"] for details in files.earlier(file_id)] for file_id in wanted}
    deleted = files.delete(file_ids)
    for file_id in deleted:
        _tell(account, "file.deleted", {"fileId": file_id})
        for version in earlier.get(file_id, ()):
            tell_version_deleted(account, file_id, version)
    return deleted


def tell_version_deleted(account: EmulatedAccount, file_id: str, version: str) -> None:
    """Send `file-version.deleted`."""
    _tell(account, "file-version.deleted", {"fileId": file_id, "versionId": version})


def tell_folder(account: EmulatedAccount, event: str, data: Mapping[str, object]) -> None:
    """Send `folder.created`, `folder.updated` or `folder.deleted`."""
    _tell(account, event, data)


def _tell_details(account: EmulatedAccount, event: str, details: Details) -> None:
    # the details of thousands of files take a while
    if account.webhooks.wants(event):
        _tell(account, event, file_details(details, account.endpoint))


def _tell(account: EmulatedAccount, event: str, data: Mapping[str, object]) -> None:
    account.webhooks.tell_account(event, {"created_at": timestamp(), "data": data})
