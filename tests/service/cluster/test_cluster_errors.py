"""Errors and warnings that leave a worker: text only, with the row and the machine, and each warning once."""

from __future__ import annotations

import base64
import logging
import pickle
import platform
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest
from parts import gif, plan, table

import ikpipe
from ikpipe.cluster.failures import plainly
from ikpipe.cluster.update import prepare_update
from ikpipe.errors.logs import logged_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

MARK = b"GIF89a the content of a file that must not show"


def failure(call: Callable[[], Any]) -> ikpipe.Error:
    """Return the error of a call, and check that it has text only, and can cross processes."""
    with pytest.raises(ikpipe.Error) as caught:
        call()
    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    assert vars(error).keys() <= {"message", "fix", "about", "another"}
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(twin), str(twin)) == (type(error), str(error))
    assert MARK not in pickle.dumps(error)
    return error


def rows(**cells: Any) -> pd.DataFrame:
    """Return three rows, the last of which has no bytes."""
    return pd.DataFrame({"sku": ["a", "b", "c"], "file": [MARK, gif(1), b""], **cells})


# Rows


@pytest.mark.parametrize(
    ("frame", "key", "row"),
    [
        (rows(), "sku", r"Row 2 of its part \(sku='c'\) is invalid"),
        (rows(), None, "Row 2 of its part is invalid"),
        (rows().set_index("sku", drop=False), "sku", r"Row 'c' \(row 2 of its part\) \(sku='c'\) is invalid"),
        (pl.DataFrame(rows()), "sku", r"Row 2 of its part \(sku='c'\) is invalid"),
    ],
)
def test_an_error_names_its_row(frame: Any, key: str | None, row: str, account: Account) -> None:
    """By its position in the part and its key, since nobody knows its position in the whole table."""
    error = failure(lambda: plan(account, key=key, on_error="raise")(frame))
    assert pd.Series([str(error)]).str.contains(row).all(), error
    assert ".results" not in str(error)


def test_rows_are_counted_over_the_tables_of_a_part(account: Account) -> None:
    """Spark's record batches follow each other."""
    upload = plan(account, key="sku", on_error="raise")
    with pytest.raises(ikpipe.UploadError, match=r"Row 8 of its part \(sku='c'\)"):
        [*upload.each([table(6), rows()])]


# Text only


@pytest.mark.parametrize(
    "options",
    [
        {"columns": {"tags": "file"}},
        {"columns": {"is_private_file": "file"}},
        {"file_name": "{file}"},
        {"key": "file"},
        {"columns": {"file": "text"}, "file_kind": "base64"},
        {"columns": {"file": "uri"}},
    ],
)
def test_no_error_shows_a_file(options: dict[str, Any], account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """Nor does a log, at any level: wherever the column with the files was used by mistake."""
    text = base64.b64encode(MARK).decode()
    files = pd.DataFrame({"file": [MARK, MARK], "text": f"{text}!", "uri": f"data:image/gif;base64,{text}!"})
    with caplog.at_level(logging.DEBUG, "ikpipe"):
        error = failure(lambda: plan(account, on_error="raise", **{"file_name": "a.gif", **options})(files))
    for shown in (str(error), caplog.text):
        assert MARK.decode()[:12] not in shown
        assert text[:12] not in shown


def test_an_unexpected_exception_is_one_sentence() -> None:
    """Its arguments can be the bytes themselves, as those of `UnicodeDecodeError` are."""

    def decode() -> None:
        secret = {"private_key": "private_0123456789abcdef"}
        raise ValueError(f"cannot convert {MARK!r} with {secret}") from UnicodeDecodeError("utf-8", MARK, 0, 1, "bad")

    error = failure(lambda: plainly(decode))
    assert isinstance(error, ikpipe.UploadError)
    assert "A part of the table could not be processed: ValueError: cannot convert b'…' with" in str(error)
    assert "test_cluster_errors.py, line" in str(error)
    assert MARK.decode() not in str(error)
    assert "0123456789abcdef" not in str(error)


def test_words_around_quotes_stay() -> None:
    """A text that ends with b is not a literal of bytes."""
    error = failure(lambda: plainly(_raise, ikpipe.MappingError("key='b' is 'wrong', so is b'short'.")))
    assert str(error) == "key='b' is 'wrong', so is b'short'."


def _raise(error: Exception) -> None:
    raise error


def test_a_rejected_account_names_the_machine(emulate: Callable[..., Emulator]) -> None:
    """The keys of one worker can be wrong; the error has no rows."""
    emulator = emulate()
    wrong = replace(emulator.account, private_key="private_wrong_one")
    error = failure(lambda: plan(wrong)(table(2)))
    assert isinstance(error, ikpipe.AccountError)
    assert f"This was on the machine {platform.node()}." in str(error)
    assert "private_wrong" not in str(error)


def test_errors_of_updates_are_plain_too(account: Account) -> None:
    """A column that is missing, and a rejected key."""
    update = prepare_update(account, slots=1, columns={"file_path": "path"}, tags=["a"])
    assert isinstance(failure(lambda: update(table(1))), ikpipe.MappingError)
    wrong = prepare_update(
        replace(account, private_key="private_wrong_one"), slots=1, columns={"file_path": "sku"}, tags=["a"]
    )
    assert "on the machine" in str(failure(lambda: wrong(table(1).assign(sku="/a.gif"))))


# Warnings


def test_a_warning_is_logged_once_for_all_parts(
    emulate: Callable[..., Emulator], caplog: pytest.LogCaptureFixture
) -> None:
    """503 parts whose search fails log one warning."""
    account = replace(emulate().account, api_url="http://127.0.0.1:9")
    upload = plan(account, on_existing="skip", key="sku")
    for part in range(4):
        upload(table(part + 1).iloc[part:])
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == len({*warnings}) >= 1
    assert {record.run for record in caplog.records} == {upload.run}


def test_warnings_of_parts_are_counted_after_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    """Not every half minute, which would be once for each part of a long run."""
    now, log = [0.0], logging.getLogger("ikpipe.cluster")
    for at in (0.0, 40.0, 3599.0, 3601.0):
        now[0] = at
        with logged_part("run-of-an-hour", lambda: now[0]):
            log.warning("The same.")
    assert caplog.messages == ["The same.", "2 more in the last 3601 s, such as: The same."]
