"""`ikpipe files`, `sign`, `demo`, and the program itself."""

from __future__ import annotations

import io
import runpy
import threading
from typing import TYPE_CHECKING, Any

import jwt
import pandas as pd
import pytest
from shell import NAMED, Completed

import ikpipe
from ikpipe import cli

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

    from ikpipe.emulator import Emulator

COMMANDS = ("upload", "check", "plan", "sync", "retry", "resume", "update", "undo", "files", "sign", "emulator", "demo")


@pytest.fixture
def library(ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """Store two pictures with tags in an account of their own."""
    sign_in(emulate())
    ikp("upload", table(2, tags=["red", "blue"]), "-o", "out.csv", *NAMED)


@pytest.mark.usefixtures("library")
def test_files(ikp: Ikp) -> None:
    """The library is listed as CSV on standard output."""
    ran = ikp("files", "--path", "/")
    assert (ran.status, ran.err) == (0, "")
    assert len(pd.read_csv(io.StringIO(ran.out))) == 2


@pytest.mark.usefixtures("library")
def test_files_are_searched(ikp: Ikp) -> None:
    """A search in the service's language goes to a file, nested values and all."""
    assert ikp("files", "--search", 'tags IN ["blue"]', "--limit", "5", "-o", "blue.jsonl").status == 0
    assert pd.read_json("blue.jsonl", lines=True)["tags"].tolist() == [["blue"]]


def test_no_files(ikp: Ikp, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """An empty library is no error."""
    sign_in(emulate())
    assert ikp("files").status == 0


def test_files_need_an_account(ikp: Ikp) -> None:
    """Without an account it is said so."""
    ran = ikp("files")
    assert (ran.status, ran.out) == (3, "")


@pytest.mark.usefixtures("signed_in")
def test_sign(ikp: Ikp, emulator: Emulator) -> None:
    """The token is on standard output, alone, and has the parameters as they will be sent."""
    ran = ikp("sign", "file_name=a.jpg", "useUniqueFileName=NO", "custom_metadata.brand=A", "--lifetime", "60")
    claims = jwt.decode(ran.out.strip(), str(emulator.private_key), ["HS256"])
    assert claims.pop("exp") - claims.pop("iat") <= 60
    assert claims == {"fileName": "a.jpg", "useUniqueFileName": "false", "customMetadata": '{"brand":"A"}'}
    assert ran.err == ""


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("words", [["tags=50%"], ["file=x"], ["colour=red"], ["tags=a", "--lifetime", "3601"], ["x"]])
def test_sign_refuses(ikp: Ikp, words: list[str]) -> None:
    """What the service would refuse is not signed."""
    ran = ikp("sign", *words)
    assert (ran.status, ran.out) == (2, "")


def test_no_command(ikp: Ikp) -> None:
    """Without a command it is said what to type."""
    ran = ikp()
    assert ran.status == 2
    assert "See: ikpipe --help" in ran.err


@pytest.mark.parametrize("words", [(), *((command,) for command in COMMANDS)])
def test_help_fits(ikp: Ikp, words: tuple[str, ...]) -> None:
    """Each help goes to standard output, fits 80 columns, and has examples or commands to begin with."""
    ran = ikp(*words, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "\n  ikpipe " in ran.out


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "demo"])
def test_help_tells_statuses(ikp: Ikp, command: str) -> None:
    """Each command's help tells its exit statuses."""
    assert "exit status: " in ikp(command, "--help").out


def test_version(ikp: Ikp) -> None:
    """The version can be asked for."""
    assert ikp("--version") == Completed(0, f"ikpipe {ikpipe.__version__}\n", "")


def test_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m ikpipe` is the same program."""
    monkeypatch.setattr("sys.argv", ["ikpipe", "sign"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module("ikpipe", run_name="__main__")
    assert end.value.code == 2


def test_beside_other_threads(ikp: Ikp, table: Table) -> None:
    """In a thread, which may set no signal handlers, a command runs all the same."""
    source, statuses = table(1), []
    thread = threading.Thread(target=lambda: statuses.append(cli.main(["check", source, *NAMED])))
    thread.start()
    thread.join()
    assert statuses == [0]
