"""`ikpipe delete`, `tag`, `purge`, `fields`, `url` and `refresh`: what the library's functions do, as commands."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import RawServer, answering
from shell import NAMED

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

    from ikpipe.emulator import Emulator

SWIFT = ("--policy", "changes=0", "--policy", "look_ups=0")


@pytest.fixture
def emulator_of_two(ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Any) -> Emulator:
    """Upload two pictures; give the emulator."""
    emulator = emulate()
    sign_in(emulator)
    assert ikp("upload", table(2, tags=["red", "blue"]), "-o", "out.csv", *NAMED).status == 0
    return emulator


def paths(emulator: Emulator) -> list[str]:
    """Return the paths of the files in the library."""
    found = ikpipe.files(emulator.account)
    return sorted(found["filePath"])


def tags(emulator: Emulator) -> list[list[str]]:
    """Return the tags of the files in the library."""
    found = ikpipe.files(emulator.account).sort_values("filePath")
    return [sorted(some) for some in found["tags"]]


# delete


def test_delete_shows_what_it_would_do(ikp: Ikp, emulator_of_two: Emulator) -> None:
    """Nothing is deleted without --yes, nor with --dry-run, which is not told to say --yes."""
    for words in ([], ["--yes", "-n"]):
        ran = ikp("delete", "out.csv", *words, *SWIFT)
        assert ran.status == 0
        assert "Delete 2 rows: 2 to delete." in ran.err
        assert ("repeat the command with --yes" in ran.err) == (not words)
    assert len(paths(emulator_of_two)) == 2


def test_delete(ikp: Ikp, emulator_of_two: Emulator) -> None:
    """With --yes; OUT has what became of each row. Deleting again is no error."""
    ran = ikp("delete", "out.csv", "--yes", "-o", "deleted.csv", *SWIFT)
    assert (ran.status, paths(emulator_of_two)) == (0, [])
    assert "Delete 2 rows: 2 deleted." in ran.err
    assert pd.read_csv("deleted.csv")["ik_change"].tolist() == ["done", "done"]
    assert "2 not in the library" in ikp("delete", "out.csv", "--yes", *SWIFT).err


def test_delete_what_files_found(ikp: Ikp, emulator_of_two: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """By standard input."""
    found = ikp("files", "--search", 'tags IN ["red"]', "-o", "-").out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(found.encode())))
    assert ikp("delete", "-", "--yes", *SWIFT).status == 0
    assert tags(emulator_of_two) == [["blue"]]


def test_delete_needs_a_column_of_files(ikp: Ikp, emulator_of_two: Emulator, table: Table) -> None:
    """The error names the columns that would do."""
    ran = ikp("delete", table(2, "other.csv"), "--yes")
    assert (ran.status, len(paths(emulator_of_two))) == (2, 2)
    assert "'ik_file_id' or 'fileId'" in ran.err


def test_delete_needs_an_account(ikp: Ikp, table: Table) -> None:
    """Without one nothing is read."""
    assert ikp("delete", table(1)).status == 3


# tag


def test_tag(ikp: Ikp, emulator_of_two: Emulator) -> None:
    """Tags are added and removed; others stay. A dry run changes nothing."""
    ran = ikp("tag", "out.csv", "--add", "new,sale", "-n", *SWIFT)
    assert (ran.status, tags(emulator_of_two)) == (0, [["red"], ["blue"]])
    assert "Tags of 2 rows: 2 to change." in ran.err
    assert ikp("tag", "out.csv", "--add", "new,sale", *SWIFT).status == 0
    assert tags(emulator_of_two) == [["new", "red", "sale"], ["blue", "new", "sale"]]
    assert ikp("tag", "out.csv", "--remove", "sale", *SWIFT).status == 0
    assert tags(emulator_of_two) == [["new", "red"], ["blue", "new"]]


def test_tag_from_a_column(ikp: Ikp, emulator_of_two: Emulator) -> None:
    """Each file has its own."""
    frame = pd.read_csv("out.csv", dtype=str).assign(season=["summer", "winter,sale"])
    frame.to_csv("seasons.csv", index=False)
    assert ikp("tag", "seasons.csv", "--add-from", "season", *SWIFT).status == 0
    assert tags(emulator_of_two) == [["red", "summer"], ["blue", "sale", "winter"]]


@pytest.mark.usefixtures("emulator_of_two")
@pytest.mark.parametrize("words", [[], ["--add", "a", "--remove", "b"], ["--add", ""], ["--add", "50%"]])
def test_tag_refuses(words: list[str], ikp: Ikp) -> None:
    """No tags, two things at once, and what the service would refuse."""
    assert ikp("tag", "out.csv", *words, *SWIFT).status == 2


@pytest.mark.parametrize(
    "words",
    [
        ("tag", "out.csv", "--add", "new"),
        ("purge", "out.csv"),
        ("delete", "out.csv"),
        ("refresh", "out.csv", "-o", "fresh.csv"),
        ("check", "out.csv", "--map", "file=ik_url"),
        ("plan", "out.csv", "--map", "file=ik_url"),
    ],
    ids=lambda words: words[0],
)
@pytest.mark.usefixtures("emulator_of_two")
def test_quiet(words: tuple[str, ...], ikp: Ikp) -> None:
    """A job's mail is empty if nothing is wrong."""
    ran = ikp(*words, "-q", *SWIFT)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    assert ikp("files", "-q", "-o", "files.csv") == (0, "", "")


