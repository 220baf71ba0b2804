"""`ikpipe files`, `sign`, `demo`, and the program itself."""

from __future__ import annotations

import inspect
import io
import re
import runpy
import threading
from typing import TYPE_CHECKING, Any

import jwt
import pandas as pd
import pytest
from shell import NAMED, Completed

import ikpipe
from ikpipe import cli
from ikpipe.cli.parser import parser

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

    from ikpipe.emulator import Emulator

COMMANDS = [*parser().commands]
FUNCTIONS = {
    **{name: name for name in ("upload", "check", "plan", "sync", "update", "undo", "retry", "resume", "refresh")},
    **{name: name for name in ("files", "delete", "purge", "url", "sign")},
    "add_tags": "tag --add",
    "remove_tags": "tag --remove",
    "metadata_fields": "fields",
    "create_metadata_fields": "fields --create",
}
"""The functions of the library and their commands."""
NO_COMMAND = {
    "upload_file and aupload_file: a table of one row": ("upload_file", "aupload_file", "aupload"),
    "part of every command that writes or reads a table": ("write_results", "read_results"),
    "printed by check and by every run": ("summary", "report"),
    "pictures in a notebook": ("gallery",),
}


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
    """Without a command the help is shown; a script whose command is empty still fails."""
    assert ikp() == Completed(2, ikp("--help").out, "")


def test_help_of_a_command(ikp: Ikp) -> None:
    """`ikpipe help COMMAND` is `ikpipe COMMAND --help`, and has a suggestion, too."""
    assert ikp("help", "tag") == ikp("tag", "--help")
    assert ikp("help") == ikp("--help")
    assert "did you mean 'tag'?" in ikp("help", "tga").err


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


def test_every_function_has_its_command() -> None:
    """What Python can do, the command line can do; what has no command says why."""
    functions = {name for name in ikpipe.__all__ if inspect.isfunction(getattr(ikpipe, name))}
    without = {name for names in NO_COMMAND.values() for name in names}
    assert functions == FUNCTIONS.keys() | without
    for words in FUNCTIONS.values():
        command, *needed = words.split()
        assert {*needed} <= {*parser().commands[command].options}


@pytest.mark.parametrize("columns", [40, 120])
@pytest.mark.parametrize("words", [(), *((command,) for command in COMMANDS)])
def test_help_fits_other_terminals(
    ikp: Ikp, words: tuple[str, ...], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Narrow and wide; only the usage, and what cannot be broken, is longer: an address, an option's value."""
    monkeypatch.setenv("COLUMNS", str(columns))
    _, _, rest = ikp(*words, "--help").out.partition("\n\n")
    lines = [re.sub(r"'[^']*'| \\\\$|(--?[\w-]+) (?=\S)", "", line) for line in rest.splitlines()]
    assert [line for line in lines if len(line) > columns and len(line.split()) > 1] == []


def test_colors_are_for_terminals(ikp: Ikp, monkeypatch: pytest.MonkeyPatch) -> None:
    """And for whoever forces them; NO_COLOR counts more."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" not in ikp("--help").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1mexamples:\x1b[0m" in ikp("tag", "--help").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in ikp("tag", "--help").out


@pytest.mark.parametrize("words", [("--no-color", "tag", "--help"), ("tag", "--help", "--no-color")])
def test_no_color_is_for_all_that_is_printed(ikp: Ikp, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an option of the program and of each command, and wherever it is, the help has no colors."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "")
    assert "\x1b" not in ikp(*words).out


def test_the_color_of_errors(ikp: Ikp, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word is red where there are colors; in a file, it is the word alone."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert ikp("sing").err.startswith("ikpipe: error: There is no command 'sing'")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ikp("sing").err.startswith("ikpipe: \x1b[31merror:\x1b[0m There is no command 'sing'")
    monkeypatch.setenv("NO_COLOR", "")
    assert ikp("sing", "--no-color").err.startswith("ikpipe: error: There")
    assert ikp("--no-color", "sing").err.startswith("ikpipe: error: There")


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
