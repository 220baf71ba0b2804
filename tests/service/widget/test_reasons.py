"""What a page is told about problems: a reason with values, which it says in its own language."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from browsers import Browser

import ikpipe
from ikpipe.errors import AccountError, JournalError, Problem, UnreachableError
from ikpipe.request.metadata import MetadataField
from ikpipe.widget.reasons import reason_of, result_reason, run_reason, suggestion_for

FIELDS = {
    field.name: field
    for field in (
        MetadataField("price", "Number", {"type": "Number", "minValue": 0, "maxValue": 10_000}, "Price (EUR)"),
        MetadataField("stock", "Number", {"type": "Number", "minValue": 1}),
        MetadataField("since", "Date", {"type": "Date", "maxValue": "2026-01-01"}),
        MetadataField("note", "Text", {"type": "Text", "minLength": 2, "maxLength": 5}),
        MetadataField("brand", "SingleSelect", {"type": "SingleSelect", "selectOptions": ["Adidas", "Nike"]}, "Brand"),
        MetadataField("sizes", "MultiSelect", {"type": "MultiSelect", "selectOptions": [36, 37]}),
        MetadataField("shown", "Boolean", {"type": "Boolean"}),
    )
}


def problem(parameter: str, code: str, message: str = "What the check reports.") -> Problem:
    """Return a problem of the first row."""
    return Problem(0, 0, None, parameter, "error", code, message, "What to do.")


@pytest.mark.parametrize(
    ("parameter", "code", "value", "name", "values"),
    [
        ("file", "file_too_large", None, "file_too_large", {"size": 25_000_000}),
        ("file", "bad_file", None, "file_invalid", {}),
        ("file", "missing_file", None, "file_missing", {}),
        ("tags", "bad_character", ["50%"], "tag_percent", {}),
        ("tags", "bad_character", ["a,b"], "tag_comma", {}),
        ("tags", "too_long", ["a" * 300, "b" * 300], "tags_long", {"max": 500, "length": 601}),
        ("tags", "bad_json", [], "value_invalid", {}),
        ("file_name", "bad_character", "a/b.jpg", "name_slash", {}),
        ("file_name", "bad_character", "a\udc00.jpg", "character", {}),
        ("folder", "too_deep", "/a", "folder_deep", {"max": 50}),
        ("custom_coordinates", "bad_coordinates", "1", "area_invalid", {}),
        ("description", "lost_digits", "1", "value_invalid", {}),
        ("custom_metadata.price", "out_of_range", -5, "between", {"label": "Price (EUR)", "min": 0, "max": 10_000}),
        ("custom_metadata.stock", "out_of_range", 0, "at_least", {"label": "stock", "min": 1}),
        ("custom_metadata.since", "out_of_range", "2027-01-01", "at_most", {"label": "since", "max": "2026-01-01"}),
        ("custom_metadata.note", "out_of_range", "x", "length_between", {"label": "note", "min": 2, "max": 5}),
        ("custom_metadata.price", "wrong_type", "x", "not_number", {"label": "Price (EUR)"}),
        ("custom_metadata.since", "wrong_type", "x", "not_date", {"label": "since"}),
        ("custom_metadata.shown", "not_boolean", "x", "not_boolean", {"label": "shown"}),
        ("custom_metadata.shown", "wrong_type", [1], "not_boolean", {"label": "shown"}),
        ("custom_metadata.sizes", "wrong_type", True, "not_list", {"label": "sizes"}),
        ("custom_metadata.note", "wrong_type", [], "not_text", {"label": "note"}),
        ("custom_metadata.color", "unknown_name", "x", "field_unknown", {"label": "color"}),
        ("custom_metadata.color", "bad_json", "x", "value_invalid", {"label": "color"}),
    ],
)
def test_a_problem_has_a_reason(parameter: str, code: str, value: Any, name: str, values: dict[str, Any]) -> None:
    """It has the label of the field and its limits, as values."""
    reason = reason_of(problem(parameter, code), value, FIELDS, 25_000_000)
    assert (reason["name"], reason["values"]) == (name, values)


@pytest.mark.parametrize(
    ("field", "value", "wrong", "similar", "suggestion"),
    [
        ("brand", "Adiddas", "Adiddas", "Adidas", "Adidas"),
        ("brand", "nike", "nike", "Nike", "Nike"),
        ("brand", "xyz", "xyz", None, None),
        ("sizes", [36, "37 "], "37 ", 37, [36, 37]),
        ("sizes", [36, "x"], "x", None, None),
    ],
)
def test_another_option_is_suggested(field: str, value: Any, wrong: Any, similar: Any, suggestion: Any) -> None:
    """It is the most similar one, also of one of several values."""
    bad = problem(f"custom_metadata.{field}", "out_of_range")
    values = reason_of(bad, value, FIELDS, None)["values"]
    assert (values["value"], values["similar"]) == (wrong, similar)
    assert suggestion_for(bad, value, FIELDS) == suggestion


def test_a_tag_with_a_comma_becomes_two() -> None:
    """That is what was meant."""
    assert suggestion_for(problem("tags", "bad_character"), ["a,b%", "c"], {}) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AccountError("No."), "account"),
        (UnreachableError("No."), "unreachable"),
        (JournalError("No."), "journal"),
        (OSError("No."), "journal"),
        (ValueError("No."), "stopped"),
    ],
)
def test_a_stopped_run_has_a_reason(error: Exception, reason: str) -> None:
    """It is that of the most special class."""
    assert run_reason(error) == reason


def test_the_reason_of_a_result_is_that_of_its_message() -> None:
    """The code is the same for a file that the page does not have and one that it cannot read."""
    assert result_reason("file_not_found", "The page was reloaded. Choose this file again.") == "file_lost"
    assert result_reason("file_not_found", "It is not there.") == "file_not_found"
    assert result_reason("rate_limited", "Wait.") is None


def test_an_empty_file_has_its_name_and_reason(account: ikpipe.Account) -> None:
    """It is shown as it was picked."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick({"empty.jpg": b""})
        row = browser.rows["b0"]
    assert (row["name"], row["size"], row["state"]) == ("empty.jpg", 0, "invalid")
    assert row["problems"][0]["reason"]["name"] == "file_empty"