# purge


def test_purge(ikp: Ikp, emulator_of_two: Emulator) -> None:
    """The URLs of results, or those that are typed."""
    ran = ikp("purge", "out.csv", *SWIFT)
    assert ran.status == 0
    assert "Purge of 2 rows: 2 requested." in ran.err
    url = ikpipe.url("/a.png", emulator_of_two.account)
    ran = ikp("purge", url, "-o", "purged.jsonl", *SWIFT)
    assert (ran.status, pd.read_json("purged.jsonl", lines=True)["ik_change"].tolist()) == (0, ["done"])
    assert "1 to purge" in ikp("purge", url, "-n", *SWIFT).err


@pytest.mark.usefixtures("emulator_of_two")
def test_purge_takes_one_kind(ikp: Ikp) -> None:
    """A table and a URL together are a mistake."""
    assert ikp("purge", "out.csv", "https://ik.imagekit.io/x/a.png").status == 2


# fields


def test_fields(ikp: Ikp, emulate: Callable[..., Emulator], sign_in: Any, table: Table) -> None:
    """They are shown, then created with --yes, then listed."""
    sign_in(emulate())
    source = table(2, brand=["a", "b"], price=["1", "2"])
    words = ("fields", "--create", source, "--column", "brand,price", "--type", "price=Number", *SWIFT)
    ran = ikp(*words)
    assert ran.status == 0
    assert "2 to create" in ran.err
    assert pd.read_csv(io.StringIO(ikp("fields").out)).empty
    assert ikp(*words, "--yes").status == 0
    listed = pd.read_csv(io.StringIO(ikp("fields").out))
    assert dict(zip(listed["name"], listed["type"], strict=True)) == {"brand": "Text", "price": "Number"}


def test_fields_of_columns_with_other_names(
    ikp: Ikp, emulate: Callable[..., Emulator], sign_in: Any, table: Table
) -> None:
    """FIELD=COLUMN names the field for a column, as `--map custom_metadata.FIELD=COLUMN` does; types are shown."""
    sign_in(emulate())
    source = table(2, **{"Preis (€)": ["1", "2"], "a=b": ["x", "y"]})
    ran = ikp(
        "fields", "--create", source, "--column", "price=Preis (€),a=b", "--type", "price=Number", "--yes", *SWIFT
    )
    assert ran.status == 0, ran.err
    listed = pd.read_csv(io.StringIO(ikp("fields").out))
    assert dict(zip(listed["name"], listed["type"], strict=True)) == {"price": "Number", "a=b": "Text"}


def test_fields_say_their_types_before_they_are_created(
    ikp: Ikp, emulate: Callable[..., Emulator], sign_in: Any, table: Table
) -> None:
    """The name of a deleted field cannot be used again, so the type must be seen first."""
    sign_in(emulate())
    ran = ikp("fields", "--create", table(1, price=["1"]), "--column", "price", *SWIFT)
    assert "price: planned. Its type is Text." in ran.err


@pytest.mark.usefixtures("signed_in")
def test_fields_options_are_for_create(ikp: Ikp) -> None:
    """Without a table they would do nothing."""
    ran = ikp("fields", "--column", "brand")
    assert ran.status == 2
    assert "--create TABLE" in ran.err


# url


