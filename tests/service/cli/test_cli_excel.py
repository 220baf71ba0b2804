"""Workbooks on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from excel_files import SIMPLE, book, cell, column, links, one, row, sheet
from shell import NAMED

import ikpipe
from ikpipe.cli.wording import in_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

ADDRESS = "https://a.example/1.jpg"
TITLED = row(1, cell("A1", "Pictures")) + row(3, cell("A3", "sku"), cell("B3", "file")) + row(4, cell("B4", ADDRESS))
LINKED = {"parts": links(ADDRESS), "after": '<hyperlinks><hyperlink ref="A2" r:id="rId1"/></hyperlinks>'}
WORDS = row(1, cell("A1", "file")) + row(2, cell("A2", "photo"))


def test_another_sheet_is_named(ikp: Ikp, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A note says which sheet is read if there are several, and the option that chooses another one."""
    path = tmp_path / "a.xlsx"
    url = row(1, cell("A1", "file")) + row(2, cell("A2", ADDRESS))
    book(path, sheet(column(cell("A2", "no"))), sheet(url), names=("Read me", "Ware"), states=("hidden",))
    assert "\nikpipe: No problems in 1 row.\n" in ikp("check", str(path)).err
    written = [in_options(record.args[0]) for record in caplog.records if record.levelname == "WARNING"]
    assert written == [f'{path}: reading the sheet "Ware"; not "Read me". For another one, use --sheet.']
    assert ikp("check", str(path), "--sheet", "1", "--map", "file=x").status == 1
    assert ikp("check", str(path), "--sheet", "ware").err.startswith("ikpipe: No problems in 1 row.\n")


def test_a_title_above_the_header(ikp: Ikp, tmp_path: Path) -> None:
    """The error names the option and the row, with which the table is read."""
    one(TITLED)(tmp_path / "a.xlsx")
    ran = ikp("check", str(tmp_path / "a.xlsx"))
    assert ran.status == 2
    assert ran.err.endswith("Name the columns, or give the row that has their names: --header-row 3\n")
    assert ikp("check", str(tmp_path / "a.xlsx"), "--header-row", "3").status == 0


@pytest.mark.parametrize(("words", "status"), [([], 1), (["--links"], 0)])
def test_links_are_read_if_asked(ikp: Ikp, words: list[str], status: int, tmp_path: Path) -> None:
    """By default a cell is the words that it shows."""
    one(WORDS, **LINKED)(tmp_path / "a.xlsx")
    assert ikp("check", str(tmp_path / "a.xlsx"), *words).status == status


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("broken", [cell("B3", "#N/A", "e"), cell("B3", formula="A1")])
def test_an_error_does_not_publish_a_private_file(ikp: Ikp, broken: str, tmp_path: Path) -> None:
    """A formula without a saved value is an error, too; both are empty cells for other parameters."""
    uri = "data:image/gif;base64,R0lGODlh"
    header = row(1, cell("A1", "file"), cell("B1", "isPrivateFile"), cell("C1", "file_name"), cell("D1", "tags"))
    private = row(2, cell("A2", uri), cell("B2", 1, "b"), cell("C2", "a.gif"), cell("D2", "#REF!", "e"))
    one(header + private + row(3, cell("A3", uri), broken, cell("C3", "b.gif")))(tmp_path / "a.xlsx")
    assert ikp("upload", str(tmp_path / "a.xlsx"), "-o", "r.csv").status == 1
    first, second = ikpipe.read_results("r.csv").to_dict("records")
    assert (first["ik_status"], first["ik_is_private_file"], first["ik_tags"]) == ("uploaded", True, None)
    assert "the error #REF!" in first["ik_warnings"][0]
    assert (second["ik_status"], second["ik_error"]) == ("invalid", "not_boolean")


def test_a_broken_file_is_one_line(ikp: Ikp, tmp_path: Path) -> None:
    """It is an error with status 2."""
    one(SIMPLE)(tmp_path / "a.xlsx")
    (tmp_path / "a.xlsx").write_bytes((tmp_path / "a.xlsx").read_bytes()[:-100])
    ran = ikp("check", str(tmp_path / "a.xlsx"))
    assert (ran.status, ran.err.count("\n")) == (2, 1)


