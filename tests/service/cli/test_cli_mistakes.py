"""Mistakes of a first day: no mapping, names that are almost right, spelling mistakes in commands and options."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from shell import NAMED

from ikpipe.frames.io.results import read_results

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table


@pytest.mark.parametrize("command", [("upload", "-o", "out.csv", "--emulator"), ("check",)])
def test_a_table_without_a_mapping_is_one_line(command: tuple[str, ...], ikp: Ikp, table: Table) -> None:
    """It has the option to type; no service is started for it, and there is no OUT."""
    ran = ikp(command[0], table(3), *command[1:])
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "ikpipe: error: No column, mapping or keyword provides the file. The table has the columns 'sku', 'picture'. "
        "Map the column that has the files: --map file=picture.\n"
    )
    assert not Path("out.csv").exists()


def test_a_retry_without_its_mapping_is_one_line(ikp: Ikp, table: Table) -> None:
    """No service is started for it."""
    assert ikp("upload", table(2, picture=["", ""]), "-o", "out.csv", "--emulator", *NAMED).status == 1
    ran = ikp("retry", "out.csv", "-o", "again.csv", "--emulator")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "--map file=picture" in ran.err


def test_messages_without_standard_error(
    ikp: Ikp, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a service of Windows there is none: nothing is printed into the data."""
    source = table(2, picture=["", ""])
    monkeypatch.setattr("sys.stderr", None)
    ran = ikp("check", source, *NAMED, "-o", str(tmp_path / "problems.csv"))
    assert (ran.status, ran.out, ran.err) == (1, "", "")


@pytest.mark.parametrize("command", [("upload", "-o", "out.csv", "--emulator"), ("check",)])
def test_the_options_of_an_error_can_be_pasted(command: tuple[str, ...], ikp: Ikp, table: Table) -> None:
    """With both kinds, the command works; columns that are ignored stay in the results."""
    flags: list[str | None] = ["yes", "no", "no"]
    source = table(3, Tags=["a", "b", "c"], **{"Is Private File": flags})
    words = (command[0], source, *command[1:], *NAMED)
    ran = ikp(*words)
    assert ran.status == 2
    assert "--map tags=Tags --map 'is_private_file=Is Private File'; to ignore them" in ran.err
    assert ran.err.endswith("--ignore Tags --ignore 'Is Private File'.\n")
    assert ikp(*words, "--map", "tags=Tags", "--map", "is_private_file=Is Private File").status == 0
    assert ikp(*words, "--ignore", "Tags", "--ignore", "Is Private File").status == 0


def test_the_next_command_ignores_the_same_columns(ikp: Ikp, table: Table) -> None:
    """It repeats what was given."""
    source = table(2, picture=["", ""], Tags=["a", "b"])
    ran = ikp("upload", source, "-o", "out.csv", "--emulator", *NAMED, "--ignore", "Tags")
    assert "ikpipe retry out.csv -o out.csv --map file=picture --set 'file_name={sku}.png' --ignore Tags" in ran.err


def test_the_mapping_is_shown_once(ikp: Ikp, table: Table) -> None:
    """On standard error, before the summary; not with --quiet."""
    words = ("upload", table(2, brand=["a", "b"]), "-o", "out.csv", "--emulator", *NAMED)
    line = "ikpipe: Mapping: file ← picture, file_name = {sku}.png; unused: brand\n"
    assert ikp(*words).err.count(line) == 1
    assert "Mapping" not in ikp(*words, "--quiet").err


def test_the_mapping_is_in_the_results(ikp: Ikp, table: Table) -> None:
    """A Parquet file has the summary."""
    ikp("upload", table(2), "-o", "out.parquet", "--emulator", *NAMED)
    attrs = read_results("out.parquet").attrs
    assert attrs["ikpipe"]["effective_mapping"] == "file ← picture, file_name = {sku}.png"


def test_retry_without_a_mapping_leaves_out_as_it_is(ikp: Ikp, table: Table) -> None:
    """It has the real reasons."""
    ikp("upload", table(2, picture=["no.png", "no.png"]), "-o", "out.csv", "--emulator", *NAMED)
    before = Path("out.csv").read_bytes()
    ran = ikp("retry", "out.csv", "-o", "out.csv", "--emulator")
    assert ran.status == 2
    assert "do not have the mapping of their run" in ran.err
    assert "--map file=" in ran.err
    assert Path("out.csv").read_bytes() == before


def test_a_row_is_named_by_its_line(ikp: Ikp, table: Table) -> None:
    """As spreadsheets and editors count them: in CSV from 2, in JSON Lines from 1."""
    assert "row 1 (line 3)  This row has no file." in ikp("check", table(2, picture=["x", ""]), *NAMED).err
    Path("t.jsonl").write_text('{"file": "x"}\n{"sku": "2"}\n', encoding="utf-8")
    assert "row 1 (line 2)  This row has no file." in ikp("check", "t.jsonl").err


