"""Callers that show a token of their own: ``Authorization: Bearer …``, against a file of names and tokens."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import TYPE_CHECKING

from ikpipe.errors import Error
from ikpipe.request.secrets import warn_if_readable

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from ikpipe.auth.messages import SigningRequest

SHORTEST = 16  # characters of a token: what is shorter can be guessed


def bearers(path: str | os.PathLike[str]) -> Callable[[SigningRequest], str | None]:
    """Read who may sign from a file: a name and a token on each line; `#` begins a comment.

    Parameters
    ----------
    path
        The file; nobody else should be able to read it.

    Returns
    -------
    A function for `Allow.who`.

    Raises
    ------
    Error
        The file cannot be read, a line is no name and token, a token is shorter than 16 characters, or there twice.
    """
    warn_if_readable(Path(path), "callers' tokens")
    found: dict[bytes, str] = {}
    for number, entry in _entries(Path(path)):
        if entry is None or entry[0] in found:
            what = f"a name and a token of {SHORTEST} characters or more that nobody else has"
            raise Error(f"{path}, line {number}: a line is {what}.")
        found[entry[0]] = entry[1]

    def who(request: SigningRequest) -> str | None:
        kind, _, token = (request.header("authorization") or "").partition(" ")
        given = _digest(token.strip()) if kind.lower() == "bearer" else b""
        # All are compared, so that the time says nothing of which one it was nearly.
        same = [name for digest, name in found.items() if hmac.compare_digest(digest, given)]
        return same[0] if same else None

    return who


def _entries(path: Path) -> list[tuple[int, tuple[bytes, str] | None]]:
    """Return each line's number, and its token's digest and name; None for what is none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise Error(f"{path} cannot be read: {error}") from None
    return [
        (number, _entry(words)) for number, line in enumerate(lines, 1) if (words := line.partition("#")[0].split())
    ]


def _entry(words: list[str]) -> tuple[bytes, str] | None:
    whole = len(words) == 2 and len(words[1]) >= SHORTEST  # noqa: PLR2004 - name and token
    return (_digest(words[1]), words[0]) if whole else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
