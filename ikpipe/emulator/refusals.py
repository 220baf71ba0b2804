"""A refusal: the status and the words with which the service turns a request down."""

from collections.abc import Mapping

HELP = "For support kindly contact us at support@imagekit.io ."


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault of the program
    """What a check raises instead of letting a request pass.

    Parameters
    ----------
    status
        The HTTP status.
    message
        The service's own words.
    headers
        Further headers of the answer, such as those of a rate limit.
    secret
        A part of the message that no log may show.
    reason
        A word that some answers have beside the message.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        secret: str | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self._reason = {} if reason is None else {"reason": reason}
        self.logged = message.replace(secret, "...") if secret else message

    @property
    def body(self) -> dict[str, str]:
        """The JSON of the answer (`spec`: message and help; a 429 has the message alone)."""
        if self.status == 429:  # noqa: PLR2004 - an HTTP status names itself
            return {"message": self.message}
        return {"message": self.message, "help": HELP, **self._reason}


def too_many(wait: int, limit: int = 0, interval: int = 1000) -> Refusal:
    """Refuse for now (`docs`): `X-RateLimit-Reset` says for how long, and all times are milliseconds."""
    figures = {"Limit": limit, "Reset": wait, "Interval": interval}
    headers = {f"X-RateLimit-{name}": str(figure) for name, figure in figures.items()}
    return Refusal(429, "Too many requests. Please try again later.", headers)


def invalid(parameter: str, why: str) -> Refusal:
    """Refuse one parameter for a reason that no document words (`guess`: after the pattern of the documented ones)."""
    return Refusal(400, f"Your request contains invalid {parameter} parameter. {why}")
