"""Names: sent as they will be stored, found again as they were sent, and reported where they are not as given."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from crashing import SWIFT
from doubles import uploads_of
from history import UP, violations
from hypothesis import given
from hypothesis import strategies as st
from naming import AS_GIVEN, URL, fields, plan, stored
from rows import blobs, chunks, jobs_of, quiet

import ikpipe
from ikpipe.request.names import canonical_path, possible_paths
from ikpipe.request.planner import RequestBuilder, UploadRequest
from ikpipe.request.sources import FileResolver
from ikpipe.request.suffixes import SuffixByContent, SuffixByKey, SuffixByPosition
from ikpipe.request.values import stored_name
from ikpipe.service.library import match_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator


def codes(cells: dict[str, Any], names: Any = "stored", **keywords: Any) -> list[list[str]]:
    """Give the codes of each row's errors."""
    return [
        [] if isinstance(job, UploadRequest) else [one.code for one in job if one.severity == "error"]
        for job in plan(cells, names, **keywords)
    ]


# What is sent


def test_other_characters_are_replaced_in_names_and_folders() -> None:
    """Letters, marks and numerals of any script stay; a dot stays in names alone, a slash parts folders."""
    made = fields({"file_name": ["a b, é+c.v1.jpg"], "folder": ["/in/My photos/v1.0/"]})
    assert made == {"fileName": "a_b__é_c.v1.jpg", "folder": "/in/My_photos/v1_0/"}


def test_names_as_given_are_sent_unchanged() -> None:
    """For accounts that keep them."""
    given_fields = {"fileName": "a b, é+c.v1.jpg", "folder": "/in/My photos/v1.0/"}
    made = fields({"file_name": [given_fields["fileName"]], "folder": [given_fields["folder"]]}, "as_given")
    assert made == given_fields


def test_a_constant_folder_can_have_a_space() -> None:
    """A keyword, like a cell, is replaced and not refused."""
    assert fields({"file_name": ["a.png"]}, folder="/in/My photos")["folder"] == "/in/My_photos"


NAMES = ["plain.jpg", "a b.jpg", "é+&,.png", "no ending", "x%2F#?.jpg", "e\u0301 d.jpg"]
SUFFIXES = {
    "position": "oosayaarrq dhgcpvp4m4 rozgknb3by i6rllt6lau nclqgukyxy eu5aes6w4i",
    "key": "cozfjoog5i gkjbmwkwve e6hyxfeovu gj7zmzp7ei d5soxpoi2a y7al5om4ra",
    "content": "d7zzde4lbm lfz64piuce 52mjn3j55y ad7qvxzrjy iuyc3cyaqu 752dykls7y",
}
"""What the version before names were replaced made of these rows."""


@pytest.mark.parametrize("kind", SUFFIXES)
def test_suffixes_derive_from_the_row_as_given(kind: str) -> None:
    """Runs and journals of earlier versions keep theirs; the name around them has its characters replaced."""
    makers = {
        "position": SuffixByPosition("run-1"),
        "key": SuffixByKey("run-1", "k", list("abcdef"), Counter()),
        "content": SuffixByContent("run-1", Counter()),
    }
    frame = pd.DataFrame({"file": [f"https://x.test/{row}.jpg" for row in range(6)], "file_name": NAMES})
    frame["k"] = list("abcdef")
    jobs = jobs_of(RequestBuilder(FileResolver(), None, makers[kind]), chunks(frame, folder="/in/x_y"))
    stems = [name.rpartition(".")[0] or name for name in map(stored_name, NAMES)]
    endings = [name[len(stem) :] for stem, name in zip(stems, map(stored_name, NAMES), strict=True)]
    wanted = zip(stems, SUFFIXES[kind].split(), endings, strict=True)
    assert [job.fields["fileName"] for job in jobs if isinstance(job, UploadRequest)] == [
        f"{stem}_{suffix}{ending}" for stem, suffix, ending in wanted
    ]


# A slash


@pytest.mark.parametrize("names", ["stored", "as_given"])
def test_a_slash_in_a_file_name_is_a_problem(names: str) -> None:
    """Nobody says whether it is a folder; the fix names the parameter that takes one."""
    (problems,) = plan({"file_name": ["a/b.jpg"]}, names)
    assert [(one.parameter, one.code, one.severity) for one in problems] == [("file_name", "bad_character", "error")]
    assert "path=" in problems[0].fix


