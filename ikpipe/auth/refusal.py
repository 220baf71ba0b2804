"""The rejection of a signing request: HTTP status and message."""

from collections.abc import Mapping

from ikpipe.errors import PortableError


class RefusedError(PortableError):
    """A request is rejected.

    `status` is the HTTP status: 400 for a malformed request, 401 for an unknown caller, 403 if something is not
    allowed. `message` says what is wrong. `headers` are additional headers of the response.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


def forbidden(message: str) -> RefusedError:
    """Return the error for something that the caller may not have signed."""
    return RefusedError(403, message)


def malformed(message: str) -> RefusedError:
    """Return the error for a malformed request."""
    return RefusedError(400, message)
