"""Questions on the terminal. They go to standard error, since standard output is for data."""

from __future__ import annotations

import getpass
import sys
import warnings

from ikpipe.errors import Error, printable
from ikpipe.request.secrets import SealedHeaders


def ask(question: str, default: str | None = None) -> str:
    """Return the answer to a question; the default for an empty one."""
    shown = f"{question} [{printable(default)}]: " if default else f"{question}: "
    print(shown, end="", file=sys.stderr, flush=True)  # noqa: T201 - a question
    answer = sys.stdin.readline()
    if not answer:  # Ctrl-D
        raise _ended()
    return answer.strip() or default or ""


def ask_secret(question: str, *, has_default: bool = False) -> SealedHeaders:
    """Return the answer to a question without showing it as it is typed; it is empty to keep the default."""
    shown = f"{question} (not shown) [keep the stored one]: " if has_default else f"{question} (not shown): "
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return SealedHeaders(getpass.getpass(shown, sys.stderr).strip())
        except getpass.GetPassWarning:
            words = "This terminal would show the private key as it is typed."
            raise Error(words, fix="Use another terminal, --from-env or --from-stdin.") from None
        except EOFError:
            raise _ended() from None


def confirm(question: str, *, default: bool) -> bool:
    """Return whether a question is answered with yes."""
    while True:
        answer = ask(f"{question} [{'Y/n' if default else 'y/N'}]").lower()
        if answer in ("", "y", "yes", "n", "no"):
            return default if not answer else answer.startswith("y")


def _ended() -> Error:
    return Error("The input ended before all questions were answered. Nothing was written.")