@pytest.mark.parametrize("value", ["a/b.jpg", "{n}/b.jpg", "{n}{{/}}"])
def test_a_slash_from_a_keyword_is_an_error_too(value: str) -> None:
    """A constant, or text of a template, would be a problem of every row: it is one error, which names the path."""
    frame = pd.DataFrame({"file": [URL], "n": [1]})
    with pytest.raises(ikpipe.MappingError, match="Use path="):
        ikpipe.check(frame, file_name=value)


def test_a_slash_that_a_cell_brings_into_a_template_is_a_problem_of_its_row() -> None:
    """Other rows of the column can have none."""
    frame = pd.DataFrame({"file": [URL] * 2, "n": ["a/b", "c"]})
    assert ikpipe.check(frame, file_name="{n}.jpg")["position"].tolist() == [0]


def test_a_slash_in_the_file_s_own_name_is_replaced() -> None:
    """Storage services put whole paths into a URL's last segment; nobody gave that name."""
    (job,) = plan({"file": ["https://x.test/o/images%2Fa.jpg"]})
    assert job.fields["fileName"] == "images_a.jpg"
    assert [one.code for one in job.warnings] == ["name_adjusted"]


# Targets


FIXED: dict[str, Any] = {"use_unique_file_name": False}
E_COMPOSED, E_APART = "é.jpg", "e\u0301.jpg"


def test_rows_that_are_sent_to_one_target_collide() -> None:
    """After replacement, in names and folders."""
    assert codes({"file_name": ["a b.jpg", "a_b.jpg"]}, **FIXED) == [[], ["same_target"]]
    assert codes({"file_name": ["x", "x"], "folder": ["/a b", "a_b/"]}, **FIXED) == [[], ["same_target"]]


def test_rows_with_one_name_after_replacement_are_two_files_if_unique() -> None:
    """Each has a suffix of its own."""
    frame = pd.DataFrame({"file": [URL, URL], "file_name": ["a b.jpg", "a_b.jpg"]})
    jobs = jobs_of(RequestBuilder(FileResolver(), None, SuffixByPosition("r")), chunks(frame))
    assert len({job.fields["fileName"] for job in jobs if isinstance(job, UploadRequest)}) == 2


@pytest.mark.parametrize("names", ["stored", "as_given"])
def test_two_unicode_forms_of_a_name_are_one_target(names: str) -> None:
    """The service may normalize names; each is sent in the form in which it was given."""
    assert codes({"file_name": [E_COMPOSED, E_APART]}, names, **FIXED) == [[], ["same_target"]]
    assert fields({"file_name": [E_APART]}, names)["fileName"] == E_APART


def test_names_as_given_are_targets_as_given() -> None:
    """An account that keeps characters stores both."""
    assert codes({"file_name": ["a b.jpg", "a_b.jpg"]}, "as_given", **FIXED) == [[], []]


@given(st.text(min_size=1))
def test_a_place_is_that_of_the_name_as_sent(name: str) -> None:
    """Replacing characters, or changing the Unicode form of what is sent, leaves a path where it is."""
    name = name.replace("/", "") or "x"
    once = canonical_path(f"/in/{name}", "stored")
    assert once == canonical_path(once, "stored") == canonical_path(f"/in/{stored_name(name)}", "stored")
    sent = stored_name(name)
    assert canonical_path(f"/in/{unicodedata.normalize('NFD', sent)}", "as_given") == canonical_path(
        f"/in/{sent}", "as_given"
    )


@given(st.text(min_size=1))
def test_a_file_is_looked_for_under_its_own_path_first(name: str) -> None:
    """All paths are in its folder; with names as given only the Unicode form differs."""
    path = "/in/" + name.replace("/", "")
    assert possible_paths(path, "stored")[0] == path
    assert {one[:4] for one in possible_paths(path, "stored")} == {"/in/"}
    assert {canonical_path(one, "stored") for one in possible_paths(path, "as_given")} <= {
        canonical_path(path, "stored"),
        path,
    } | {canonical_path(unicodedata.normalize("NFC", path), "stored")}


def test_of_two_files_the_one_under_the_very_path_is_meant() -> None:
    """The other only where that is not there."""
    both = [{"filePath": "/a_b.jpg", "size": 3}, {"filePath": "/a b.jpg", "size": 3}]
    paths = possible_paths("/a b.jpg", "stored")
    assert [match_file(both, paths), match_file(both[:1], paths)] == [both[1], both[0]]


# Warnings


def test_check_warns_of_what_is_replaced() -> None:
    """With the column and both names; a row that is sent all the same."""
    found = ikpipe.check(pd.DataFrame({"file": [URL], "n": ["a b.jpg"]}), columns={"file_name": "n"})
    row = found.iloc[0]
    assert (row["severity"], row["code"], row["column"]) == ("warning", "name_adjusted", "n")
    assert row["message"] == ('The file name "a b.jpg" is sent as "a_b.jpg", because ImageKit may not keep spaces.')