def test_an_export_of_excel_becomes_a_workbook_of_results(ikp: Ikp, picture: Callable[..., bytes]) -> None:
    """In three commands: one that says what is missing, one that uploads, and one for a file that was missing."""
    brands = ["Müller", "Schöffel", "Jack & Söhne"]
    lines = ["Artikelnr.;Marke;Bezeichnung;Preis;Schlagworte;Privat;Stand"]
    for at in range(12):
        brand, path = brands[at % 3], Path("bilder", brands[at % 3], f"{at:06}.jpg")
        lines.append(
            f'{at:06};{brand};"Größe {at}; grün";1.{at:03},50;Herbst,Schuhe;{"nein" if at else "ja"};01.11.2026'
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(at))
    Path("artikel.csv").write_text("\r\n".join(lines), encoding="cp1252")
    missing = path.rename("later.jpg")
    words = ("--root", "bilder", "--set", "file={Marke}/{Artikelnr.}.jpg", "--map", "tags=Schlagworte", "--emulator")
    words += ("--path", "/katalog/{Marke|slug}/{Artikelnr.}{file.ext}", "--map", "custom_metadata.price=Preis")
    words += ("--map", "is_private_file=Privat", "--true", "ja", "--false", "nein", "--decimal", ",")
    ran = ikp("upload", "artikel.csv", "-o", "ergebnis.xlsx", *words)
    assert (ran.status, 'Add --encoding windows-1252 if this is right: "' in ran.err) == (2, True)
    ran = ikp("upload", "artikel.csv", "-o", "ergebnis.xlsx", "--encoding", "windows-1252", *words)
    assert (ran.status, "row 11 (line 13)" in ran.err) == (1, True)
    missing.rename(path)
    assert ikp("retry", "ergebnis.xlsx", "-o", "ergebnis.xlsx", *words).status == 0
    results = ikpipe.read_results("ergebnis.xlsx")
    assert results["Artikelnr."].tolist() == [f"{at:06}" for at in range(12)]
    assert results["Bezeichnung"][11] == "Größe 11; grün"
    assert set(results["ik_status"]) == {"uploaded"}
    assert results["ik_is_private_file"].tolist() == [True, *[False] * 11]
    assert results["ik_tags"][11] == ["Herbst", "Schuhe"]
    assert (
        results["ik_file_path"].str.startswith(("/katalog/müller/", "/katalog/schöffel/", "/katalog/jack-söhne/")).all()
    )


@pytest.mark.usefixtures("signed_in")
def test_results_for_excel(ikp: Ikp, table: Table) -> None:
    """CSV with a mark and semicolons, which `retry` reads; the command that it prints has the options."""
    source = table(1, title=["x;=1"], picture=["no URL"])
    ran = ikp("upload", source, "-o", "r.csv", "--for-excel", "--spreadsheet-safe", *NAMED)
    assert "ikpipe retry r.csv -o r.csv --spreadsheet-safe --for-excel" in ran.err
    content = Path("r.csv").read_text(encoding="utf-8")
    assert content.startswith("\ufeffsku;picture;title;ik_status;")
    assert ikp("retry", "r.csv", "-o", "s.csv", *NAMED).status == 1
    assert Path("s.csv").read_text(encoding="utf-8").startswith("sku,picture,")


def test_a_workbook_needs_no_option(ikp: Ikp, table: Table) -> None:
    """The error says so before anything is sent."""
    ran = ikp("upload", table(1), "-o", "r.xlsx", "--for-excel", *NAMED)
    assert (ran.status, ran.err) == (
        2,
        "ikpipe: error: --for-excel: It is only for .csv files. Excel opens .xlsx files in every locale.\n",
    )


@pytest.mark.parametrize("out", ["p.csv", "p.xlsx"])
def test_problems_are_written_for_spreadsheets(ikp: Ikp, table: Table, out: str) -> None:
    """A cell of the table that is in a message is no formula there."""
    ikp("check", table(1, picture=["=1"]), "-o", out, "--spreadsheet-safe", *NAMED)
    assert len(ikpipe.read_results(out)) == 1
