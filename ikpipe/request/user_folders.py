"""The folders of the user for configuration and state, which a service or a container may not have."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def config_folder() -> Path | None:
    """Return the user's configuration folder for ikpipe; None if this user has no home folder."""
    from platformdirs import user_config_path

    with suppress(RuntimeError):  # of newer versions of platformdirs; older ones return a path that starts with ~
        return _absolute(user_config_path("ikpipe"))
    return None


def state_folder() -> Path | None:
    """Return the user's state folder for ikpipe; None if this user has no home folder."""
    from platformdirs import user_state_path

    with suppress(RuntimeError):
        return _absolute(user_state_path("ikpipe"))
    return None


def _absolute(path: Path) -> Path | None:
    return path if path.is_absolute() else None
