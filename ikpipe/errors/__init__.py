"""The error tree. `codes` has every code of a row, `texts` what messages are made of.

`logs` logs events and makes records harmless, `events` lists them, and `scrubbing` removes secrets from text.

::

    Error
    ├── MappingError    a column, template or keyword is wrong: nothing was sent
    ├── AccountError    no keys, rejected keys, a used-up quota: the run stopped
    │   └── UnreachableError    the service never answered
    ├── JournalError    the run's journal cannot be used
    ├── UploadError     a row failed, and ``on_error="raise"`` was passed
    │   └── FailuresError       as many rows failed as `max_failures` allows
    ├── OutageError     the media API gave no answer for now
    ├── WebhookError    a webhook has no valid signature, or is not an event
    └── MissingExtra    an optional dependency is not installed (an ``ImportError`` too)

A problem of one row is not an exception: it is a code from `CODES` in the results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.errors import logs  # noqa: F401 - makes log messages harmless
from ikpipe.errors.codes import CODES, WARNINGS, Code
from ikpipe.errors.texts import (
    CREATE_FIELDS,
    RESULTS,
    RESUME,
    RETRY,
    ApiName,
    Message,
    cut,
    describe_exception,
    did_you_mean,
    keyword,
    listed,
    one_line,
    printable,
    quoted,
    reason,
    sentences,
    short_repr,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CODES",
    "CREATE_FIELDS",
    "RESULTS",
    "RESUME",
    "RETRY",
    "WARNINGS",
    "AccountError",
    "ApiName",
    "Code",
    "Error",
    "FailuresError",
    "InvalidValue",
    "JournalError",
    "MappingError",
    "Message",
    "MissingExtra",
    "OutageError",
    "PortableError",
    "Problem",
    "UnreachableError",
    "UploadError",
    "WebhookError",
    "cut",
    "describe_exception",
    "did_you_mean",
    "keyword",
    "listed",
    "one_line",
    "printable",
    "quoted",
    "reason",
    "sentences",
    "short_repr",
    "unreadable",
]


def _printable(text: str) -> str:
    return text if isinstance(text, Message) else printable(text)


def _restored(kind: type[Exception], args: tuple[Any, ...], fields: dict[str, Any]) -> Exception:
    error = kind.__new__(kind, *args)
    vars(error).update(fields)
    return error


class PortableError(Exception):
    """An exception that is pickled with its arguments and attributes, whatever its constructor takes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args, vars(self))


class Error(PortableError):
    """Any error that ikpipe raises on purpose.

    Parameters
    ----------
    message
        What is wrong: one sentence or two.
    fix
        What to do about it.
    about
        The keyword, entry of ``columns=`` or setting that is wrong.
    """

    message: str = ""
    fix: str | None = None
    about: ApiName | None = None

    def __init__(self, message: str = "", *, fix: str | None = None, about: ApiName | None = None) -> None:
        message = _printable(message)
        super().__init__(message)
        self.message, self.fix, self.about = message, None if fix is None else _printable(fix), about

    @property
    def text(self) -> Message:
        """The keyword, what is wrong, and what to do about it."""
        return Message(*(() if self.about is None else (self.about, ": ")), sentences(self.message, self.fix))

    def __str__(self) -> str:
        return str(self.text)


class MappingError(Error):
    """The call does not fit the table: a column, a template or a keyword is wrong."""


class _Stopped(Error):  # noqa: N818 - a base that nobody catches
    """A run that could not continue; `results` has the rows so far, or is None if no row was started."""

    results: pd.DataFrame | None = None


class AccountError(_Stopped):
    """The account has no keys here, its keys are rejected, or a quota is used up."""


class UnreachableError(AccountError):
    """The service never answered while the first rows used up their attempts."""


class OutageError(Error):
    """The media API gave no response, or failed for a reason that passes; nothing is wrong with the request."""


class JournalError(_Stopped):
    """The run's journal cannot be written or read; `another`: the run could use another journal instead."""

    def __init__(self, message: str = "", *, fix: str | None = None, another: bool = False) -> None:
        super().__init__(message, fix=fix)
        self.another = another

    @property
    def text(self) -> Message:
        """What is wrong, and what to do about it."""
        words = "Or use another journal with " if self.fix else "Use another journal with "
        instead = Message(words, keyword("journal"), ".")
        return sentences(super().text, instead if self.another else None)


class UploadError(_Stopped):
    """A row is not uploaded, and the caller asked for an exception."""


class FailuresError(UploadError):
    """As many rows are not uploaded as `max_failures` allows."""


class WebhookError(Error):
    """A webhook has no valid signature (then `signed` is False), or its body is not an event."""

    def __init__(self, message: str, *, signed: bool = False) -> None:
        super().__init__(message)
        self.signed = signed


class MissingExtra(Error, ImportError):  # noqa: N818 - reads as what it is in `except`
    """An optional dependency is not installed; `fix` has the command that installs it."""

    @classmethod
    def for_extra(cls, extra: str, purpose: str) -> MissingExtra:
        """Return the error for an extra of ikpipe, such as ``parquet``, and what needs it."""
        return cls(
            f"{purpose} needs the extra '{extra}', which is not installed.", fix=f"Run: pip install 'ikpipe[{extra}]'"
        )


class InvalidValue(PortableError):  # noqa: N818 - never leaves the package: it becomes a `Problem`
    """A value that breaks a rule, before it becomes a problem of its row.

    Parameters
    ----------
    code
        One of `CODES`.
    message
        What is wrong, with the value: a sentence.
    fix
        What to do about it: a sentence.
    column
        The column that causes it, if that is not the one that has the value.
    """

    rule: str | None = None

    def __init__(self, code: str, message: str, fix: str, column: object = None) -> None:
        message = _printable(message)
        super().__init__(message)
        self.code, self.message, self.fix, self.column = code, message, _printable(fix), column

    @classmethod
    def breaks(cls, rule: str, code: str, fix: str) -> InvalidValue:
        """Return the error for a rule such as ``must be true or false.``, which does not say what the value is of."""
        bad = cls(code, f"The value {rule}", fix)
        bad.rule = rule
        return bad

    def of(self, subject: str) -> InvalidValue:
        """Return the error with the name of what the value is of, unless the message has one."""
        return self if self.rule is None else InvalidValue(self.code, f"{subject} {self.rule}", self.fix, self.column)

    def at(self, column: object) -> InvalidValue:
        """Return the error with the column that causes it, unless it has one."""
        if self.column is not None:
            return self
        bad = InvalidValue(self.code, self.message, self.fix, column)
        bad.rule = self.rule
        return bad

    @property
    def text(self) -> Message:
        """What is wrong, and what to do about it."""
        return sentences(self.message, self.fix)


class Problem(NamedTuple):
    """One broken rule of one row, found before anything is sent; the columns of `ikpipe.check`.

    `severity` is ``"error"`` if the row cannot be sent, or ``"warning"`` if it is sent anyway. A warning about a column
    as a whole has no row and no position.
    """

    row: object
    position: int | None
    column: object
    parameter: str
    severity: str
    code: str
    message: str
    fix: str


_LONGEST = 300  # characters of an unexpected exception's text


def unreadable(value: object, error: Exception) -> InvalidValue:
    """Return the problem of a row whose value raises an unexpected exception when it is read."""
    words = f"{short_repr(value)} cannot be read: {describe_exception(error)}"
    return InvalidValue(
        "unreadable_value", f"{words[:_LONGEST]}.", "Replace it with text, a number or a list of these."
    )
