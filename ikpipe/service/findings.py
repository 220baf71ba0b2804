"""What a check of the account, the network or this machine has found."""

from typing import Literal, NamedTuple

from ikpipe.errors import Error, Message, sentences

Level = Literal["ok", "warning", "problem"]


class Finding(NamedTuple):
    """One line of `ikpipe doctor`.

    `about` is what was checked, `text` a sentence about it, and `fix` what to do. `refused`: the account is missing or
    refused, or the service cannot be reached.
    """

    level: Level
    about: str
    text: str
    fix: str | None = None
    refused: bool = False

    @property
    def sentences(self) -> Message:
        """What was found, and what to do."""
        return sentences(self.text if self.text.endswith(".") else Message(self.text, "."), self.fix)

    @classmethod
    def of_error(cls, about: str, error: Error, *, refused: bool = False) -> "Finding":
        """Return the problem that an error describes."""
        return cls("problem", about, error.message, error.fix, refused)


def failed(findings: list[Finding]) -> bool:
    """Whether one of some findings is a problem."""
    return any(finding.level == "problem" for finding in findings)
