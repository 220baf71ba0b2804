"""`check` finds every problem before anything is sent, and says where and what to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from clocks import jumping
from doubles import Page

import ikpipe
from ikpipe.service.client import ServiceClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from doubles import Site

    from ikpipe import Account
    from ikpipe.emulator import Emulator

COLUMNS = ["row", "position", "column", "parameter", "severity", "code", "message", "fix"]


def codes(cells: dict[str, list[Any]], **options: Any) -> list[str]:
    """Give the codes of the problems of rows that have a sound file each."""
    length = len(next(iter(cells.values())))
    frame = pd.DataFrame({"file": [b"x"] * length, **cells}, dtype=object)
    found = ikpipe.check(frame, **{"file_name": "{n}.bin" if "n" in cells else "a.bin", **options})
    assert (found["message"].str.len().gt(0) & found["fix"].str.len().gt(0)).all()
    return list(found["code"])


def test_a_sound_frame_has_no_problems() -> None:
    """No problems: an empty frame with all its columns."""
    found = ikpipe.check(pd.DataFrame({"file": [b"x"]}), file_name="a.bin")
    assert (list(found), len(found)) == (COLUMNS, 0)


def test_an_empty_frame_has_no_problems() -> None:
    """No rows, no problems."""
    assert ikpipe.check(pd.DataFrame({"file": []})).empty


def test_a_problem_names_its_row_column_and_parameter() -> None:
    """Each problem has the index label, the position, and the frame's own column."""
    frame = pd.DataFrame({"bild": [b"x", b"y"], "kind": ["fine", "100%"]}, index=["a", "b"])
    found = ikpipe.check(frame, columns={"file": "bild", "tags": "kind"}, file_name="a.bin")
    assert found.iloc[0, :6].tolist() == ["b", 1, "kind", "tags", "error", "bad_character"]


def test_labels_can_repeat_and_have_levels() -> None:
    """With duplicate labels or a MultiIndex, the position still tells rows apart."""
    index = pd.MultiIndex.from_tuples([("x", 1), ("x", 1)])
    found = ikpipe.check(pd.DataFrame({"file": [b"x", b"y"], "tags": ["%", "%"]}, index=index), file_name="a")
    assert (found["row"].tolist(), found["position"].tolist()) == ([("x", 1), ("x", 1)], [0, 1])


def test_every_problem_of_a_row_is_told() -> None:
    """A row with three broken rules has three problems, not just the first."""
    found = codes({"tags": ["%"], "folder": ["/a" * 51], "is_private_file": ["perhaps"]})
    assert sorted(found) == ["bad_character", "not_boolean", "too_deep"]


def test_it_needs_no_account_and_no_network() -> None:
    """Without an account nothing is asked of anybody, also where metadata is given."""
    assert codes({"custom_metadata": ['{"anything": 1}']}) == []


