"""The private key in a keyring: read, stored, and never waited for without a terminal."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
import traceback
from typing import TYPE_CHECKING

import pytest

from ikpipe import Account, AccountError
from ikpipe.request import keyring_access
from ikpipe.request.secrets import SealedHeaders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "private_9f2cVerySecret"
BACKEND = '''
import getpass, json, os, subprocess, sys, time
from keyring import backend, errors

class Keyring(backend.KeyringBackend):
    """Keeps passwords in a file, and behaves as FAKE_KEYRING says."""

    priority = 1

    def _all(self):
        how = os.environ.get("FAKE_KEYRING", "")
        print("a backend that prints")
        if how == "sleeps":
            subprocess.Popen(["sleep", "298.7531"])
            time.sleep(300)
        if how == "asks":
            getpass.getpass("password: ")
        if how == "locked":
            raise errors.KeyringLocked("locked")
        if how == "fails":
            raise RuntimeError("no bus for private_9f2cVerySecret\\nat all")
        if how == "ends":
            os._exit(3)
        path = os.environ["FAKE_KEYRING_FILE"]
        return json.load(open(path)) if os.path.exists(path) else {}

    def get_password(self, service, username):
        return self._all().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        passwords = {**self._all(), f"{service}/{username}": password}
        if os.environ.get("FAKE_KEYRING") != "forgets":
            with open(os.environ["FAKE_KEYRING_FILE"], "w") as file:
                json.dump(passwords, file)

    def delete_password(self, service, username):
        raise NotImplementedError
'''


@pytest.fixture(autouse=True)
def behave(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Have a keyring in a file, and give what sets its behavior."""
    (tmp_path / "fake_keyring.py").write_text(BACKEND, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "fake_keyring.Keyring")
    monkeypatch.setenv("FAKE_KEYRING_FILE", str(tmp_path / "passwords.json"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("PUBLIC_KEY", "PRIVATE_KEY", "PROFILE"):
        monkeypatch.delenv(f"IMAGEKIT_{name}", raising=False)
    return lambda how: monkeypatch.setenv("FAKE_KEYRING", how)


@pytest.fixture
def profile(tmp_path: Path) -> None:
    """Write a profile whose key is in the keyring."""
    (tmp_path / "ikpipe").mkdir()
    (tmp_path / "ikpipe" / "config.toml").write_text(
        "[shop]\npublic_key = 'public_s'\nkeyring = true\n", encoding="utf-8"
    )


@pytest.mark.usefixtures("profile")
def test_a_profile_s_key_is_read() -> None:
    """By the public key; it shows nowhere."""
    keyring_access.store_key("public_s", SealedHeaders(KEY))
    account = Account.from_env("shop")
    assert account.key() == KEY
    assert KEY not in repr(account)
    assert KEY.encode() not in pickle.dumps(account)


@pytest.mark.usefixtures("profile")
def test_a_keyring_without_the_key() -> None:
    """It is an error that says how to store it."""
    with pytest.raises(AccountError, match=r"no private key for public_s\. Store it again: ikpipe configure --keyring"):
        Account.from_env("shop")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("asks", "The keyring is locked. Unlock it and try again"),
        ("locked", "The keyring is locked"),
        ("fails", r"cannot be read: RuntimeError: no bus for private_\*\*\* at all\. Try again"),
        ("ends", "its program ended without an answer"),
    ],
)
@pytest.mark.usefixtures("profile")
def test_a_keyring_that_cannot_be_read(how: str, words: str, behave: Callable[[str], None]) -> None:
    """Each is one clear error, soon."""
    behave(how)
    start = time.monotonic()
    with pytest.raises(AccountError, match=words):
        Account.from_env("shop")
    assert time.monotonic() - start < 20


def test_a_keyring_that_waits(behave: Callable[[str], None]) -> None:
    """It is ended, with what it has started."""
    behave("sleeps")
    with pytest.raises(AccountError, match=r"did not answer in time\. It may be locked"):
        keyring_access.read_key("public_s", timeout=1)
    command = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout  # noqa: S607
    assert "sleep 298.7531" not in command


def test_a_backend_that_keeps_nothing(behave: Callable[[str], None]) -> None:
    """It is found when the key is stored, not in the next night."""
    behave("forgets")
    with pytest.raises(AccountError, match="no keyring that keeps passwords"):
        keyring_access.store_key("public_s", SealedHeaders(KEY))


def test_a_machine_without_a_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a server has none."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    with pytest.raises(AccountError, match=r"This machine has no keyring that keeps passwords\. Install"):
        keyring_access.read_key("public_s")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names it, with the command."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(AccountError, match=r"extra 'keyring', .* pip install 'ikpipe\[keyring\]'"):
        keyring_access.read_key("public_s")


def test_a_traceback_has_no_key(behave: Callable[[str], None]) -> None:
    """Not even with the variables of each frame."""
    behave("fails")
    with pytest.raises(AccountError) as caught:
        keyring_access.store_key("public_s", SealedHeaders(KEY))
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(shown.format())


@pytest.mark.skipif(os.name != "posix", reason="no processes to list")
def test_no_argument_has_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other users of the machine see the arguments of its processes."""
    seen = tmp_path / "arguments"
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\necho "$@" > {seen}\nexec {sys.executable} "$@"\n', encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    keyring_access.store_key("public_s", SealedHeaders(KEY))
    assert "keyring_program.py" in seen.read_text(encoding="utf-8")
    assert KEY not in seen.read_text(encoding="utf-8")
