"""Message authentication codes (MACs) that show who wrote a journal, by the account's key or a secret of this user.

The key of a journal is derived from the private key and the public one with HMAC-SHA-256; without a private key, from
random bytes in a file that only this user can read. Each run has a key of its own, derived from that one and the run's
id, so that an entry of one run proves nothing in another. The MAC of an entry is BLAKE2b (RFC 7693) with this key,
16 bytes: 0.4 µs, where HMAC-SHA-256 takes 1.2 µs with its state kept and 1.8 µs without.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import NoReturn

from ikpipe.errors import JournalError
from ikpipe.request.account import Account
from ikpipe.request.secrets import Secret
from ikpipe.request.user_folders import state_folder

_PURPOSE = b"ikpipe journal 3\0"
_SECRET = "journal.secret"  # noqa: S105 - the name of the file
_SECRET_BYTES = 32


class Seal:
    """Make the MACs of messages with one key, which is never shown or pickled."""

    __slots__ = ("_key", "_state")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._state = blake2b(key=key, digest_size=16)

    def __call__(self, message: bytes) -> bytes:
        """Return the MAC of a message, 16 bytes."""
        state = self._state.copy()
        state.update(message)
        return state.digest()

    def proves(self, message: bytes, mac: object) -> bool:
        """Whether the MAC is that of the message."""
        return isinstance(mac, bytes) and hmac.compare_digest(self(message), mac)

    def of_run(self, run: str) -> Seal:
        """Return the seal of one run, from which this one cannot be derived."""
        return Seal(hmac.digest(self._key, run.encode("utf-8", "surrogatepass"), "sha256"))

    def secret(self) -> Secret:
        """Return the key as text that is never shown, for machines that cannot derive it."""
        return Secret(self._key.hex())

    @classmethod
    def from_secret(cls, secret: str) -> Seal:
        """Return the seal whose key is a text from `secret`."""
        return cls(bytes.fromhex(secret))

    def __repr__(self) -> str:
        return "Seal(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A seal holds a key and is never pickled.")


class Prover:
    """The seals that show that an account, or this user on its behalf, wrote a journal.

    The account's seal is derived from the private key, or without one from this user's secret.
    """

    def __init__(self, account: Account) -> None:
        self.public_key = account.public_key
        self._private_key = account.private_key
        self._own: Seal | None = None

    @property
    def has_key(self) -> bool:
        """Whether the account has its private key here."""
        return self._private_key is not None

    @property
    def own(self) -> Seal:
        """The seal of what is written now.

        Raise `JournalError` if there is no private key, and no place for the user's secret.
        """
        if self._own is None:
            key = None if self._private_key is None else self._private_key.encode()
            self._own = self._of(key or _user_secret())
        return self._own

    def sealed_by(self, message: bytes, mac: object) -> Seal | None:
        """Return the seal with which a message has this MAC; None if no seal of this account and user has it."""
        return next((seal for seal in self._seals() if seal.proves(message, mac)), None)

    def _seals(self) -> Iterator[Seal]:
        yield self.own
        with suppress(JournalError):  # a user without a home folder has no secret
            if self._private_key is not None and (secret := _kept_secret(_secret_file())) is not None:
                yield self._of(secret)  # of a run that was started without the private key

    def _of(self, key: bytes) -> Seal:
        return Seal(hmac.digest(key, _PURPOSE + self.public_key.encode(), "sha256"))


def _secret_file() -> Path:
    return state_folder() / _SECRET


def _user_secret() -> bytes:
    """Return this user's secret, which is created if there is none."""
    path = _secret_file()
    try:
        return _kept_secret(path) or _new_secret(path)
    except OSError as error:
        raise JournalError(
            f"Without a private key, the file {path} shows who wrote a journal, and it cannot be written: "
            f"{error.strerror}.",
            fix="Make its folder writable, or set XDG_STATE_HOME to another folder.",
        ) from None


def _kept_secret(path: Path) -> bytes | None:
    """Return the secret; None if it is missing, incomplete or readable by other users."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if os.name != "nt" and (status.st_uid != os.geteuid() or status.st_mode & 0o077):
                return None
            secret = file.read(_SECRET_BYTES)
        return secret if len(secret) == _SECRET_BYTES else None
    return None


def _new_secret(path: Path) -> bytes:
    """Create the secret in one step, and return the one that is there then: another process may have been first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_SECRET_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(part)
    except FileExistsError:
        if _kept_secret(path) is None:  # cut short by a full disk, or readable by other users
            part.replace(path)
    except OSError:  # there are file systems without links
        part.replace(path)
    part.unlink(missing_ok=True)
    if (secret := _kept_secret(path)) is None:
        raise OSError(5, "it cannot be read")
    return secret
