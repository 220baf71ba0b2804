"""`--tag-separator`, `--decimal`, `--true` and `--false`: tables of other countries and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import ikpipe

if TYPE_CHECKING:
    from shell import Ikp

WORDS = ("--tag-separator", ";", "--decimal", ",", "--true", "ja", "--false", "nein")


@pytest.mark.parametrize(("mark", "option"), [("\t", "tab"), ("|", "'|'"), (";", "';'")])
def test_the_separator_that_a_warning_names_is_accepted(ikp: Ikp, mark: str, option: str) -> None:
    """Also one that nobody sees, and those that mean something to a shell."""
    cells = {"file": ["data:text/plain;base64,aGVsbG8="], "file_name": "a.txt", "tags": f"rot{mark}blau"}
    pd.DataFrame(cells).to_csv("in.csv", index=False)
    assert f"pass --tag-separator {option}." in ikp("check", "in.csv").err.replace("\n        ", " ")
    assert "warning" not in ikp("check", "in.csv", "--tag-separator", option.strip("'")).err


@pytest.mark.usefixtures("signed_in")
def test_the_command_line_reads_them_and_prints_them_again(ikp: Ikp) -> None:
    """`upload` and `check` take the options, and the command that continues has them."""
    files = ["data:text/plain;base64,aGVsbG8=", "nothing"]
    cells = {"file": files, "file_name": "a.txt", "tags": "rot;blau", "isPrivateFile": "Ja"}
    pd.DataFrame(cells).to_csv("in.csv", index=False)
    assert ikp("check", "in.csv", *WORDS).status == 1
    ran = ikp("upload", "in.csv", "-o", "out.csv", *WORDS)
    assert ran.status == 1
    assert "--tag-separator ';' --decimal , --true ja --false nein" in ran.err
    results = ikpipe.read_results("out.csv")
    assert results["ik_status"].tolist() == ["uploaded", "invalid"]
    assert results["ik_tags"][0] == ["rot", "blau"]


@pytest.mark.usefixtures("signed_in")
def test_a_fix_names_the_option(ikp: Ikp) -> None:
    """A word that is not known as a boolean is a problem that names `--true`."""
    pd.DataFrame({"file": ["data:text/plain;base64,aGVsbG8="], "isPrivateFile": ["ja"]}).to_csv("in.csv", index=False)
    assert "--true" in ikp("check", "in.csv", "--set", "file_name=a.txt").err


@pytest.mark.usefixtures("signed_in")
def test_a_path_is_an_option(ikp: Ikp) -> None:
    """`--path` takes a template, and the command that continues has it; `--set path=` beside it is an error."""
    files = ["data:text/plain;base64,aGVsbG8=", "nothing"]
    pd.DataFrame({"file": files, "brand": "Red Nose"}).to_csv("in.csv", index=False)
    path = "/shop/{brand|slug}/{row:02d}.txt"
    ran = ikp("upload", "in.csv", "-o", "out.csv", "--path", path, "--set", "use_unique_file_name=false")
    assert f"--path '{path}'" in ran.err
    assert ikpipe.read_results("out.csv")["ik_file_path"][0] == "/shop/red-nose/01.txt"
    assert "set twice" in ikp("upload", "in.csv", "-o", "out.csv", "--path", path, "--set", "path=/x").err
    assert "--path" in ikp("check", "in.csv", "--set", "file_name=a/{row}.txt").err
