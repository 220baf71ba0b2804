"""What ikpipe knows of the files that it stored: `state=`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe.request.account import Account


class KnownFile(NamedTuple):
    """A file that ikpipe stored, as it was then.

    `path` is its path in the library, as `canonical_path` returns it. `fingerprint` is that of its content, as text.
    `size` is in bytes.
    """

    path: str
    fingerprint: str
    file_id: str
    version_id: str | None = None
    size: int | None = None


class ContentState(Protocol):
    """What is known of the files of an account that ikpipe stored."""

    async def known(self, paths: Sequence[str]) -> dict[str, KnownFile]:
        """Return what is known of the files at these paths, by path."""

    async def remember(self, files: Sequence[KnownFile]) -> None:
        """Record files that were stored; they are durable soon, at the latest when the state is closed."""

    async def close(self) -> None:
        """Write what is not durable yet."""


class NoState:
    """A state that knows nothing: sizes alone decide."""

    async def known(self, _paths: Sequence[str]) -> dict[str, KnownFile]:
        """Return nothing."""
        return {}

    async def remember(self, _files: Sequence[KnownFile]) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


def open_state(_state: str | Path | None, _account: Account) -> ContentState:
    """Return the state of an account: at a path or URL, in the ``"library"``, or where it is by default (None)."""
    return NoState()
