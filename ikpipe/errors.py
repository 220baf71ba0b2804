"""The error tree, and the closed list of codes that a row can end with.

::

    Error
    ├── MappingError    columns, templates, keywords: nothing was sent
    ├── AccountError    no keys, refused keys, a quota: the run stopped
    │   └── UnreachableError    nothing was heard of the service
    ├── JournalError    the run's journal cannot be used
    ├── UploadError     a row failed, and ``on_error="raise"`` was asked for
    │   └── FailuresError       as many rows failed as `max_failures` allows
    ├── WebhookError    a webhook is not the service's own, or no event
    └── MissingExtra    an optional dependency is not installed (an ``ImportError`` too)

A row's own trouble is no exception: it is a code from `CODES` in the results frame.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


class Error(Exception):
    """Whatever ikpipe raises on purpose."""


class MappingError(Error):
    """The call does not fit the frame: a column, a template or a keyword is wrong."""


class _Stopped(Error):  # noqa: N818 - a base that nobody catches
    """A run that could not go on; `results` is the whole frame as far as it got, or None before any row."""

    def __init__(self, message: str, results: pd.DataFrame | None = None) -> None:
        super().__init__(message)
        self.results = results


class AccountError(_Stopped):
    """The account has no keys here, its keys are refused, or a quota is used up."""


class UnreachableError(AccountError):
    """Nothing was heard of the service while the first rows used up their attempts."""


class JournalError(_Stopped):
    """The run's journal cannot be written or read."""


class UploadError(_Stopped):
    """A row is not up, and the caller asked for an exception."""


class FailuresError(UploadError):
    """As many rows are not uploaded as `max_failures` allows."""


class WebhookError(Error):
    """A webhook is not the service's own, or no event; `signed` tells whether its signature was."""

    def __init__(self, message: str, *, signed: bool = False) -> None:
        super().__init__(message)
        self.signed = signed


class MissingExtra(Error, ImportError):  # noqa: N818 - reads as what it is in `except`
    """An optional dependency is not installed; the message has the line to type."""

    @classmethod
    def for_extra(cls, extra: str, purpose: str) -> MissingExtra:
        """Build the error for an extra of ours, such as ``parquet``, and what it was wanted for."""
        return cls(f"{purpose} needs the extra '{extra}', which is not installed. Type: pip install 'ikpipe[{extra}]'")


class InvalidValue(Exception):  # noqa: N818 - never leaves the package: it becomes a `Problem`
    """A value that breaks a rule, on its way to becoming a problem of its row.

    Parameters
    ----------
    code
        One of `CODES`.
    message
        What is wrong, with the value.
    fix
        What to do about it.
    column
        The column that is to blame, where it is not simply the one that gave the value.
    """

    def __init__(self, code: str, message: str, fix: str, column: object = None) -> None:
        super().__init__(message)
        self.code, self.message, self.fix, self.column = code, message, fix, column


class Problem(NamedTuple):
    """One broken rule of one row, found before anything is sent; the columns of `ikpipe.check`.

    `severity` is ``"error"`` where the row cannot be sent, or ``"warning"`` where it is sent all the same.
    """

    row: object
    position: int
    column: object
    parameter: str
    severity: str
    code: str
    message: str
    fix: str


_LONGEST = 300  # characters of what an unexpected exception says


def did_you_mean(word: object, words: Iterable[object]) -> str:
    """Name the word that was probably meant: ``" (did you mean 'colour'?)"``, or nothing where there is none at all."""
    spelt = {str(one).lower(): one for one in words}
    close = get_close_matches(str(word).lower(), spelt, n=1, cutoff=0)
    return f" (did you mean {spelt[close[0]]!r}?)" if close else ""


def short_repr(value: object, width: int = 60) -> str:
    """Show a value in a message: its ``repr``, cut so that a message stays one line."""
    try:
        text = repr(value)
    except RecursionError:
        text = f"a deeply nested {type(value).__name__}"
    except ValueError:  # Python writes no integer of thousands of digits
        text = f"an endless {type(value).__name__}"
    except Exception:  # noqa: BLE001 - of a class that somebody else wrote
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= width else f"{text[: width - 1]}…"


