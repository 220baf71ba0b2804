"""Write a profile into the user's ``config.toml``, which keeps its other profiles and its comments."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ikpipe.errors import Error
from ikpipe.request.profiles import DEFAULT_SETTING
from ikpipe.request.secrets import SealedHeaders, masked

_FIX = "Make the folder writable, or set XDG_CONFIG_HOME to another folder."


def check_writable(path: Path) -> None:
    """Raise `Error` if a configuration file cannot be written, without writing anything."""
    target = _target(path)
    place = target if target.exists() else next(folder for folder in target.parents if folder.exists())
    if target.exists() and not target.is_file():
        raise Error(f"{path} is not a file.", fix="Move it away.")
    folder = target.parent if place == target else place
    if not folder.is_dir():
        raise Error(f"{path} cannot be written: {folder} is not a folder.", fix=_FIX)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Error(f"{path} cannot be written: you may not write to {folder}.", fix=_FIX)


def write_profile(path: Path, name: str, settings: Mapping[str, Any], *, default: bool = False) -> None:
    """Write settings of a profile: None removes a setting, and those that are not named stay as they are.

    `default` makes it the default profile. The file is replaced as a whole, and only its owner can read it; if that
    fails, it is as it was. Processes that write profiles at the same time wait for each other. Raise `Error` if it
    cannot be read or written.
    """
    target = _target(path)
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(target.parent):
            _replace(target, _edited(target, name, settings, default=default))
    except OSError as error:
        raise Error(f"{path} cannot be written: {error.strerror}.", fix=_FIX) from None


def _target(path: Path) -> Path:
    """Return the file itself if it is a link, such as to a repository of configuration files."""
    return Path(os.path.realpath(path))


def _edited(path: Path, name: str, settings: Mapping[str, Any], *, default: bool) -> SealedHeaders:
    """Return the content of the file with the settings."""
    content, reason = SealedHeaders(), "it is not text in UTF-8"
    with suppress(UnicodeDecodeError):
        content, reason = _edit(_text(path), name, settings, default=default)
    if reason:
        raise Error(f"{path} cannot be read: {reason}.", fix="Correct it first. Nothing was written.")
    return content


def _text(path: Path) -> SealedHeaders:
    """Return the content of the file; empty text if there is none."""
    return SealedHeaders(path.read_bytes().decode("utf-8-sig") if path.exists() else "")


def _edit(text: SealedHeaders, name: str, settings: Mapping[str, Any], *, default: bool) -> tuple[SealedHeaders, str]:
    """Return TOML with the settings; empty text and the reason if it is not valid. The text is never raised."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text.replace("\r\n", "\n"))
    except (TOMLKitError, ValueError) as error:
        return SealedHeaders(), masked(str(error))
    table: Any = document.get(name)
    if not isinstance(table, dict):
        document[name] = table = tomlkit.table()
    for setting, value in settings.items():
        if value is None:
            table.pop(setting, None)
        else:
            table[setting] = str(value) if isinstance(value, str) else value
    if default:
        document[DEFAULT_SETTING] = name
    edited = tomlkit.dumps(document)
    return SealedHeaders(edited.replace("\n", "\r\n") if "\r\n" in text else edited), ""


def _replace(path: Path, content: SealedHeaders) -> None:
    """Replace a file by a new one that only its owner can read."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # with the mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)  # noqa: PTH105 - of a name
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - of a name
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder against other processes that write profiles, where the system has such locks."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # there are file systems without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
