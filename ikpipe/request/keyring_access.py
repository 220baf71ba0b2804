"""The private key in the system's keyring: macOS Keychain, Windows Credential Locker, Secret Service, KWallet, ….

A locked keyring asks for its password, in a window or on the terminal, and waits for as long as it takes. A job
without a terminal must never wait for that, so each access is a process of its own with a time limit, and without a
terminal to ask on.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from ikpipe.errors import AccountError, MissingExtra, cut, one_line
from ikpipe.request.secrets import SealedHeaders, masked

SERVICE = "ikpipe"
"""The service under which the keyring has the private key; the user name is the public key."""

_PROGRAM = Path(__file__).with_name("keyring_program.py")
_TIMEOUT, _TERMINAL_TIMEOUT = 10.0, 120.0  # seconds: without a terminal, and with somebody who can answer
_LONGEST_REASON = 200  # characters
_INSTEAD = "or put the private key into the profile or the environment"


class _Answer(NamedTuple):
    secret: SealedHeaders | None = None
    error: str | None = None
    reason: str = ""


def read_key(public_key: str, *, timeout: float | None = None) -> SealedHeaders:
    """Return the private key that the keyring has for a public key.

    `timeout` is the number of seconds to wait; None waits for somebody who can answer if there is a terminal.
    Raise `AccountError` if it has none or cannot be read, or the extra ``keyring`` is not installed.
    """
    answer = _ask(public_key, None, timeout)
    if answer.error is not None:
        raise _error(answer, "read")
    if answer.secret is None:
        words = f"The keyring has no private key for {masked(public_key)}."
        raise AccountError(words, fix="Store it again: ikpipe configure --keyring")
    return answer.secret


def store_key(public_key: str, private_key: SealedHeaders) -> None:
    """Store a private key in the keyring; raise as `read_key` does."""
    answer = _ask(public_key, private_key, None)
    if answer.error is not None:
        raise _error(answer, "written")


def _error(answer: _Answer, what: str) -> AccountError:
    """Return the error for an answer without a key."""
    missing = MissingExtra.for_extra("keyring", "A private key in the keyring")
    words, fix = {
        "missing": (missing.message, missing.fix),
        "none": (
            "This machine has no keyring that keeps passwords.",
            f"Install and start one (on Linux a Secret Service such as GNOME Keyring or KWallet), {_INSTEAD}.",
        ),
        "locked": ("The keyring is locked.", f"Unlock it and try again, {_INSTEAD}."),
        "timeout": (
            f"The keyring cannot be {what}: it did not answer in time. It may be locked and wait for a password.",
            f"Unlock it and try again, {_INSTEAD}.",
        ),
    }.get(answer.error or "", (f"The keyring cannot be {what}: {answer.reason}.", f"Try again, {_INSTEAD}."))
    return AccountError(words, fix=fix)


def has_terminal() -> bool:
    """Whether somebody can answer a question on the terminal: this process has one, and is not in its background."""
    try:
        present = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
        # A process in the background that reads from its terminal is stopped.
        return present and (not hasattr(os, "tcgetpgrp") or os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp())
    except (OSError, ValueError):  # a closed stream
        return False


def _ask(public_key: str, private_key: SealedHeaders | None, timeout: float | None) -> _Answer:
    """Return the answer of the keyring; nothing here raises while it has the text of a key."""
    if find_spec("keyring") is None:
        return _Answer(error="missing")
    if not sys.executable:
        return _Answer(error="failed", reason="there is no Python program to run")
    process = _start()
    if isinstance(process, str):
        return _Answer(error="failed", reason=process)
    seconds = timeout or (_TERMINAL_TIMEOUT if has_terminal() else _TIMEOUT)
    return _exchange(process, SealedHeaders(public_key), private_key, seconds)


def _start() -> subprocess.Popen[bytes] | str:
    """Start the program, or return why it cannot be started."""
    try:
        return subprocess.Popen(  # noqa: S603 - our own
            # Without -P, modules of this folder would hide those of the standard library.
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=not has_terminal(),  # so that it has no terminal to ask on
        )
    except OSError as error:
        return str(error.strerror)


def _exchange(
    process: subprocess.Popen[bytes], public: SealedHeaders, private: SealedHeaders | None, timeout: float
) -> _Answer:
    request = {"service": SERVICE, "name": str(public), **({} if private is None else {"secret": str(private)})}
    try:
        output, _ = process.communicate(json.dumps(request).encode(), timeout)
    except subprocess.TimeoutExpired:
        return _Answer(error="timeout")
    finally:
        _end(process)
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError:
        return _Answer(error="failed", reason="its program ended without an answer")
    secret, reason = answer.get("secret"), masked(cut(one_line(answer.get("reason", "")), _LONGEST_REASON))
    return _Answer(None if secret is None else SealedHeaders(secret), answer.get("error"), reason.rstrip("."))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it has started, such as a window that asks for a password."""
    with suppress(OSError):
        if hasattr(os, "killpg") and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    process.wait()