def describe_exception(error: Exception) -> str:
    """Return an exception's class and message, on one line; an exception can fail to print, too."""
    try:
        words = " ".join(str(error).split())
    except Exception:  # noqa: BLE001
        words = ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def unreadable(value: object, error: Exception) -> InvalidValue:
    """Return the problem of a row whose value raises an unexpected exception when it is read."""
    words = f"{short_repr(value)} cannot be read: {describe_exception(error)}"
    return InvalidValue("unreadable_value", words[:_LONGEST], "replace it with text, a number or a list of these")


class Code(NamedTuple):
    """What a code of `CODES` means, and what a user does about it."""

    status: str
    meaning: str
    fix: str


CODES: dict[str, Code] = {
    # Broken rules, found here: the row was never sent.
    "missing_file": Code("invalid", "The row names no file.", "Fill the cell, or drop the row."),
    "file_not_allowed": Code(
        "invalid",
        "The file is a path that may not be published: text without `root=`, a way out of `root`, or `file://`.",
        "Name the folder with root=, and keep paths inside it.",
    ),
    "file_not_found": Code("invalid", "There is no such file.", "Mend the path."),
    "file_unreadable": Code("invalid", "The file cannot be read.", "Mend its permissions; a folder is no file."),
    "file_too_large": Code(
        "invalid",
        "The file is larger than `Account(max_file_size=…)` or, where the service said it, than the plan allows.",
        "Make it smaller, or ask for a larger plan.",
    ),
    "bad_file": Code(
        "invalid",
        "The cell is nothing that can be a file, or broken base64.",
        "Give a URL, a path, bytes, a data URI, or base64 with file_kind='base64'.",
    ),
    "missing_name": Code("invalid", "No file name can be derived.", "Give file_name=, for example '{sku}.jpg'."),
    "missing_cell": Code("invalid", "A `{column}` of a template is empty in this row.", "Fill the cell."),
    "not_boolean": Code("invalid", "The value is no boolean.", "Write true/false, yes/no or 1/0."),
    "too_long": Code("invalid", "The text is longer than its limit.", "Shorten it."),
    "bad_character": Code("invalid", "The text has a character that is not allowed.", "Remove or replace it."),
    "too_deep": Code("invalid", "The folder is nested more than 50 levels deep.", "Use a shorter folder path."),
    "bad_coordinates": Code("invalid", "The coordinates are not `x,y,width,height`.", "Write four whole numbers."),
    "bad_json": Code("invalid", "The text is not the JSON that is wanted.", "Mend the JSON."),
    "bad_url": Code("invalid", "The text is no http(s) URL.", "Mend the URL."),
    "unreadable_value": Code(
        "invalid",
        "Reading a value of the row raised an unexpected exception; `ik_message` has its text.",
        "Replace the value with text, a number or a list of these.",
    ),
    "unknown_name": Code(
        "invalid", "A response field or metadata field of this name does not exist.", "Mend the name, or create it."
    ),
    "wrong_type": Code("invalid", "The value is not of the type that is wanted.", "Mend the value."),
    "out_of_range": Code("invalid", "The value is outside its field's limits or options.", "Mend the value."),
    "same_target": Code(
        "invalid",
        "An earlier row of this run has the same folder and file name.",
        "Give each row its own file_name, or use_unique_file_name=True.",
    ),
    "url_unreachable": Code(
        "invalid", "The URL did not answer with a file (`check(probe=True)`).", "Open the URL in a browser; mend it."
    ),
    # Refused by the service: certainly not stored.
    "token_missing": Code("failed", "The request arrived without its token.", "Look for a proxy that alters forms."),
    "token_expired": Code("failed", "The token had expired on arrival.", "Set this machine's clock; retry."),
    "token_invalid": Code(
        "failed",
        "The token was not accepted. With `unknown`, the request may have been delivered twice and the file be stored.",
        "Check that both keys belong to one account.",
    ),
    "payload_mismatch": Code(
        "failed", "Form and token differ.", "Check the authentication endpoint: it must sign all."
    ),
    "two_credentials": Code("failed", "The request had a token and basic auth.", "Remove auth from the transport."),
    "file_missing": Code("failed", "The request arrived without its file.", "Look for a proxy that alters forms."),
    "name_taken": Code(
        "failed", "A file of this name exists, and may not be replaced.", "Rename it, or allow overwrite_file."
    ),
    "upload_quota": Code("failed", "The account's upload limit is used up.", "Free space, or enlarge the plan; retry."),
    "extension_quota": Code("failed", "The account's extension units are used up.", "Buy units, or drop extensions."),
    "busy": Code("failed", "Too many requests for this one file, and retries ran out.", "Wait a little; retry."),
    "rate_limited": Code("failed", "Too many requests, and retries ran out.", "Wait, or lower rate=; retry."),
    "bad_transformation": Code("failed", "The transformation is not accepted.", "Mend `transformation`."),
    "bad_checks": Code("failed", "The `checks` text has a syntax that is not accepted.", "Mend `checks`."),
    "checks_failed": Code("failed", "The file did not pass `checks`.", "Send another file, or relax `checks`."),
    "key_missing": Code("failed", "The service saw no private key (401).", "Check the account's keys."),
    "account_refused": Code("failed", "The account cannot be authenticated (403).", "Check the account's keys."),
    "key_expired": Code("failed", "The private key has expired (403).", "Make a new key in the dashboard."),
    "account_disabled": Code("failed", "The account is disabled (403).", "Ask the service's support."),
    "refused": Code(
        "failed",
        "The service refused the row; its own words are in `ik_message`.",
        "Read the message. For a URL: it must open without a login, and send headers within 8 s.",
    ),
    # Trouble on the way.
    "connection_failed": Code(
        "failed",
        "The service could not be reached, or the connection broke or stalled before the whole file had left.",
        "Check network and proxy; retry.",
    ),
    "wait_too_long": Code(
        "failed",
        "The next request was asked for later than `Policy(longest_wait=…)` or, where the whole run was to wait, "
        "`longest_pause` allows. With `unknown`, the file may be stored.",
        "Retry after that time, or raise the limit.",
    ),
    "signer_failed": Code("failed", "The authentication endpoint gave no token.", "Look into its log; retry."),
    "signer_refused": Code(
        "failed",
        "The authentication endpoint refused to sign this row; its own words are in `ik_message`.",
        "Change the row, or ask whoever runs the endpoint.",
    ),
    "signer_unauthorized": Code(
        "failed",
        "The authentication endpoint does not accept this caller (401).",
        "Check `Account(headers=…)`; retry.",
    ),
    "fetch_failed": Code(
        "failed",
        "With fetch='client': the URL could not be downloaded here, or its host is not a public one.",
        "Correct the URL, or allow its host with fetch_hosts=; retry.",
    ),
    "size_differs": Code(
        "failed", "The stored file has another size than what was sent.", "Look at the stored file; send it again."
    ),
    "file_changed": Code("failed", "The file changed while it was being sent.", "Wait until it is whole; retry."),
    "server_error": Code(
        "unknown", "The service answered with a 5xx: it may have stored the file.", "retry() looks first."
    ),
    "connection_lost": Code(
        "unknown", "The connection broke after the file had begun to leave.", "retry() looks first."
    ),
    "timed_out": Code("unknown", "No answer came in time: the file may be stored.", "retry() looks first."),
    "bad_reply": Code(
        "unknown",
        "The answer was not ImageKit's own (a gateway, firewall or proxy answered) or could not be read: the file may "
        "be stored. With `failed`, it certainly is not.",
        "retry() looks first. If it stays so, ask whoever runs the network.",
    ),
    "cancelled": Code("cancelled", "The run stopped before this row was sent.", "retry()"),
}
"""Every value that `ik_error` can take: the status it comes with most, its meaning, and what to do about it."""

WARNINGS: dict[str, Code] = {
    "name_adjusted": Code(
        "warning",
        "The file name or folder has characters that ImageKit may not keep; `_` is sent instead of them.",
        'There is nothing to fix. If your account keeps these characters: `Policy(names="as_given")`.',
    ),
}
"""Every code that a warning of `check` can have. Warnings never become an `ik_error`: `ik_warnings` has their text."""
