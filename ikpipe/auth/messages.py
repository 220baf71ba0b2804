"""A request to the authentication endpoint, and its reply."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True)
class SigningRequest:
    """A request as it came.

    Parameters
    ----------
    method
        ``POST``, ``OPTIONS``, …
    headers
        A list of pairs, or a mapping; their names in any case. `header` gives one.
    body
        Its bytes.
    client
        Where it came from, for `who` and the log.
    """

    method: str
    headers: Sequence[tuple[str, str]] | Mapping[str, str] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    client: str = ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The headers, under lower-case names."""
        pairs = self.headers.items() if isinstance(self.headers, Mapping) else self.headers
        return [(name.lower(), value) for name, value in pairs]

    def header(self, name: str) -> str | None:
        """Give a header's value, or None."""
        return next((value for given, value in self.pairs if given == name.lower()), None)


class SigningReply(NamedTuple):
    """An answer: status, headers, and JSON, or nothing."""

    status: int
    headers: dict[str, str]
    content: dict[str, Any] | None

    @property
    def body(self) -> bytes:
        """Write the JSON."""
        return b"" if self.content is None else json.dumps(self.content, ensure_ascii=False).encode()
