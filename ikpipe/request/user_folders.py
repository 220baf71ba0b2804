"""The folders of the user for configuration and state, which a service or a container may not have."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ikpipe.errors import JournalError


def config_folder() -> Path | None:
    """Return the user's configuration folder for ikpipe; None if this user has no home folder."""
    from platformdirs import user_config_path

    with suppress(RuntimeError):  # of newer versions of platformdirs; older ones return a path that starts with ~
        return _absolute(user_config_path("ikpipe"))
    return None


def state_folder() -> Path:
    """Return the user's state folder, which may not exist yet.

    Raise `JournalError` if there is none: without HOME, the system may not know a home folder either.
    """
    from platformdirs import user_state_path

    folder = None
    with suppress(RuntimeError):  # of a user whom the system does not know
        folder = _absolute(user_state_path("ikpipe"))
    if folder is None:
        raise JournalError(
            "This user has no home folder, so there is no folder for journals and states.",
            fix="Set HOME or XDG_STATE_HOME to a folder that can be written.",
            another=True,
        )
    return folder


def _absolute(path: Path) -> Path | None:
    return path if path.is_absolute() else None  # "~" as it is would be a folder of this name in the working folder
