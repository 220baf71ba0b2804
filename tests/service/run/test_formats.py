"""Text of other countries and programs: separators of tags, decimal marks, words for booleans, in every call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from rows import quiet

import ikpipe
from ikpipe.cli.mapping import to_options
from ikpipe.request.formats import CellFormats
from ikpipe.run.prepare import collect_mapping

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator

OK = "data:text/plain;base64,aGVsbG8="
GERMAN: dict[str, Any] = {
    "tag_separator": ";",
    "decimal": ",",
    "true_values": ["ja"],
    "false_values": ["nein"],
}
WORDS = ("--tag-separator", ";", "--decimal", ",", "--true", "ja", "--false", "nein")


@pytest.fixture
def shop(emulate: Callable[..., Emulator]) -> Emulator:
    """Start an emulator with a field of each type that has formats."""
    emulator = emulate()
    fields = {"price": "Number", "sale": "Boolean", "brand": "Text"}
    with httpx.Client(auth=(str(emulator.private_key), "")) as client:
        for name, kind in fields.items():
            field = {"name": name, "label": name, "schema": {"type": kind}}
            client.post(f"{emulator.url}/v1/customMetadataFields", json=field).raise_for_status()
    return emulator


def german(**columns: list[Any]) -> pd.DataFrame:
    """Make a row as a German spreadsheet has it."""
    cells = {"tags": ["rot;blau"], "isPrivateFile": ["Ja"], "custom_metadata.price": ["19,90"]}
    return pd.DataFrame({"file": [OK], "file_name": ["a.txt"], **cells, "custom_metadata.sale": ["nein"], **columns})


def test_a_row_of_another_country(shop: Emulator) -> None:
    """Tags, booleans and numbers are read in the formats of the table."""
    results = quiet(german(), shop.account, response_fields="tags,isPrivateFile,customMetadata", **GERMAN)
    row = results.iloc[0]
    assert (row["ik_tags"], row["ik_is_private_file"]) == (["rot", "blau"], True)
    assert row["ik_custom_metadata"] == {"price": 19.9, "sale": False}


def test_without_the_formats_the_problems_name_them(shop: Emulator) -> None:
    """`Ja` and `19,90` are problems, and each fix names its keyword."""
    problems = ikpipe.check(german(), shop.account)
    fixes = dict(zip(problems["code"], problems["fix"], strict=True))
    assert "true_values=" in fixes["not_boolean"]
    assert "decimal=','" in fixes["wrong_type"]


def test_keywords_are_read_in_the_same_formats(account: Account) -> None:
    """A constant, a list of templates and joined columns are separated like a cell."""
    frame = pd.DataFrame({"file": [OK] * 2, "file_name": ["a.txt"] * 2, "a": ["x;y"] * 2, "b": ["z", '["v"]']})
    assert quiet(frame, account, tags="k;l", **GERMAN)["ik_tags"].tolist() == [["k", "l"]] * 2
    assert quiet(frame, account, tags=["{a}", "l"], **GERMAN)["ik_tags"].tolist() == [["x", "y", "l"]] * 2
    joined = quiet(frame, account, columns={"tags": ["a", "b"]}, is_private_file="nein", **GERMAN)
    assert joined["ik_tags"].tolist() == [["x", "y", "z"], ["x", "y", "v"]]


def test_a_retry_reads_as_the_run_did(shop: Emulator) -> None:
    """The formats are part of the mapping in the results, in this process and from a Parquet file."""
    results = quiet(german(file=["nothing"]), shop.account, **GERMAN)
    assert results["ik_status"].tolist() == ["invalid"]
    results["file"] = OK
    again = ikpipe.retry(results, shop.account, progress=False)
    assert (again["ik_status"][0], again["ik_tags"][0]) == ("uploaded", ["rot", "blau"])


def test_a_retry_from_a_file_reads_as_the_run_did(shop: Emulator, tmp_path: Path) -> None:
    """A Parquet file keeps the formats; what the caller passes replaces them."""
    results = quiet(german(file=["nothing"]), shop.account, **GERMAN)
    results["file"] = OK
    results.attrs["ikpipe"]["id"] = "0" * 32  # of another process
    ikpipe.write_results(results, tmp_path / "r.parquet")
    again = ikpipe.retry(ikpipe.read_results(tmp_path / "r.parquet"), shop.account, progress=False)
    assert (again["ik_status"][0], again["ik_tags"][0]) == ("uploaded", ["rot", "blau"])
    other = ikpipe.retry(ikpipe.read_results(tmp_path / "r.parquet"), shop.account, progress=False, tag_separator=",")
    assert other["ik_tags"][0] == ["rot;blau"]


@pytest.mark.parametrize("formats", [[";"], {"tag_separator": 1}, {"decimal": "x"}, {"true_values": [1]}, {1: 2}])
def test_formats_of_a_file_that_are_not_valid(account: Account, formats: Any) -> None:
    """A mapping in a file that ikpipe did not write is rejected as a whole."""
    frame = pd.DataFrame({"file": [OK], "ik_status": pd.array(["failed"], dtype="string")})
    frame.attrs = {"ikpipe": {"mapping": {"columns": {}, "parameters": {}, "formats": formats}}}
    with pytest.raises(ikpipe.MappingError, match="not one that ikpipe writes"):
        ikpipe.retry(frame, account)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("tag_separator", value) for value in ("", "a", "[", '"', "%", 1)),
        *(("decimal", value) for value in ("", ";", ".,", "x")),
        *(("true_values", value) for value in ([""], [1], 1, {"a": 1}, "no", ["x", "0"])),
    ],
)
def test_formats_that_are_not_valid(name: str, value: Any) -> None:
    """A separator with letters, another decimal mark, a word that means the opposite: an error before any row."""
    with pytest.raises(ikpipe.MappingError, match=f"{name}="):
        collect_mapping(None, None, None, "server", {}, {name: value})


def test_a_word_cannot_mean_both() -> None:
    """The same word for true and for false is an error, in any case."""
    with pytest.raises(ikpipe.MappingError, match="both true and false"):
        CellFormats.read({"true_values": ["X"], "false_values": ["x"]})


def test_the_mapping_of_a_run_without_formats_is_that_of_earlier_versions() -> None:
    """Journals of earlier versions are continued: their mapping has no formats."""
    assert "formats" not in collect_mapping(None, None, None, "server", {}, {"tag_separator": None})


def test_formats_as_options() -> None:
    """The command that is printed has the options; where the results file has the mapping, it needs none."""
    run = collect_mapping(None, None, None, "server", {"tags": ["{a}", "b"]}, GERMAN)
    assert to_options(run) == ["--set", "tags={a};b", *WORDS]
    assert to_options(run, in_file=True) == []


def test_a_resumed_run_reads_as_it_began(shop: Emulator, tmp_path: Path) -> None:
    """The journal has the formats."""
    frame = pd.concat([german(file=["nothing"]), german()], ignore_index=True)
    with pytest.raises(ikpipe.UploadError):
        quiet(frame, shop.account, journal=tmp_path / "run", on_error="raise", concurrency=1, **GERMAN)
    results = ikpipe.resume(tmp_path / "run", shop.account, progress=False, on_error="return")
    assert results["ik_tags"][1] == ["rot", "blau"]