def test_check_does_not_warn_where_names_are_sent_as_given() -> None:
    """`policy=` says so."""
    frame = pd.DataFrame({"file": [URL], "file_name": ["a b.jpg"]})
    assert ikpipe.check(frame, policy=ikpipe.Policy(names="as_given")).empty


def test_results_have_the_warnings(emulator: Emulator) -> None:
    """A sentence for each; status and error are as without."""
    frame = blobs(b"1", b"2", file_name=["a b.bin", "a.bin"], folder=["/My photos", None])
    results = quiet(frame, emulator.account)
    assert results["ik_status"].tolist() == ["uploaded", "uploaded"]
    assert results["ik_error"].isna().all()
    assert [len(one or ()) for one in results["ik_warnings"]] == [2, 0]
    assert results.columns[-1] == "ik_warnings"


def test_an_invalid_row_keeps_its_reason(emulator: Emulator) -> None:
    """The warning is beside it, not in it."""
    results = quiet(blobs(b"1", file_name=["a b.bin"], tags=["%"]), emulator.account)
    assert (results["ik_status"][0], results["ik_error"][0]) == ("invalid", "bad_character")
    assert "a b.bin" not in results["ik_message"][0]
    assert len(results["ik_warnings"][0]) == 1


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_warnings_round_trip_through_files(ending: str, tmp_path: Path, emulator: Emulator) -> None:
    """Lists of sentences, and None."""
    results = quiet(blobs(b"1", b"2", file_name=["a b.bin", "a.bin"]), emulator.account)
    ikpipe.write_results(results, tmp_path / f"r.{ending}")
    again = ikpipe.read_results(tmp_path / f"r.{ending}")
    assert again["ik_warnings"].tolist() == results["ik_warnings"].tolist()


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_results_without_the_column_can_be_retried(ending: str, tmp_path: Path, emulator: Emulator) -> None:
    """The version before wrote none."""
    results = quiet(blobs(b"1", b"2", file_name=["a b.bin", "a.bin"]), emulator.account)
    ikpipe.write_results(results.drop(columns="ik_warnings"), tmp_path / f"r.{ending}")
    again = ikpipe.retry(ikpipe.read_results(tmp_path / f"r.{ending}"), emulator.account, progress=False)
    assert again["ik_file_id"].tolist() == results["ik_file_id"].tolist()
    assert [one is None for one in again["ik_warnings"]] == [True, True]


def test_in_arrow_s_tables_warnings_are_lists_of_text(emulator: Emulator) -> None:
    """As tags are; a table that went out comes back."""
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"file": [b"1", b"2"], "file_name": ["a b.bin", "a.bin"]})
    results: Any = quiet(table, emulator.account)
    assert results.schema.field("ik_warnings").type == pa.list_(pa.string())
    again: Any = ikpipe.retry(results, emulator.account, progress=False)
    assert again["ik_warnings"].to_pylist() == results["ik_warnings"].to_pylist()


@pytest.mark.parametrize("kind", ["pyarrow", "polars", "cluster"])
def test_a_row_in_doubt_keeps_its_warnings(kind: str, emulate: Callable[..., Emulator]) -> None:
    """Each once, whatever the table is that they come back in."""
    emulator = emulate(faults={"store-then-cut": 1.0})
    blind = ikpipe.Account(
        emulator.public_key, emulator.private_key, upload_url=emulator.upload_url, api_url="http://127.0.0.1:9"
    )
    frame = blobs(b"1", file_name=["a b.bin"], folder=["/My photos"])
    first: Any = quiet(frame, blind, policy=SWIFT)
    wanted = first["ik_warnings"][0]
    if kind == "cluster":
        first["ik_warnings"] = pd.Series([json.dumps(wanted)], dtype="string")
    else:
        native = pytest.importorskip(kind)
        table = {**frame.to_dict("list"), **{name: first[name].tolist() for name in ("ik_status", "ik_name")}}
        table = {name: [None if cell is pd.NA else cell for cell in cells] for name, cells in table.items()}
        table |= {"ik_file_path": first["ik_file_path"].tolist(), "ik_warnings": [wanted]}
        first = native.table(table) if kind == "pyarrow" else native.DataFrame(table)
    again: Any = ikpipe.retry(first, emulator.account, progress=False, policy=SWIFT)
    found = again["ik_warnings"].to_list() if kind == "polars" else list(again["ik_warnings"])
    assert [[str(one) for one in cell] for cell in found] == [wanted]
    assert len(wanted) == 2