def test_results_are_named_by_their_line(ikp: Ikp, table: Table) -> None:
    """In the summary of a retry, too."""
    ikp("upload", table(2, picture=["no.png", "no.png"]), "-o", "out.csv", "--emulator", *NAMED)
    assert "row 1 (line 3)" in ikp("retry", "out.csv", "-o", "out.csv", "--emulator", *NAMED).err


def test_rows_without_lines_are_counted_from_0(ikp: Ikp, table: Table) -> None:
    """A Parquet file has none."""
    ikp("upload", table(2, picture=["no.png", "no.png"]), "-o", "out.parquet", "--emulator", *NAMED)
    err = ikp("check", "out.parquet", *NAMED).err
    assert "2 problems in 2 of 2 rows (the first row is row 0)" in err
    assert "line" not in err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("uplaod", "t.csv"), "There is no command 'uplaod' (did you mean 'upload'?). See: ikpipe --help"),
        (("zzz",), "There is no command 'zzz'. See: ikpipe --help"),
        (("--verison",), "unrecognized arguments: --verison (did you mean '--version'?). See: ikpipe --help"),
        (
            ("upload", "t.csv", "-o", "o.csv", "--concurency", "3"),
            "unrecognized arguments: --concurency (did you mean '--concurrency'?). See: ikpipe upload --help",
        ),
        (
            ("upload", "t.csv", "--outt=o.csv"),
            "unrecognized arguments: --outt (did you mean '--out'?). See: ikpipe upload --help",
        ),
        (
            ("check", "--mapp", "file=url", "t.csv"),
            "unrecognized arguments: --mapp (did you mean '--map'?). See: ikpipe check --help",
        ),
        (
            ("upload", "t.csv", "-o", "o.csv", "--on-existing", "skipp"),
            (
                "argument --on-existing: 'skipp' is none of replace, skip, error, sync (did you mean 'skip'?). "
                "See: ikpipe upload --help"
            ),
        ),
        (
            ("check", "t.csv", "--fetch=clinet"),
            "argument --fetch: 'clinet' is none of server, client (did you mean 'client'?). See: ikpipe check --help",
        ),
        (("check", "t.csv", "--decimal", "x"), "argument --decimal: 'x' is none of ., ,. See: ikpipe check --help"),
        (
            ("upload", "t.csv", "-o", "o.csv", "--bandwidth", ""),
            "argument --bandwidth: The text is empty. Write a limit such as 5M, or off. See: ikpipe upload --help",
        ),
        (("check", "t.csv", "-z"), "unrecognized arguments: -z. See: ikpipe check --help"),
        (
            ("check", "t.csv", "--set", "concurency=3"),
            "--set concurency: there is no upload parameter 'concurency' (did you mean '--concurrency'?).",
        ),
        (
            ("check", "t.csv", "--set", "fodler=/a/"),
            "--set fodler: there is no upload parameter 'fodler' (did you mean 'folder'?).",
        ),
    ],
)
def test_a_spelling_mistake_has_a_suggestion(words: tuple[str, ...], error: str, ikp: Ikp) -> None:
    """In a command, an option or a parameter, wherever it is in the line."""
    ran = ikp(*words)
    assert (ran.status, ran.out, ran.err) == (2, "", f"ikpipe: error: {error}\n")


def test_a_name_cannot_control_a_terminal(ikp: Ikp, table: Table) -> None:
    """Neither in an error nor in a warning, and the options that can be pasted are on the same line."""
    for name in ("\x1b[31m Tags", "descripton\n\x1b[31m"):
        err = ikp("upload", table(1, **{name: ["a"]}), "-o", "out.csv", "--emulator", *NAMED).err
        assert "\x1b" not in err
        lines = [line for line in err.splitlines() if line]
        assert all(re.match(r"([\d-]{10} [\d:]{8} )?ikpipe: |  |Results|For one that", line) for line in lines)


def test_an_ignored_column_must_exist(ikp: Ikp, table: Table) -> None:
    """The error names the option and the closest column."""
    ran = ikp("check", table(1, Tags=["a"]), *NAMED, "--ignore", "Tag")
    assert ran.err == "ikpipe: error: --ignore Tag: The table has no column 'Tag' (did you mean 'Tags'?).\n"


def test_a_value_can_look_like_an_option(ikp: Ikp, table: Table) -> None:
    """As long as it is a part of another word, or follows the end of the options."""
    source = table(1, **{"--tags": ["a"]})
    assert ikp("check", *NAMED, "--map", "tags=--tags", "--ignore=--tags", "--", source).status == 0


def test_a_table_of_another_program(ikp: Ikp, pictures: Callable[[int], list[str]]) -> None:
    """A shop's export with a picture needs one option for its file, and one for each column that is almost right."""
    header = (Path(__file__).parents[2] / "data/headers/shopify.txt").read_text(encoding="utf-8").splitlines()
    with Path("shop.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, [pictures(1)[0] if name == "Image Src" else "x" for name in header]])
    ran = ikp("check", "shop.csv")
    assert "--map 'file=Image Src' --map tags=Tags;" in ran.err
    ran = ikp("check", "shop.csv", "--map", "file=Image Src", "--map", "tags=Tags", "--set", "file_name=a.png")
    assert ran.status == 0
    assert "arning" not in ran.err
