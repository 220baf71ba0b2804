"""Errors that leave a worker: an engine pickles, logs and shows them, with the exceptions that caused them.

So they have text only: neither the results so far, which have the files, nor a cause, whose arguments can be anything.
"""

from __future__ import annotations

import platform
import re
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ikpipe.errors import AccountError, Error, UploadError, cut, describe_exception, sentences
from ikpipe.errors.scrubbing import scrubbed

P = ParamSpec("P")
T = TypeVar("T")

_LONGEST = 500  # characters of the text of an exception that is not ours
_NO_RESULTS = re.compile(r" ?(?:See|Retry|The results so far are in) \.results\.")
_BYTES = re.compile(r"""(?<![\w.'"])b(['"])(?:\\.|(?!\1).){6,}?(?:\1|$|(?=…))""", re.DOTALL)


def plainly(function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
    """Call a function for a part of a table; an error that it raises has text only, and names this machine."""
    try:
        return function(*args, **keywords)
    except Exception as error:  # noqa: BLE001 - whatever leaves
        failure = _plain(error)
    raise failure  # here, where it has no context


def _plain(error: Exception) -> Error:
    """Return an error with the text of another one, and nothing else of it."""
    if not isinstance(error, Error):
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{frame.filename.replace(chr(92), '/').rpartition('/')[2]}, line {frame.lineno}"
        words = cut(_text(cut(describe_exception(error), 20 * _LONGEST)), _LONGEST)
        return UploadError(f"A part of the table could not be processed: {words} ({place}).")
    error.__traceback__ = error.__cause__ = error.__context__ = None
    vars(error).pop("results", None)
    error.message = _text(error.message)
    if isinstance(error, AccountError) and platform.node() not in str(error):
        error.message = sentences(error.message, f"This was on the machine {platform.node()}.")
    error.fix = _text(error.fix or "") or None
    error.args = (error.message,)
    return error


def _text(text: str) -> str:
    """Return a text without bytes, secrets, and advice to read results that are not there."""
    return _NO_RESULTS.sub("", _BYTES.sub("b'…'", scrubbed(str(text)))).strip()
