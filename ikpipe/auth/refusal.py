"""A refusal: the status and the words with which a request is turned down."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class RefusedError(Exception):
    """What a check raises instead of letting a request pass.

    Parameters
    ----------
    status
        The HTTP status: 400 for what is malformed, 401 for nobody, 403 for what may not be had.
    message
        What is wrong.
    headers
        Further headers of the answer.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


def forbidden(message: str) -> RefusedError:
    """Refuse what the caller may not have."""
    return RefusedError(403, message)


def malformed(message: str) -> RefusedError:
    """Refuse what is no request for a token."""
    return RefusedError(400, message)
