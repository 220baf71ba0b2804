"""Check the folders that ikpipe writes to: who may read them, whether they can be written, and their free space."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from ikpipe.errors import AccountError, JournalError
from ikpipe.request.profiles import config_path, read_profiles
from ikpipe.request.user_folders import state_folder
from ikpipe.service.findings import Finding, Level

_LITTLE, _FULL = 1_000_000_000, 50_000_000  # bytes of free space
_HOME = "Set HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME, to a folder that can be written."


def check_folders() -> list[Finding]:
    """Return what is wrong with the folders for configuration, journals and temporary files."""
    state = None
    with suppress(JournalError):
        state = state_folder()
    return [
        _configuration(),
        *_written("State folder", state, "Runs keep their journals there.", private=True),
        *_written("Temporary files", _temporary_folder(), "Downloads are kept there.", private=False),
        *_interrupted(state),
    ]


def _temporary_folder() -> Path | None:
    with suppress(OSError):  # none of the usual folders can be written
        return Path(tempfile.gettempdir())
    return None


def _configuration() -> Finding:
    about = "Configuration"
    try:
        path = config_path()
    except AccountError as error:
        return Finding("warning", about, error.message, error.fix)
    try:
        mode, folder_mode = path.stat().st_mode, path.parent.stat().st_mode
    except FileNotFoundError:
        return Finding("ok", about, f"There is no {path}.")
    except OSError as error:
        words = f"{path} cannot be read: {error.strerror}."
        return Finding("warning", about, words, "Change its owner or permissions.")
    if os.name == "posix" and mode & 0o077 and _has_secrets(path):
        words = f"{path} is accessible to other users (mode {mode & 0o777:03o})."
        return Finding("problem", about, words, f"Run: chmod 600 {shlex.quote(str(path))}")
    if os.name == "posix" and folder_mode & 0o022:
        words = f"Other users can replace files in {path.parent} (mode {folder_mode & 0o777:03o})."
        return Finding("problem", about, words, f"Run: chmod 700 {shlex.quote(str(path.parent))}")
    return Finding("ok", about, f"{path}.")


def _has_secrets(path: Path) -> bool:
    """Whether a configuration file has private keys or headers; True if it cannot be read."""
    try:
        profiles = read_profiles(path).values()
    except (AccountError, OSError):
        return True
    return any({"private_key", "headers"} & profile.keys() for profile in profiles if isinstance(profile, dict))


def _written(about: str, folder: Path | None, purpose: str, *, private: bool) -> list[Finding]:
    """Return whether a folder, which may not exist yet, can be written and has room."""
    if folder is None:
        return [Finding("problem", about, f"This machine has no such folder. {purpose}", _HOME)]
    present = next(place for place in (folder, *folder.parents) if _exists(place))
    if (reason := _reason_not_writable(present)) is not None:
        return [Finding("problem", about, f"{present} cannot be written: {reason}. {purpose}", _HOME)]
    mode = present.stat().st_mode
    if private and present == folder and os.name == "posix" and mode & 0o022:
        words = f"Other users can write to {folder} (mode {mode & 0o777:03o})."
        return [Finding("problem", about, words, f"Run: chmod 700 {shlex.quote(str(folder))}")]
    return [_space(about, folder, present)]


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # not readable for this user
        return True


def _reason_not_writable(folder: Path) -> str | None:
    """Return why no file can be created in a folder, or None."""
    try:
        with tempfile.TemporaryFile(prefix="ikpipe-doctor-", dir=folder) as file:
            file.write(b"ikpipe")
    except OSError as error:
        return error.strerror or str(error)
    return None


def _space(about: str, folder: Path, present: Path) -> Finding:
    free = shutil.disk_usage(present).free
    level: Level = "problem" if free < _FULL else "warning" if free < _LITTLE else "ok"
    text = f"{folder}, {free / 1e9:,.1f} GB free."
    return Finding(level, about, text, None if level == "ok" else "Free some space.")


def _interrupted(state: Path | None) -> list[Finding]:
    """Return whether there are interrupted runs."""
    from ikpipe.errors import Error
    from ikpipe.journal.catalog import interrupted_runs

    about = "Interrupted runs"
    if state is None:
        return []
    try:
        count = len([*interrupted_runs()])
    except (OSError, Error) as error:
        return [Finding("warning", about, f"The journals cannot be listed: {error}.")]
    if not count:
        return [Finding("ok", about, "None.")]
    words = "There is 1 interrupted run." if count == 1 else f"There are {count:,} interrupted runs."
    return [Finding("warning", about, words, "List and finish them: ikpipe resume")]
