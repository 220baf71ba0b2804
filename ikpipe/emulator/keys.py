"""The account's keys: random, and kept in the emulator's directory, so that a restart has the same."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING

from ikpipe.emulator.upload.jwt_reading import AccountKeys

if TYPE_CHECKING:
    from pathlib import Path

FILE = "keys.json"


def made() -> AccountKeys:
    """Return a pair that nobody else has."""
    return AccountKeys(f"public_{secrets.token_urlsafe(20)}=", f"private_{secrets.token_urlsafe(20)}=")


def kept(directory: Path) -> AccountKeys | None:
    """Return the keys that a directory has.

    Raises
    ------
    ValueError
        Its file of keys is none.
    """
    try:
        text = (directory / FILE).read_text("utf-8")
    except FileNotFoundError:
        return None
    try:
        pair = json.loads(text)
        return AccountKeys(str(pair["public_key"]), str(pair["private_key"]))
    except (ValueError, KeyError, TypeError):
        words = "does not hold the emulator's keys: delete it, and new ones are made"
        raise ValueError(f"{directory / FILE} {words}") from None


def keep(directory: Path, keys: AccountKeys) -> AccountKeys:
    """Write keys into a directory that has none, readable by its owner alone; return those that it has then."""
    path = directory / FILE
    partial = directory / f".{FILE}.{secrets.token_hex(4)}"
    text = json.dumps({"public_key": keys.public, "private_key": keys.private}) + "\n"
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    try:
        os.link(partial, path)  # whole, and only if another process has not been quicker
    except FileExistsError:
        pass
    finally:
        partial.unlink()
    return kept(directory) or keys
