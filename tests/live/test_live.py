"""`make live`, against emulators whose rules are set both ways."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import guesses
import httpx
import pytest
from live import converse
from talk import Talk

import ikpipe
from ikpipe.emulator import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

LIVE = Path(__file__).with_name("live.py")
CURIOUS: dict[str, Any] = {
    "used_token": "used-before",
    "error_spends": False,
    "payload": "json",
    "other_claims": "ignore",
    "leeway": 40.0,
    "suffix_length": 12,
    "names": "keep",
    "bad_base64": "store",
    "on_request": ("embeddedMetadata", "metadata", "selectedFieldsSchema"),
    "preflight": False,
    "drafts": False,
    "pre_transformation": "images-at-once",
    "unsigned_status": 404,
    "private_files": "images",
    "bad_signature": "ignore",
    "unknown_steps": "refuse",
}
"""A service that differs from the emulator's defaults in everything that can be checked."""


def told(account: ikpipe.Account) -> tuple[bool, str]:
    """Run all checks; return whether they succeeded, and the output."""
    lines: list[str] = []
    return converse(account, lines.append), "\n".join(lines)


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program as `make live` does."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEKIT_")}
    return subprocess.run(  # noqa: S603 - ours
        [sys.executable, str(LIVE)], env={**rest, **environment}, capture_output=True, text=True, check=False
    )


def test_without_keys_it_says_so() -> None:
    """Without keys nothing is done, with status 0."""
    ran = run(IMAGEKIT_PUBLIC_KEY="public_alone")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("Nothing was done.\n")


def test_it_finds_the_defaults(emulate: Callable[..., Emulator]) -> None:
    """With a default emulator, all results are the defaults; all files are deleted, and the key is not shown."""
    emulator = emulate()
    account = emulator.account
    ran = run(
        IMAGEKIT_PUBLIC_KEY=account.public_key,
        IMAGEKIT_PRIVATE_KEY=str(account.key()),
        IMAGEKIT_URL_ENDPOINT=str(account.url_endpoint),
        IMAGEKIT_UPLOAD_URL=account.upload_url,
        IMAGEKIT_API_URL=account.api_url,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "SET THIS" not in ran.stdout
    assert all(f"Emulator({name}=" in ran.stdout for name in CURIOUS)
    assert ikpipe.files(account).empty
    assert str(account.key()) not in ran.stdout


def test_it_finds_what_differs(emulate: Callable[..., Emulator]) -> None:
    """With other rules, each is listed with its value."""
    rules = {**CURIOUS, "leeway": 40.0}
    good, text = told(emulate(**rules).account)
    assert good
    for name, value in {**rules, "leeway": 30.0}.items():  # found in steps
        assert f"Emulator({name}={value!r}): SET THIS" in text


def test_a_search_that_lags_is_told_with_its_policy(emulate: Callable[..., Emulator]) -> None:
    """A lag longer than a third of what the client waits asks for another `index_lag`; a shorter one does not."""
    account = emulate(index_lag=2).account
    with httpx.Client(timeout=60) as http:
        finding = guesses.index_lag(Talk(account, http))
    assert float(finding.seen.removesuffix(" s.")) >= 2
    assert finding.policy == {"index_lag": 30.0}
    assert "Policy(index_lag=99.0): SET THIS" in guesses.Finding("", policy={"index_lag": 99.0}).lines()


def test_one_answer_that_cannot_be_had_holds_up_no_other(emulate: Callable[..., Emulator]) -> None:
    """If the quota is used up, the other checks still run, all files are deleted, and the result is a failure."""
    emulator = emulate(upload_quota=8)
    good, text = told(emulator.account)
    assert not good
    assert "could not be checked: The upload for this check was rejected: 400 Upload Limit Exceeded." in text
    assert "Emulator(preflight=True)" in text
    assert ikpipe.files(emulator.account).empty


def test_what_was_stored_goes_even_if_it_is_stopped(account: ikpipe.Account) -> None:
    """Ctrl-C still deletes the folder."""
    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        if "used token" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        converse(account, tell)
    assert lines[-1].startswith("Cleaned up: 2 of 2 files deleted, and the folder /ikpipe-live-")


def test_what_it_finds_out_can_be_set() -> None:
    """Each rule that the checks name exists, and each has its check."""
    names = {rule.name for rule in fields(Rules)}
    assert CURIOUS.keys() <= names
    assert len(guesses.GUESSES) + len(guesses.DELIVERED) == len(CURIOUS) + len(("clock", "index_lag"))