def test_a_file_that_is_too_large_has_its_name_and_size(emulator_account: ikpipe.Account) -> None:
    """The limit is in the reason."""
    uploader = ikpipe.Uploader(emulator_account)
    with Browser(uploader) as browser:
        browser.pick({"large.jpg": b"12345"})
        row = browser.rows["b0"]
    assert (row["name"], row["size"]) == ("large.jpg", 5)
    assert row["problems"][0]["reason"] == {"name": "file_too_large", "values": {"size": 4}, "detailed": False}


@pytest.fixture
def emulator_account(account: ikpipe.Account) -> ikpipe.Account:
    """Return the account with a plan of small files."""
    return ikpipe.Account(account.public_key, str(account.key()), max_file_size=4, upload_url=account.upload_url)


def test_another_row_is_not_named_by_its_id(account: ikpipe.Account) -> None:
    """Nobody knows the ids of rows, or where files are stored."""
    uploader = ikpipe.Uploader(account, use_unique_file_name=False)
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x"})
        browser.pick({"a.txt": b"y"})
        problem = browser.rows["b1"]["problems"][0]
    assert problem["message"] == "Another file in this list already has this name."
    assert problem["reason"]["name"] == "name_taken"


def test_the_folder_of_files_is_only_in_the_details(account: ikpipe.Account, tmp_path: Any) -> None:
    """The reason of a file that is not there has no path of the kernel's machine; the message has it, on request."""
    uploader = ikpipe.Uploader(account, pd.DataFrame({"file": ["gone.jpg"]}), root=tmp_path)
    with Browser(uploader) as browser:
        reason = browser.rows["r0"]["problems"][0]["reason"]
    assert reason == {"name": "file_not_found", "values": {}, "detailed": True}


def test_an_error_has_a_reason(account: ikpipe.Account) -> None:
    """An edit of a row that is uploaded, one of a row that is not there, and a message that nobody understands."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        browser.wait_idle()
        browser.edit(["b0"], "folder", "/x")
        browser.edit(["b9"], "folder", "/x")
        browser.say(type="sign")
        assert [error["reason"] for error in browser.all("error")] == ["read_only", "row_gone", "message"]
