"""Error responses of the service: raised where a request fails, and turned into JSON by `app`."""

from collections.abc import Mapping

HELP = "For support kindly contact us at support@imagekit.io ."


class ErrorResponse(Exception):  # noqa: N818 - a response, not a failure of the program
    """An error response of the service, with its own words as the message.

    `headers` are additional ones, such as those of a rate limit; `secret` is a part of the message that the log must
    not show; `reason` is a code that some responses have in addition to the message; `more` has further parts of the
    body.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        secret: str | None = None,
        reason: str | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self._more = ({} if reason is None else {"reason": reason}) | dict(more or {})
        self.logged = message.replace(secret, "...") if secret else message

    @property
    def body(self) -> dict[str, object]:
        """The JSON of the response [spec: message and help; a 429 has only the message]."""
        if self.status == 429:  # noqa: PLR2004 - an HTTP status
            return {"message": self.message}
        return {"message": self.message, "help": HELP, **self._more}


RATE_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Reset", "X-RateLimit-Interval")


def rate_headers(limit: int, reset: int, interval: int) -> dict[str, str]:
    """Return the headers about a rate limit [docs]: requests, and two times in milliseconds."""
    return {name: str(value) for name, value in zip(RATE_HEADERS, (limit, reset, interval), strict=True)}


def too_many_requests(wait: int, limit: int = 0, interval: int = 1000) -> ErrorResponse:
    """Return a 429 [docs: `X-RateLimit-Reset` says how long to wait; all times are in milliseconds]."""
    return ErrorResponse(429, "Too many requests. Please try again later.", rate_headers(limit, wait, interval))


def invalid_parameter(parameter: str, reason: str) -> ErrorResponse:
    """Return a 400 for one parameter [guess: not documented, but worded like the documented messages]."""
    return ErrorResponse(400, f"Your request contains invalid {parameter} parameter. {reason}")


def missing_parameter(parameter: str) -> ErrorResponse:
    """Return a 400 for a parameter that the request lacks [spec for `file` and `token`; guess for others]."""
    return ErrorResponse(400, f"Your request is missing {parameter} parameter.")