@pytest.mark.parametrize(
    ("parameter", "cell", "code"),
    [
        ("tags", "t" * 501, "too_long"),
        ("tags", ["a,b"], "bad_character"),
        ("folder", "/".join("a" * 51), "too_deep"),
        ("file_name", "a/b.jpg", "bad_character"),
        ("custom_coordinates", "1,2,3", "bad_coordinates"),
        ("is_published", "2", "not_boolean"),
        ("response_fields", "tags,colour", "unknown_name"),
        ("custom_metadata", "{brand: x}", "bad_json"),
        ("custom_metadata", "[1]", "bad_json"),
        ("extensions", '[{"name": "google-auto-tagging"}]', "bad_json"),
        ("webhook_url", "ftp://x.test", "bad_url"),
        ("transformation", '{"pre": ""}', "bad_json"),
        ("transformation", '{"post": [{"type": "turn"}]}', "bad_json"),
        ("transformation", '{"post": [{"type": "thumbnail", "protocol": "hls"}]}', "bad_json"),
        ("transformation", '{"post": [{"type": "gif-to-video", "value": 1}]}', "bad_json"),
        ("transformation", '{"post": [{"type": "abs", "value": "sr-240", "protocol": "rtp"}]}', "bad_json"),
        ("file_name", "\ud800.jpg", "bad_character"),
        ("description", {"a": 1}, "wrong_type"),
    ],
)
def test_a_broken_rule_has_its_code(parameter: str, cell: Any, code: str) -> None:
    """Each parameter's rule is checked here, under a code that users can look up."""
    assert codes({parameter: [cell]}, columns={parameter: parameter}) == [code]


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (None, "missing_file"),
        ("", "missing_file"),
        ("photo.jpg", "file_not_allowed"),
        ("file:///etc/passwd", "file_not_allowed"),
        ("ftp://x.test/a.jpg", "bad_url"),
        ("https://", "bad_url"),
        ("data:text/plain,hello", "bad_file"),
        ("data:;base64,é", "bad_file"),
        ("data:\ud800;base64,YQ==", "bad_file"),
        ("data:;base64,YQ", "bad_file"),
        ("data:;base64,", "bad_file"),
        (12, "bad_file"),
        (["a.jpg"], "bad_file"),
    ],
)
def test_a_cell_that_is_no_file_has_its_code(file: Any, code: str) -> None:
    """Whatever stands in a file's cell, a check ends with problems and not with an exception."""
    found = ikpipe.check(pd.DataFrame({"file": pd.Series([file], dtype=object)}), file_name="a.bin")
    assert found["code"].tolist() == [code]


def test_a_path_that_is_no_file_has_its_code(tmp_path: Path) -> None:
    """A missing file, one below a file, a folder and a name too long for the system are problems of their rows."""
    (tmp_path / "a.txt").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    frame = pd.DataFrame({"file": ["a.txt", "b.txt", "a.txt/b.txt", "folder", "n" * 5000]})
    found = ikpipe.check(frame, root=tmp_path, file_name="a")
    assert found["position"].tolist() == [1, 2, 3, 4]
    assert found["code"].tolist() == ["file_not_found", "file_not_found", "file_unreadable", "file_unreadable"]


def test_a_long_frame_is_read_to_its_end() -> None:
    """Frames are read in chunks of rows; positions go on over the chunks."""
    frame = pd.DataFrame({"file": ["data:;base64,YQ=="] * 10_001, "tags": ["a"] * 10_000 + ["%"]})
    assert ikpipe.check(frame, file_name="a")["position"].tolist() == [10_000]


def test_two_rows_with_one_target_are_a_problem_where_names_are_fixed() -> None:
    """The later of two rows that the service would store under one name is refused; unique names are left alone."""
    names = ["a b.jpg", "a_b.jpg"]
    assert codes({"file_name": names}, use_unique_file_name=False) == ["name_adjusted", "same_target"]
    assert codes({"file_name": names}) == ["name_adjusted"]


def test_a_template_with_a_hole_is_a_problem_of_the_cell() -> None:
    """A `{column}` whose cell is empty names that column: no file gets a name with a hole in it."""
    frame = pd.DataFrame({"file": [b"x", b"y"], "sku": ["1", None]})
    found = ikpipe.check(frame, file_name="{sku}.jpg")
    assert found[["position", "column", "code"]].to_numpy().tolist() == [[1, "sku", "missing_cell"]]


