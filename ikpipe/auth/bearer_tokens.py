"""`bearers`: authenticate callers by ``Authorization: Bearer …`` against a file of names and tokens."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ikpipe.errors import Error
from ikpipe.request.secrets import warn_if_readable

if TYPE_CHECKING:
    from ikpipe.auth.messages import SigningRequest

MIN_LENGTH = 16  # characters of a token; a shorter one could be guessed


def bearers(path: str | os.PathLike[str]) -> Callable[[SigningRequest], str | None]:
    """Return a function for `Allow.who` that authenticates callers by the tokens in a file.

    Each line of the file has a name and a token; `#` starts a comment.

    Parameters
    ----------
    path
        The file; only the server's user should be able to read it.

    Returns
    -------
    A function for `Allow.who`.

    Raises
    ------
    Error
        The file cannot be read, or a line is invalid: not a name and a token, a token shorter than 16 characters, or
        a token that another line has.
    """
    warn_if_readable(Path(path), "callers' tokens")
    names: dict[bytes, str] = {}
    for number, entry in _entries(Path(path)):
        if entry is None or entry[0] in names:
            rule = f"a name and a unique token of at least {MIN_LENGTH} characters"
            raise Error(f"{path}, line {number}: the line must have {rule}.")
        names[entry[0]] = entry[1]

    def who(request: SigningRequest) -> str | None:
        """Return the name of the caller with the request's token; None if there is none."""
        scheme, _, token = (request.header("authorization") or "").partition(" ")
        presented = _digest(token.strip()) if scheme.lower() == "bearer" else b""
        # Compare with all tokens, so that the duration does not reveal which one is similar.
        matches = [name for digest, name in names.items() if hmac.compare_digest(digest, presented)]
        return matches[0] if matches else None

    return who


def _entries(path: Path) -> list[tuple[int, tuple[bytes, str] | None]]:
    """Return each line's number with its token's digest and name; None for an invalid line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise Error(f"{path} cannot be read: {error}") from None
    return [
        (number, _entry(words)) for number, line in enumerate(lines, 1) if (words := line.partition("#")[0].split())
    ]


def _entry(words: list[str]) -> tuple[bytes, str] | None:
    valid = len(words) == 2 and len(words[1]) >= MIN_LENGTH  # noqa: PLR2004 - name and token
    return (_digest(words[1]), words[0]) if valid else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
