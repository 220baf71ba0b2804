"""The account's keys: random, and kept in the emulator's directory, so that they survive a restart."""

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

FILE = "keys.json"


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """An account's two keys; `repr` does not show the private one."""

    public: str
    private: str = field(repr=False)


def generate_keys() -> AccountKeys:
    """Return a new random pair of keys."""
    return AccountKeys(f"public_{secrets.token_urlsafe(20)}=", f"private_{secrets.token_urlsafe(20)}=")


def load_keys(directory: Path) -> AccountKeys | None:
    """Return the keys that a directory keeps, or None if it has none.

    Raise `ValueError` if the directory's key file cannot be read.
    """
    try:
        text = (directory / FILE).read_text("utf-8")
    except FileNotFoundError:
        return None
    try:
        pair = json.loads(text)
        return AccountKeys(str(pair["public_key"]), str(pair["private_key"]))
    except (ValueError, KeyError, TypeError):
        problem = "does not contain valid emulator keys. Delete it to create new keys."
        raise ValueError(f"{directory / FILE} {problem}") from None


def save_keys(directory: Path, keys: AccountKeys) -> AccountKeys:
    """Write keys to a directory that has none, readable only by the owner; return the keys that it has then."""
    path = directory / FILE
    partial = directory / f".{FILE}.{secrets.token_hex(4)}"
    text = json.dumps({"public_key": keys.public, "private_key": keys.private}) + "\n"
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    try:
        os.link(partial, path)  # atomic, and fails if another process was faster
    except FileExistsError:
        pass
    finally:
        partial.unlink()
    return load_keys(directory) or keys