@pytest.mark.usefixtures("signed_in")
def test_url(ikp: Ikp, emulator: Emulator) -> None:
    """A line for each path, as `ikpipe.url` returns it."""
    steps = ["w-40,h-30", "rt-90"]
    ran = ikp("url", "/a b.png", "/c.png", "--transformation", steps[0], "--transformation", steps[1])
    expected = [ikpipe.url(path, emulator.account, transformation=steps) for path in ("/a b.png", "/c.png")]
    assert (ran.status, ran.out.splitlines(), ran.err) == (0, expected, "")
    assert "ik-s=" in ikp("url", "/a.png", "--expire", "60").out
    assert "tr=n-small" in ikp("url", "/a.png", "--named", "small").out


@pytest.mark.usefixtures("signed_in")
def test_url_refuses_another_endpoint(ikp: Ikp) -> None:
    """It cannot be signed."""
    assert ikp("url", "https://elsewhere.example/a.png", "--signed").status == 2


# refresh


def test_refresh(ikp: Ikp, emulate: Callable[..., Emulator], sign_in: Any, table: Table) -> None:
    """Rows that were accepted get their details."""
    emulator = emulate(transformation_delay=0.3)
    sign_in(emulator)
    words = ("--set", 'transformation={"pre": "w-10"}')
    ikp("upload", table(1), "-o", "out.csv", "--map", "file=picture", "--set", "file_name=a.png", *words)
    before = pd.read_csv("out.csv")["ik_status"].tolist()
    ran = ikp("refresh", "out.csv", "-o", "out.csv", *SWIFT)
    after = pd.read_csv("out.csv")["ik_status"].tolist()
    assert (ran.status, after) in ((0, ["uploaded"]), (1, before))
    assert "still pending" in ran.err


def test_refresh_needs_results(ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Any) -> None:
    """Another table is refused."""
    sign_in(emulate())
    assert ikp("refresh", table(1), "-o", "x.csv").status == 2


@pytest.mark.usefixtures("emulator_of_two")
def test_refresh_reads_the_sheet_that_is_named(ikp: Ikp) -> None:
    """As retry does."""
    with pd.ExcelWriter("book.xlsx") as book:
        pd.read_csv("out.csv").to_excel(book, sheet_name="All", index=False)
        pd.read_csv("out.csv").head(1).to_excel(book, sheet_name="First", index=False)
    ran = ikp("refresh", "book.xlsx", "-o", "fresh.csv", "--sheet", "First", *SWIFT)
    assert (ran.status, len(pd.read_csv("fresh.csv"))) == (0, 1)


# A service that does not answer


@pytest.mark.parametrize(
    "words",
    [
        ("files",),
        ("fields",),
        ("refresh", "out.csv", "-o", "out.csv", "--every"),
        ("sync", "{folder}", "/f", "--timeout", "2"),
    ],
    ids=lambda words: words[0],
)
def test_an_unreachable_service_has_its_own_status(
    words: tuple[str, ...], ikp: Ikp, emulator_of_two: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is 3 for each command that cannot do anything then, and the summary says so."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text("a")
    monkeypatch.setenv("IMAGEKIT_API_URL", "http://127.0.0.1:9")
    summary = () if words[0] == "files" else ("--summary", "s.json")
    ran = ikp(*(word.format(folder=tmp_path / "out") for word in words), *summary)
    assert (ran.status, "cannot be reached" in ran.err) == (3, True)
    if summary:
        assert json.loads(Path("s.json").read_text())["status"] == "unreachable"


def test_a_failing_service_has_its_own_status(
    ikp: Ikp, emulator_of_two: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of a service that does not answer."""
    with RawServer(answering(503, {"message": "Down."}, "retry-after: 0")) as server:
        monkeypatch.setenv("IMAGEKIT_API_URL", server.url)
        assert ikp("files").status == 3


@pytest.mark.usefixtures("emulator_of_two")
@pytest.mark.parametrize(
    "words",
    [("delete", "--yes"), ("tag", "--add", "new"), ("purge",), ("update", "--set", "description=new"), ("undo",)],
    ids=lambda words: words[0],
)
def test_nobody_listens(words: tuple[str, ...], ikp: Ikp, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status is that of a service that cannot be reached, as for uploads."""
    monkeypatch.setenv("IMAGEKIT_API_URL", "http://127.0.0.1:9")
    ran = ikp(words[0], "out.csv", *words[1:], *SWIFT)
    assert ran.status == 3
    assert "cannot be reached" in ran.err
