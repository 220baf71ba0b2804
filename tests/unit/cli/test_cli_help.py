"""The examples of the help, and the page of the command line: what they name exists, and nothing is missing."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile
from pathlib import Path

import pytest

from ikpipe.cli import help_text, main
from ikpipe.cli.commands.docs import pages_folder
from ikpipe.cli.parser import parser

PROGRAM = parser()
DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "cli.md").read_text(encoding="utf-8")
OFTEN = {"--help", "--version"}


def examples(text: str) -> list[list[str]]:
    """Return the commands of a help's examples, as a shell would pass them, without what explains them."""
    found = []
    for line in (
        re.split(r"^(?:examples|start here):\n", text, flags=re.MULTILINE)[1]
        .partition("\n\n")[0]
        .replace("\\\n", " ")
        .splitlines()
    ):
        typed = re.split(r"(?<=\S)\s{3,}(?=[a-z])", line.strip())[0]
        words: list[str] = []
        lexer = shlex.shlex(typed, posix=True, punctuation_chars="|<>&")
        lexer.whitespace_split = True
        for word in [*lexer, "|"]:
            if word == "|":
                found.append(words)
                words = []
            else:
                words.append(word)
    return [
        list(takewhile(lambda word: word not in ("<", ">", "&"), words[1:])) for words in found if words[0] == "ikpipe"
    ]


EXAMPLES = [
    *examples(help_text.PROGRAM),
    *(words for command in PROGRAM.commands.values() for words in examples(command.epilog)),
]


@pytest.mark.parametrize("words", EXAMPLES, ids=" ".join)
def test_an_example_can_be_typed(words: list[str]) -> None:
    """Its command and its options exist, with such values."""
    assert callable(PROGRAM.parse_args(words).run)


@pytest.mark.parametrize("name", PROGRAM.commands)
def test_a_command_has_an_example(name: str) -> None:
    """Its own help has one of it."""
    assert name in [words[0] for words in examples(PROGRAM.commands[name].epilog)]


@pytest.mark.parametrize("name", PROGRAM.commands)
def test_the_page_has_each_command_and_option(name: str) -> None:
    """It names them, or a page does that its line about the command links to."""
    row = next((line for line in PAGE.splitlines() if re.match(rf"\| `ikpipe {name}\b", line)), "")
    assert row, f"no row of docs/cli.md is about ikpipe {name}"
    linked = [(DOCS / page).read_text(encoding="utf-8") for page in re.findall(r"\]\(([\w-]+\.md)", row)]
    text = PAGE + "".join(linked)
    missing = [option for option in PROGRAM.commands[name].options if not re.search(rf"{option}(?![\w-])", text)]
    assert [option for option in missing if option not in OFTEN] == []


@pytest.mark.parametrize("name", PROGRAM.commands)
def test_the_page_calls_an_output_as_the_help_does(name: str) -> None:
    """As in `check IN -o PROBLEMS`."""
    for output in re.findall(r"^  -o ([A-Z_]+),", PROGRAM.commands[name].format_help(), re.MULTILINE):
        assert f"-o {output}" in PAGE or output == "DIR"


POINTERS = [
    (name, page)
    for name, command in [("", PROGRAM), *PROGRAM.commands.items()]
    for page in re.findall(r"`ikpipe docs\s+(\S+?)`", command.format_help())
]


@pytest.mark.parametrize(("name", "page"), POINTERS)
def test_a_page_that_a_help_names_exists(name: str, page: str) -> None:
    """The package has it."""
    assert (pages_folder() / f"{page}.md").is_file()


@pytest.mark.parametrize("name", PROGRAM.commands)
def test_a_help_names_no_files_of_the_project(name: str) -> None:
    """Who installed the package has no clone."""
    assert not re.search(r"\b(docs|notebooks|tests)/\S+\.\w+", PROGRAM.commands[name].format_help())


def test_pages_can_be_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """A page has the name of its file; a misspelled name gets a suggestion."""
    assert main(["docs"]) == 0
    assert "nightly            Nightly jobs\n" in capsys.readouterr().out
    assert main(["docs", "cli"]) == 0
    assert capsys.readouterr().out == PAGE
    assert main(["docs", "mapings"]) == 2
    assert "There is no page 'mapings' (did you mean 'mapping'?)" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["check", "plan"])
def test_a_command_of_upload_needs_another_name_alone(name: str) -> None:
    """So somebody who has the command of a night checks it without knowing which options do not matter."""
    assert {*PROGRAM.commands["upload"].options} <= {*PROGRAM.commands[name].options}


def test_options_without_an_effect_are_not_in_the_help() -> None:
    """`check` sends nothing, so its help has no limit of what is sent."""
    assert "--bandwidth" not in PROGRAM.commands["check"].format_help()


def test_an_option_without_its_value(capsys: pytest.CaptureFixture[str]) -> None:
    """The error shows what is missing."""
    assert main(["fields", "--create"]) == 2
    assert "argument --create: a value is missing: --create TABLE" in capsys.readouterr().err