def test_half_a_character_in_a_name_can_be_told(account: Account) -> None:
    """A metadata key with half a character is a problem like any other: it is shown by its escape."""
    frame = pd.DataFrame({"file": [b"x"], "custom_metadata": pd.Series([{"\ud83d": 1}], dtype=object)})
    found = ikpipe.check(frame, account, file_name="a")
    assert found[["parameter", "code"]].to_numpy().tolist() == [["custom_metadata.\\ud83d", "unknown_name"]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": {"file": "imgae"}}, "did you mean 'image'"),
        ({"file_name": "{skv}.jpg"}, "did you mean 'sku'"),
        ({"file_nam": "a.jpg"}, "did you mean 'file_name'"),
        ({"tags": "100%"}, "The tags cannot contain"),
        ({"fetch": "browser"}, "'server' or 'client'"),
        ({"file_kind": "hex"}, "'base64'"),
        ({"root": "/no/such/folder"}, "There is no such folder"),
        ({"token": "x"}, "ikpipe signs"),
    ],
)
def test_a_mapping_that_does_not_fit_is_an_error(options: dict[str, Any], words: str) -> None:
    """A misspelt column, template or keyword can not turn into a constant: the error names the nearest right one."""
    frame = pd.DataFrame({"image": [b"x"], "sku": ["1"]})
    with pytest.raises(ikpipe.MappingError, match=words):
        ikpipe.check(frame, **options)


def test_sizes_are_checked_where_the_account_says_a_limit(account: Account) -> None:
    """No size is too large, unless `Account(max_file_size=…)` says one."""
    frame = pd.DataFrame({"file": [b"12345", b"1234", "data:;base64,MTIzNDU="]})
    small = ikpipe.Account(account.public_key, max_file_size=4)
    found = ikpipe.check(frame, small, file_name="a")
    assert (found["position"].tolist(), set(found["code"])) == ([0, 2], {"file_too_large"})
    assert ikpipe.check(frame, account, file_name="a").empty


def test_metadata_is_checked_against_the_account(account: Account) -> None:
    """With an account, its fields are asked for; a field that does not exist is a problem of its column."""
    found = ikpipe.check(pd.DataFrame({"file": [b"x"], "custom_metadata.brand": ["x"]}), account, file_name="a")
    assert found.iloc[0, 2:6].tolist() == ["custom_metadata.brand", "custom_metadata.brand", "error", "unknown_name"]


def test_a_refused_key_is_an_error(emulate: Callable[..., Emulator]) -> None:
    """Asking for the fields with a key that is refused says so, and does not go on."""
    frame = pd.DataFrame({"file": [b"x"], "custom_metadata": ['{"a": 1}']})
    with pytest.raises(ikpipe.AccountError, match="disabled"):
        ikpipe.check(frame, emulate(account_disabled=True).account, file_name="a")


def test_probing_asks_each_url(site: Site) -> None:
    """`probe=True` asks URLs for their headers: those that do not answer with a file are problems."""
    sound, ill = site.put("/sound.jpg", b"x"), site.put("/ill.jpg", Page(b"", 500))
    frame = pd.DataFrame({"file": [sound, f"{site.url}/missing.jpg", ill, "http://127.0.0.1:9/a.jpg", b"x"]})
    found = ikpipe.check(frame, probe=True, fetch_hosts=["127.0.0.1"], file_name="a.jpg")
    assert found["position"].tolist() == [1, 2, 3]
    assert set(found["code"]) == {"url_unreachable"}
    assert [part in message for part, message in zip(("404", "500", "reached"), found["message"], strict=True)] == [
        True
    ] * 3


def test_without_probing_no_url_is_asked(site: Site) -> None:
    """A check by itself leaves URLs alone."""
    before = len(site.asked)
    ikpipe.check(pd.DataFrame({"file": [site.put("/alone.jpg", b"x")]}))
    assert len(site.asked) == before


def test_a_url_that_says_nothing_is_given_up() -> None:
    """The service gives up on a URL after 8 s without headers [upload docs]; so does a probe."""

    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
            return await asyncio.get_running_loop().create_future()

    async def probe() -> str | None:
        async with ServiceClient(Silent(), timeout=30, fetch_hosts=["127.0.0.1"]) as client:
            return await client.probe("http://127.0.0.1/a.jpg")

    assert jumping(probe()) == "http://127.0.0.1/a.jpg did not respond within 8 s."
