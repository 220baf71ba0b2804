"""What ikpipe knows of the content of the files that it stored, wherever that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ikpipe.errors import MappingError, keyword
from ikpipe.request.user_folders import state_folder
from ikpipe.run.existing.fingerprints import FileHashes, Fingerprint
from ikpipe.run.existing.known_files import KnownFile, SentFile
from ikpipe.run.existing.library_state import open_library_state
from ikpipe.run.existing.shared_state import SharedState
from ikpipe.run.existing.sqlite_state import SQLiteState, check_file

if TYPE_CHECKING:
    from ikpipe.request.account import Account
    from ikpipe.service.client import ServiceClient

LIBRARY = "library"
"""The value of ``state=`` for a custom metadata field of the account."""


class ContentState(Protocol):
    """Where the records are kept. Errors while a run goes on are logged, since a lost record only costs an upload."""

    hashes: FileHashes
    """The hashes of local files."""

    async def known(self, files: Mapping[str, Mapping[str, Any]]) -> dict[str, KnownFile]:
        """Return what is known of the library's files; `files` is path → details as the media API returns them."""

    async def same_content(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], KnownFile]:
        """Return files with the same content and parameters; a key is a fingerprint's text and a hash of parameters."""

    def sent_with(
        self, fields: dict[str, str], fingerprint: Fingerprint, existing: Mapping[str, Any] | None
    ) -> dict[str, str]:
        """Return the form's texts that are sent for a file, which replaces `existing`, if there is one."""

    async def sending(self, files: Sequence[SentFile]) -> None:
        """Record durably what is about to be sent."""

    async def remember(self, files: Sequence[KnownFile]) -> None:
        """Record what was stored; durable soon, at the latest when the state is closed."""

    async def close(self) -> None:
        """Write all records, and close the state."""


def check_state(state: str | Path | None) -> None:
    """Check where a state is to be kept, before anything is started; raise `MappingError` if it cannot be used."""
    if state == "":
        raise MappingError("The value must not be empty.", about=keyword("state", state))
    if state is not None and state != LIBRARY and not _is_folder(str(state)):
        check_file(Path(state))


async def open_state(
    state: str | Path | None, account: Account, client: ServiceClient, *, dry_run: bool = False, part: bool = False
) -> ContentState:
    """Return the state of an account.

    `state` is a SQLite file; a folder, or its URL, that several machines share; ``"library"``; or None for a file in
    the user's state folder. In a dry run, nothing in the library is changed. `part`: for a part of a table, which
    leaves joining many records to others. Raise `MappingError` if it cannot be used.
    """
    check_state(state)
    if state is not None and state != LIBRARY and not _is_folder(str(state)):
        return SQLiteState(Path(state), account.public_key)
    own = SQLiteState(_own_path(account), account.public_key)
    if state is None:
        return own
    try:
        if state == LIBRARY:
            return await open_library_state(account, client, own, dry_run=dry_run)
        return SharedState(str(state), account.public_key, own, joins=not (part or dry_run))
    except BaseException:
        await own.close()
        raise


async def prepare_shared(state: str | Path, account: Account) -> str:
    """Return where a state is, for all machines of a cluster; many records in a folder are joined.

    Raise `MappingError` if it is not a place that machines can share, or cannot be used.
    """
    text = str(state)
    if text in ("", LIBRARY):
        check_state(text)
        return text
    if not _is_folder(text):
        words = "This is a file of one machine, and the machines of a cluster need one state."
        fix = "Pass a folder that all of them have, which ends with '/' or exists, a URL such as s3://…, or 'library'."
        raise MappingError(words, fix=fix, about=keyword("state", text))
    place = place_of(state)
    own = SQLiteState(_own_path(account), account.public_key)
    try:
        await SharedState(place, account.public_key, own).close()
    except BaseException:
        await own.close()
        raise
    return place


def place_of(state: str | Path) -> str:
    """Return what names a state in any working folder."""
    text = str(state)
    if text == LIBRARY or "://" in text:
        return text
    return f"{Path(text).absolute()}{'/' if _is_folder(text) else ''}"


def _is_folder(state: str) -> bool:
    return "://" in state or state.endswith(("/", "\\")) or Path(state).is_dir()


def _own_path(account: Account) -> Path:
    """Return the file of an account in the user's state folder."""
    name = sha256(account.public_key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return state_folder() / "states" / f"{name}.ikstate"
