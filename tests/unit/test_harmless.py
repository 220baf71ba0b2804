"""Text of tables and of the service cannot steer a terminal, forge a line, or hide what it is."""

from __future__ import annotations

import io
import logging
import socket
from pathlib import Path

import pandas as pd
import pytest

from ikpipe import Error
from ikpipe.cli.output import write_frame
from ikpipe.cli.wording import command, in_options, say
from ikpipe.delivery.gallery.html import foreign, written
from ikpipe.errors import (
    InvalidValue,
    Message,
    Problem,
    describe_exception,
    keyword,
    one_line,
    printable,
    quoted,
    short_repr,
)
from ikpipe.errors.logs import LOGGERS
from ikpipe.frames.io.csv_style import CsvStyle
from ikpipe.frames.results import problem_frame
from ikpipe.request.reply import read_reply
from ikpipe.run.report import ReportWriter

BAD = "\x1b[2J\x9b1m\n\rikpipe: all rows uploaded\x07\u202egpj\u2066\x7f\u2028\ufeff"
CONTROLS = {*BAD} - {*"[2J1mikpipe: all rows uploadedgpj"}


class _Odd:
    """An object whose text is hostile."""

    def __repr__(self) -> str:
        return BAD


def is_harmless(text: str) -> bool:
    """Whether nothing in a text controls a terminal."""
    return not CONTROLS & {*text}


@pytest.mark.parametrize(
    "text",
    [
        printable(BAD),
        short_repr(BAD),
        short_repr(_Odd()),
        short_repr({"a": [_Odd()]}),
        quoted(BAD),
        describe_exception(ValueError(BAD)),
        str(Message(BAD, keyword("a", BAD), Message(BAD))),
        in_options(Message(BAD, keyword("sheet", BAD))),
        str(Error(BAD, fix=BAD, about=keyword("map", BAD))),
        Error(BAD).message,
        repr(Error(BAD)),
        str(InvalidValue("wrong_type", BAD, BAD).text),
        InvalidValue("wrong_type", BAD, BAD).fix,
        one_line(BAD),
        command(["ikpipe", BAD]),
        *ReportWriter(80).problems(problem_frame([Problem(BAD, 0, BAD, BAD, "error", BAD, BAD, BAD)])),
        written(foreign("b", BAD.replace("\n", "").replace("\r", ""))).replace("\u2028", "").replace("\ufeff", ""),
    ],
)
def test_what_is_shown_is_harmless(text: str) -> None:
    """Wherever text comes together for people."""
    assert is_harmless(text.replace("\x7f", "") if text.startswith("<b") else text)


@pytest.mark.parametrize("text", ["Größe 12 cm", "ねこ", "\u0645\u06cc\u200c\u062e", "👩\u200d👧", "a  b"])
def test_text_of_any_language_stays(text: str) -> None:
    """Letters, spaces, and the joiners that some scripts and emoji need are no danger."""
    assert printable(text) == text


@pytest.mark.parametrize("name", LOGGERS)
@pytest.mark.parametrize("args", [(BAD, 3), ({"a": BAD},), (ValueError(BAD),), (Path(BAD),)])
def test_what_is_logged_is_harmless(name: str, args: tuple[object, ...], caplog: pytest.LogCaptureFixture) -> None:
    """Whoever handles the record."""
    words = "%(a)s" if isinstance(args[0], dict) else " ".join("%s" for _ in args)
    logging.getLogger(name).warning(words, *args)
    assert is_harmless(caplog.records[0].getMessage())


def test_what_is_printed_is_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    """The last place before the terminal."""
    say(f"a{BAD}", "  b")
    first, second, end = capsys.readouterr().err.split("\n")
    assert is_harmless(first)
    assert (second, end) == ("  b", "")


def test_the_services_message_is_harmless() -> None:
    """It goes into `ik_message`, and from there to wherever results are shown."""
    body = b'{"message": "Your request has \\u001b[2J\\nikpipe: ok"}'
    message = read_reply(400, {"x-ik-requestid": "1"}, body).result.message
    assert message == "Your request has �[2J ikpipe: ok"


@pytest.mark.parametrize(("terminal", "shown"), [(True, "name\na�[2J\n"), (False, "name\na\x1b[2J\n")])
def test_a_list_on_a_terminal_is_harmless(terminal: bool, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """What `ikpipe files` prints for people has no control characters; another program gets the data as it is."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(output, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("sys.stdout", output)
    write_frame(pd.DataFrame({"name": ["a\x1b[2J"]}), "-", CsvStyle())
    assert output.buffer.getvalue().decode() == shown


def test_a_name_that_cannot_be_resolved_is_said_in_words() -> None:
    """Not as the system's "[Errno -2] Name or service not known", which each system words in another way."""
    cause = socket.gaierror(-2, "Name or service not known")
    error = ConnectionError("[Errno -2] Name or service not known")
    error.__cause__ = cause
    assert describe_exception(error) == "ConnectionError: the host's name cannot be resolved (DNS)"