# Found again


def lost(emulate: Callable[..., Emulator], names: str) -> Emulator:
    """Start a service that loses two answers in five, of files that it stored."""
    return emulate(names=names, faults={"store-then-cut": 0.4}, seed=3)


ODD = ["a b", "é+ü", "one & two", "c,d;e", "x y z", "日本 語", "e\u0301 f", "50% #1?", 'say "hi"', "b\\c"]


KINDS: dict[str, dict[str, Any]] = {
    "unique": {},
    "unique, one attempt": {"retries": 0},
    "fixed": {"use_unique_file_name": False},
    "kept": {"use_unique_file_name": False, "overwrite_file": False},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("names", "policy"), [("keep", SWIFT), ("replace", SWIFT), ("keep", AS_GIVEN)], ids=["keep", "replace", "as_given"]
)
def test_lost_answers_store_nothing_twice(
    emulate: Callable[..., Emulator],
    names: str,
    policy: ikpipe.Policy,
    kind: str,
) -> None:
    """Names with spaces and the like, on a service that keeps them and on one that replaces them."""
    emulator = lost(emulate, names)
    frame = blobs(*(b"%d" % row for row in range(20)), n=[f"{row} {ODD[row % 10]}" for row in range(20)])
    results = quiet(
        frame,
        emulator.account,
        file_name="{n}.bin",
        folder="/in/My photos",
        policy=policy,
        **KINDS[kind],
    )
    while not set(results["ik_status"]) <= UP:
        results = ikpipe.retry(results, emulator.account, policy=policy, progress=False)
    assert violations(emulator, results) == []
    assert emulator.fired["store-then-cut"] > 0
    assert len(ikpipe.files(emulator.account)) == 20


@pytest.mark.parametrize("names", ["keep", "replace"])
@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize("how", ["resume", "retry", "csv"])
def test_a_file_that_an_older_version_stored_is_found(
    emulate: Callable[..., Emulator], tmp_path: Path, names: str, how: str, *, unique: bool
) -> None:
    """Its answer was lost; whoever looks finds it under the name as it was sent, and nothing is sent again."""
    emulator, path = emulate(names=names, faults={"store-then-cut": 1.0}), tmp_path / "run"
    options: dict[str, Any] = {"file_name": "a b.bin", "use_unique_file_name": unique, "overwrite_file": unique}
    blind = ikpipe.Account(
        emulator.public_key, emulator.private_key, upload_url=emulator.upload_url, api_url="http://127.0.0.1:9"
    )
    first = quiet(blobs(b"1"), blind, journal=path, policy=AS_GIVEN, **options)
    assert first["ik_status"].tolist() == ["unknown"]
    sent = len(uploads_of(emulator))
    if how == "resume":
        again = ikpipe.resume(path, emulator.account, policy=SWIFT, progress=False)
    elif how == "retry":
        again = ikpipe.retry(first, emulator.account, policy=SWIFT, progress=False)
    else:
        ikpipe.write_results(as_before(first), tmp_path / "r.csv")
        read = ikpipe.read_results(tmp_path / "r.csv").assign(file=first["file"])
        again = ikpipe.retry(read, emulator.account, policy=SWIFT, progress=False, **options)
    assert again["ik_status"].tolist() in (["exists"], ["uploaded"])
    assert {entry["fields"]["fileName"] for entry in uploads_of(emulator)[sent:]} <= {first["ik_name"][0], "a b.bin"}
    assert len(stored(emulator)) == 1


def as_before(results: pd.DataFrame) -> pd.DataFrame:
    """Give results as the version before wrote them: the path as it would be stored, and no warnings."""
    paths = [None if path is pd.NA else stored_name(path.rpartition("/")[2]) for path in results["ik_file_path"]]
    return results.drop(columns="ik_warnings").assign(
        ik_file_path=pd.Series([path and f"/{path}" for path in paths], dtype="string")
    )


def test_an_accepted_file_of_an_older_version_is_refreshed(emulate: Callable[..., Emulator], picture: Any) -> None:
    """It is asked for under the name as it was sent."""
    emulator = emulate(names="keep")
    options: dict[str, Any] = {"file_name": "a b.png", "transformation": {"pre": "w-2"}, "policy": AS_GIVEN}
    results = as_before(quiet(blobs(picture()), emulator.account, **options))
    assert results["ik_status"].tolist() == ["accepted"]
    again = ikpipe.refresh(results, emulator.account)
    assert again["ik_status"].tolist() == ["uploaded"]
