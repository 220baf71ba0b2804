"""Why a run ended before all of its rows, as the error that it raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ikpipe.errors import (
    CODES,
    RESULTS,
    RESUME,
    AccountError,
    Error,
    FailuresError,
    JournalError,
    MappingError,
    Message,
    OutageError,
    UnreachableError,
    UploadError,
    describe_exception,
    keyword,
    sentences,
    short_repr,
)

MOST_NAMED = 10  # rows that an error names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ikpipe.run.health import RunHealth

_ENDINGS: Sequence[tuple[type[BaseException] | tuple[type[BaseException], ...], str]] = (
    ((UnreachableError, OutageError), "unreachable"),
    (AccountError, "rejected"),
    (UploadError, "stopped"),
    ((Error, OSError), "invalid"),
)
"""Exception → how a run ended."""


def ending(error: BaseException) -> str:
    """Return how a run ended that an exception ended, in one word."""
    if not isinstance(error, Exception):  # Ctrl-C, a cancelled task
        return "interrupted"
    return next((word for kinds, word in _ENDINGS if isinstance(error, kinds)), "crashed")


def account_error(
    health: RunHealth, trouble: Exception | None, journal: str | None, *, interrupted: bool
) -> AccountError | None:
    """Return why nothing more could be sent: the account was rejected, or nobody answered.

    `trouble` is the error that stopped the run, `journal` a sentence that names its journal.
    """
    if isinstance(trouble, AccountError):
        kind = UnreachableError if isinstance(trouble, UnreachableError) else AccountError
        return kind(f"The run stopped: {trouble.text}", fix=sentences(trouble.fix, journal))
    if (refusal := health.refusal) is not None:
        words = f"The run stopped and sent nothing more: {refusal.result.message}"
        return AccountError(words, fix=sentences(CODES[refusal.result.error or ""].fix, journal))
    if (why := health.unreachable) is not None and not interrupted:
        return UnreachableError(sentences(f"The run stopped: {why}", journal))
    return None


def stop_error(
    trouble: Exception | None, journal: str | None, *, unwritable: bool
) -> JournalError | UploadError | None:
    """Return the error that stopped the run, if one did.

    `unwritable`: the journal could not be written, rather than being one of another table.
    """
    if trouble is None:
        return None
    if isinstance(trouble, JournalError):
        words = Message("The run stopped and sent nothing more: ", trouble.text)
        return JournalError(words, fix=Message("Retry ", RESULTS, ".") if unwritable else None)
    why = trouble.text if isinstance(trouble, Error) else f"{describe_exception(trouble)}."
    saved = Message("The results so far are in ", RESULTS, ".")
    error = UploadError(sentences(Message("The run stopped: ", why), saved, journal))
    error.__cause__ = trouble
    return error


def sink_error(trouble: Exception | None, journal: str | None) -> UploadError | None:
    """Return why not all results could be written, if so."""
    if trouble is None:
        return None
    fix = Message("It has all results: ", RESUME, " returns them, and sends nothing again.") if journal else None
    error = UploadError(sentences(f"Not all results could be written: {trouble}.", journal), fix=fix)
    error.__cause__ = trouble
    return error


def check_max_failures(most: int | None) -> None:
    """Raise `MappingError` if a maximum number of failures is not valid."""
    if most is not None and most < 1:
        raise MappingError("The value must be at least 1.", about=keyword("max_failures", most))


def failures_error(
    failures: int, maximum: int | None, first: Message, journal: str | None, rows: Sequence[Any]
) -> UploadError:
    """Return why the run stopped at rows that were not uploaded; `maximum` None: at the first one.

    `rows` are the labels of these rows, or of the first `MOST_NAMED` of them.
    """
    fix = Message("See ", RESULTS, ".")
    if maximum is None:
        words = Message(first, " With ", keyword("on_error", "raise"), ", the run stops at the first such row.")
        return UploadError(sentences(words, journal), fix=fix)
    count = "1 failure" if failures == 1 else f"{failures:,} failures"
    limit = keyword("max_failures", maximum)
    more = ", …" if failures > len(rows) else ""
    named = f": rows {', '.join(map(short_repr, rows))}{more}" if failures > 1 else ""
    return FailuresError(
        sentences(Message(f"The run stopped after {count} (", limit, f"){named}. The first: ", first), journal), fix=fix
    )
