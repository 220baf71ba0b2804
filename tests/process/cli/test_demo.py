"""The demo runs to its end on this machine alone, and writes its files."""

import csv
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

import ikpipe
from ikpipe.cli import demo, main
from ikpipe.emulator.media import inspection

DATA = demo.data_folder()


class DemoRun(NamedTuple):
    """The exit status, output and folder of a run of the demo."""

    status: int
    output: str
    folder: Path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """Run the command once, for all tests of this file."""
    folder = tmp_path_factory.mktemp("demo") / "new"
    with redirect_stdout(StringIO()) as stream, redirect_stderr(StringIO()):
        status = main(["demo", "-o", str(folder)])
    return DemoRun(status, stream.getvalue(), folder)


@pytest.fixture(scope="module")
def results(ran: DemoRun) -> pd.DataFrame:
    """Read the results file, with the SKU as the index."""
    table = pd.read_csv(ran.folder / "results.csv", dtype={"sku": "string"}).set_index("sku")
    assert isinstance(table, pd.DataFrame)
    return table


def test_as_it_should(ran: DemoRun) -> None:
    """The exit status says that each row has the expected status."""
    assert ran.status == 0


@pytest.mark.parametrize(
    ("sku", "status", "error"),
    [
        ("00502", "failed", "refused"),
        ("00503", "failed", "refused"),
        ("00601", "invalid", "bad_character"),
        ("00602", "invalid", "too_long"),
        ("00603", "invalid", "missing_cell"),
        ("00604", "invalid", "not_boolean"),
    ],
)
def test_awkward_rows(results: pd.DataFrame, sku: str, status: str, error: str) -> None:
    """Each awkward row ends with its own status and code."""
    assert (results.loc[sku, "ik_status"], results.loc[sku, "ik_error"]) == (status, error)


def test_sku_keeps_its_zeros(results: pd.DataFrame) -> None:
    """The SKU 00042 is text, not a number."""
    assert results.loc["00042", "ik_name"] == "00042-astronaut.jpg"


def test_japanese_name(results: pd.DataFrame) -> None:
    """A Japanese name is stored, with `_` for its space."""
    assert results.loc["00107", "ik_name"] == "00107-猫のチェルシー_写真.jpg"


def test_torn_picture(results: pd.DataFrame) -> None:
    """The damaged image is stored as a file that is not an image."""
    assert (results.loc["00501", "ik_status"], results.loc["00501", "ik_file_type"]) == ("uploaded", "non-image")


def test_all_problems_are_reported(ran: DemoRun) -> None:
    """The report names by SKU the problems that `check` found and the rows that the service rejected."""
    assert "23 rows, 4 problems" in ran.output
    assert all(sku in ran.output for sku in ("00601", "00602", "00603", "00604", "00502", "00503"))


def test_plain_text(ran: DemoRun) -> None:
    """The report has no control characters, and no line of its tables is wider than the terminal."""
    assert not re.search(r"[^\n -\uffff]|\x1b", ran.output)
    assert all(len(line) <= 120 for line in ran.output.split("Try next")[0].splitlines())


def test_no_key(ran: DemoRun) -> None:
    """The private key is in neither the report nor the files."""
    written = [path.read_text("utf-8") for path in ran.folder.iterdir() if path.is_file()]
    assert not any(re.search(r"private_[\w-]{20}", text) for text in [ran.output, *written])


def test_results_page(ran: DemoRun) -> None:
    """The page contains the thumbnail of each image, and needs no server."""
    page = (ran.folder / "results.html").read_text("utf-8")
    assert page.count('<img src="data:image/') == 16
    assert "127.0.0.1" not in page.partition("not up")[0]


def test_something_to_try(ran: DemoRun) -> None:
    """It ends with three commands."""
    lines = ran.output.partition("Try next")[2].split("\n  ")
    assert [line.split()[1] for line in lines if line.startswith("ikpipe ")] == ["check", "upload", "emulator"]


def test_unexpected_end() -> None:
    """A demo with one more failed row does not have the expected results."""
    statuses = ["uploaded"] * 16 + ["invalid"] * 4 + ["failed"] * 3
    assert not demo.has_expected_results(pd.DataFrame({"ik_status": statuses}))


def test_missing_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the emulator's dependencies the error has the command that installs them."""
    monkeypatch.setitem(sys.modules, "ikpipe.emulator", None)
    with pytest.raises(ikpipe.Error, match=re.escape("pip install 'ikpipe[emulator]'")):
        demo.run(tmp_path)


def test_path_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path below the current folder is shown relative to it, other paths in full."""
    monkeypatch.chdir(tmp_path)
    stream = StringIO()
    demo.DemoReport(stream).end(tmp_path / "my data")
    demo.DemoReport(stream).end(Path("/elsewhere"))
    assert "--root 'my data/catalog'" in stream.getvalue()
    assert "--root /elsewhere/catalog" in stream.getvalue()


class Terminal(StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.mark.parametrize(("no_color", "bold"), [("", True), ("1", False)])
def test_bold_headings(monkeypatch: pytest.MonkeyPatch, no_color: str, bold: bool) -> None:  # noqa: FBT001 - a column of the table above
    """On a terminal the headings are bold, unless NO_COLOR is set."""
    monkeypatch.setenv("NO_COLOR", no_color)
    stream = Terminal()
    demo.DemoReport(stream).start("shop", "service")
    assert ("\x1b[1m" in stream.getvalue()) is bold


def catalog() -> list[dict[str, str]]:
    """Read the catalog."""
    with (DATA / "catalog.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_folder_is_small() -> None:
    """Catalog and pictures stay under 1.5 MB, as they are part of the package."""
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 1_500_000


def test_origins() -> None:
    """The origin of each image is documented beside it."""
    noted = (DATA / "ORIGINS.md").read_text("utf-8")
    assert all(f"`{path.name}`" in noted for path in DATA.iterdir() if path.suffix != ".md")


def test_catalog_names_pictures() -> None:
    """Each picture that the catalog names is there, but for the one that is missing on purpose."""
    named = {row["picture"] for row in catalog()}
    assert {name for name in named if not (DATA / name).is_file()} == {"sold-out.jpg"}
    assert named >= {path.name for path in DATA.iterdir() if path.suffix not in {".md", ".csv"}}


def test_formats() -> None:
    """The pictures are of six formats, and the torn one is none of them."""
    files = [path.read_bytes() for path in DATA.iterdir()]
    formats = {inspection.inspect_file(BytesIO(data), len(data), "")[0].format for data in files}
    assert formats == {"jpg", "png", "webp", "gif", "avif", "tiff", ""}
