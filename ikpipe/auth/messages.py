"""The request to an authentication endpoint and its reply, independent of a web framework."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True)
class SigningRequest:
    """An HTTP request.

    Parameters
    ----------
    method
        ``POST``, ``OPTIONS``, …
    headers
        A list of pairs, or a mapping; names in upper or lower case. `header` returns one.
    body
        The content, as bytes.
    client
        The client's address, for `who` and the log.
    """

    method: str
    headers: Sequence[tuple[str, str]] | Mapping[str, str] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    client: str = ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The headers, with lower-case names."""
        pairs = self.headers.items() if isinstance(self.headers, Mapping) else self.headers
        return [(name.lower(), value) for name, value in pairs]

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""
        return next((value for key, value in self.pairs if key == name.lower()), None)


class SigningReply(NamedTuple):
    """An HTTP response: status, headers, and JSON content or None."""

    status: int
    headers: dict[str, str]
    content: dict[str, Any] | None

    @property
    def body(self) -> bytes:
        """The content as bytes."""
        return b"" if self.content is None else json.dumps(self.content, ensure_ascii=False).encode()
