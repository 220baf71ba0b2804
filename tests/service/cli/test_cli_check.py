"""`ikpipe check`: every problem, before anything is sent."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from shell import NAMED

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from doubles import Site
    from shell import Ikp, Table

    from ikpipe.emulator import Emulator


def test_no_problems(ikp: Ikp, table: Table) -> None:
    """A sound table is status 0, without an account too."""
    assert ikp("check", table(2), *NAMED) == (
        0,
        "",
        "ikpipe: No problems in 2 rows.\nMapping: file ← picture, file_name = {sku}.png\n",
    )


def test_problems_are_grouped(ikp: Ikp, table: Table) -> None:
    """Problems are summed up by code, the most frequent first, with a few rows of each."""
    flags = {"private": ["no", "perhaps", "maybe", "?", "-", "so"]}
    source = table(6, **flags, picture=["", *["data:image/png;base64,iVBORw0KGgo="] * 5])
    ran = ikp("check", source, *NAMED, "--map", "is_private_file=private")
    assert (ran.status, ran.out) == (1, "")
    fix = "Use true or false, or name your own words with --true."
    assert ran.err.splitlines() == [
        "ikpipe: 6 problems in 6 of 6 rows",
        "",
        "  5 not_boolean: The value is not a valid boolean. Use true/false, yes/no or 1/0.",
        f'    row 1 (line 3)  private  is_private_file must be true or false, not "perhaps". {fix}',
        f'    row 2 (line 4)  private  is_private_file must be true or false, not "maybe". {fix}',
        f'    row 3 (line 5)  private  is_private_file must be true or false, not "?". {fix}',
        "    and 2 more rows",
        "",
        "  1 missing_file: The row has no file. Fill in the file, or delete the row.",
        "    row 0 (line 2)  This row has no file. Fill in the file, or delete the row.",
        "",
        "Mapping: file ← picture, is_private_file ← private, file_name = {sku}.png",
    ]


def test_warnings_are_no_problems(ikp: Ikp, table: Table) -> None:
    """Names that are changed are named; the status is 0, since every row is sent."""
    ran = ikp("check", table(2, title=["a b", "c"]), "--map", "file=picture", "--set", "file_name={title}.png")
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.splitlines()[:3] == [
        "ikpipe: No problems in 2 rows.",
        "1 warning in 1 of 2 rows; warnings do not stop an upload",
        "",
    ]
    assert "1 name_adjusted" in ran.err
    assert 'is sent as "a_b.png"' in " ".join(ran.err.split())


def test_a_warning_about_a_column_is_one_line(ikp: Ikp, table: Table) -> None:
    """It is not counted with the rows, and the status is 0."""
    ran = ikp("check", table(2, descripton=["a", "b"]), *NAMED)
    assert ran.status == 0
    warning = (
        "Warning: The column 'descripton' (description) is not used. Its name is similar to a parameter. To use it, "
        "pass --map description=descripton; to ignore it, pass --ignore descripton."
    )
    assert ran.err.splitlines() == [
        "ikpipe: No problems in 2 rows.",
        "",
        warning,
        "",
        "Mapping: file ← picture, file_name = {sku}.png; unused: descripton",
    ]
    ran = ikp("check", table(2, descripton=["a", "b"]), *NAMED, "-o", "-")
    assert [line.split(",")[:6] for line in ran.out.splitlines()[1:]] == [
        ["", "", "descripton", "description", "warning", "similar_column"]
    ]


def test_a_column_that_appears_later_is_not_ignored(ikp: Ikp) -> None:
    """In JSON Lines, later rows can have other keys: those rows are problems, and the rows before are not."""
    row = '{"file": "https://a.example/a.jpg"}\n'
    Path("t.jsonl").write_text(row * 5_000 + row.replace("}", ', "isPrivatefile": true}'), encoding="utf-8")
    ran = ikp("check", "t.jsonl", "-o", "-")
    assert ran.status == 1
    (problem,) = csv.DictReader(io.StringIO(ran.out))
    assert problem["position"] == "5000"
    assert problem["message"].startswith("The column 'isPrivatefile' (is_private_file) is not used")
    assert "--map is_private_file=isPrivatefile" in problem["fix"]


def test_columns_of_later_rows_are_in_the_error(ikp: Ikp) -> None:
    """A table that has no file in its first rows is read to its end before it is an error."""
    row = '{"sku": "1"}\n'
    Path("t.jsonl").write_text(row * 5_000 + '{"image_url": "https://a.example/a.jpg"}', encoding="utf-8")
    assert "'sku', 'image_url'" in ikp("check", "t.jsonl").err


def test_errors_come_before_warnings(ikp: Ikp, table: Table) -> None:
    """And the status is that of the errors."""
    source = table(2, title=["a b", "c"], private=["no", "maybe"])
    ran = ikp(
        "check", source, "--map", "file=picture", "--set", "file_name={title}.png", "--map", "is_private_file=private"
    )
    assert ran.status == 1
    assert ran.err.startswith("ikpipe: 1 problem in 1 of 2 rows\n")
    assert ran.err.index("not_boolean") < ran.err.index("1 warning in 1 of 2 rows")


def test_a_policy_that_sends_names_as_given_has_no_warnings(ikp: Ikp, table: Table) -> None:
    """`--policy` is that of `upload`."""
    ran = ikp("check", table(1), "--map", "file=picture", "--set", "file_name=a b.png", "--policy", "names=as_given")
    assert ran.status == 0
    assert "warning" not in ran.err


def test_problems_in_a_file(ikp: Ikp, table: Table) -> None:
    """PROBLEMS is a table with a row a problem."""
    ran = ikp("check", table(2, picture=["", ""]), *NAMED, "-o", "problems.jsonl")
    assert ran.status == 1
    problems = pd.read_json("problems.jsonl", lines=True)
    assert list(problems["code"]) == ["missing_file", "missing_file"]
    assert list(problems["position"]) == [0, 1]


def test_problems_on_standard_output(ikp: Ikp, table: Table) -> None:
    """PROBLEMS `-` is CSV on standard output, also where there are none."""
    ran = ikp("check", table(1), *NAMED, "-o", "-")
    header = ["row", "position", "column", "parameter", "severity", "code", "message", "fix"]
    assert list(csv.reader(io.StringIO(ran.out))) == [header]


def test_problems_are_not_the_table(ikp: Ikp, table: Table) -> None:
    """PROBLEMS may not replace the table that is checked."""
    source = table(1)
    before = Path(source).read_bytes()
    assert ikp("check", source, *NAMED, "-o", source).status == 2
    assert Path(source).read_bytes() == before


def test_without_an_account_metadata_is_not_compared(ikp: Ikp, table: Table) -> None:
    """Without an account it is said that metadata was not compared with its fields."""
    ran = ikp("check", table(1, brand=["A"]), *NAMED, "--map", "custom_metadata=brand")
    assert ran.status == 0
    assert "Custom metadata was not checked" in ran.err


def test_with_an_account_metadata_is_compared(
    ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Any
) -> None:
    """With an account in the environment a field that does not exist is a problem."""
    sign_in(emulate())
    ran = ikp("check", table(1, brand=["A"]), *NAMED, "--map", "custom_metadata=brand")
    assert ran.status == 1
    assert "1 unknown_name" in ran.err


def test_probe(ikp: Ikp, table: Table, site: Site) -> None:
    """`--probe` finds a URL that does not answer."""
    ran = ikp("check", table(1, picture=[f"{site.url}/lost.png"]), *NAMED, "--probe", "--fetch-host", "127.0.0.1")
    assert ran.status == 1
    assert "1 url_unreachable" in ran.err


def test_missing_profile(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile that does not exist is an error, though a check needs no account."""
    monkeypatch.setattr("platformdirs.user_config_path", lambda _name: tmp_path)
    assert ikp("check", table(1), *NAMED, "--profile", "nobody").status == 3


def test_control_characters_reach_no_terminal(ikp: Ikp, table: Table) -> None:
    """A cell cannot steer the terminal: what is not printable does not get there."""
    ran = ikp("check", table(1, **{"a\x1b[2Jb": ["perhaps"]}), *NAMED, "--map", "is_private_file=a\x1b[2Jb")
    assert ran.status == 1
    assert "\x1b" not in ran.err


def test_a_bad_tag_names_its_column(ikp: Ikp) -> None:
    """Also where tags are joined from columns, as each option `--map tags=` does."""
    Path("in.csv").write_text('file,one,two\nhttps://a.example/1.jpg,a,"b, c"\n')
    ran = ikp("check", "in.csv", "--map", "tags=one,two", "--tag-separator", ";", "-o", "problems.csv")
    assert ran.status == 1
    assert pd.read_csv("problems.csv")["column"].tolist() == ["two"]
