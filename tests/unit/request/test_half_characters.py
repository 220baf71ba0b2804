"""Half a character (a lone surrogate) neither breaks a run nor loses a row, wherever it comes from."""

import os
from pathlib import Path

import pytest

from ikpipe.errors import InvalidValue
from ikpipe.request.form import build_form
from ikpipe.request.parameters import encode
from ikpipe.request.reply import read_reply
from ikpipe.request.sources import FileSource
from ikpipe.request.urls import valid_url

HALF = "\ud83d"


def test_in_a_parameter_it_is_a_problem() -> None:
    """Text that cannot be written as UTF-8 is a problem of its row, not an exception of the run."""
    with pytest.raises(InvalidValue) as caught:
        encode("file_name", f"a{HALF}.jpg")
    assert caught.value.code == "bad_character"


def test_in_a_url_it_is_a_problem() -> None:
    """A URL that cannot be written as UTF-8 is no web address."""
    with pytest.raises(InvalidValue) as caught:
        valid_url(f"http://a/{HALF}.jpg")
    assert caught.value.code == "bad_url"


def test_in_a_path_it_is_sent_as_a_question_mark() -> None:
    """A file whose name is no UTF-8 can be sent under another name."""
    path = Path(os.fsdecode(b"a\xff.jpg"))
    form = build_form({"fileName": "a.jpg"}, FileSource("path", path.name, path=str(path), size=1), "x")
    assert b'filename="a?.jpg"' in form.head


def test_in_an_answer_it_is_replaced() -> None:
    """An answer with half an escaped character is still the answer, and fits into a table."""
    reply = read_reply(200, {}, b'{"fileId": "1", "name": "a\\ud83d.jpg"}')
    assert (reply.result.file_id, reply.result.name) == ("1", "a?.jpg")


def test_a_whole_escaped_character_survives() -> None:
    """An emoji that is escaped as its two halves is that emoji."""
    assert read_reply(200, {}, b'{"fileId": "1", "name": "\\ud83d\\ude00"}').result.name == "\U0001f600"
