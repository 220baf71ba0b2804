"""The columns of a results frame are the contract's, in its order."""

from __future__ import annotations

import pytest

import ikpipe
from ikpipe import Result
from ikpipe.request.result import KINDS, RESULT_COLUMNS, SETTLED

CONTRACT = """ik_status, ik_error, ik_message, ik_url, ik_name, ik_attempts, ik_seconds, ik_request_id, ik_file_id,
ik_thumbnail_url, ik_file_path, ik_file_type, ik_size, ik_height, ik_width, ik_tags, ik_ai_tags, ik_version_id,
ik_version_name, ik_is_private_file, ik_is_published, ik_custom_coordinates, ik_custom_metadata, ik_embedded_metadata,
ik_metadata, ik_extension_status, ik_bit_rate, ik_video_codec, ik_audio_codec, ik_duration, ik_warnings"""


def test_columns_are_the_contracts() -> None:
    """All of them, in the contract's order."""
    assert list(RESULT_COLUMNS) == CONTRACT.replace("\n", " ").split(", ")


def test_every_dtype_is_nullable() -> None:
    """A missing answer is no reason for integers to become floats."""
    assert set(RESULT_COLUMNS.values()) == {"string", "Int64", "Float64", "boolean", "object"}


def test_nested_values_are_objects() -> None:
    """Lists and objects of an answer stay what they are."""
    nested = {column for column, dtype in RESULT_COLUMNS.items() if dtype == "object"}
    assert nested == {f"ik_{name}" for name, kind in KINDS.items() if kind.startswith(("list", "dict"))} - {"ik_extra"}


def test_a_result_begins_empty() -> None:
    """A result that knows only its status has no answer, and no attempts."""
    result = Result("invalid")
    assert result.attempts == 0
    assert all(getattr(result, name) is None for name in KINDS if name not in ("status", "attempts"))


def test_rows_that_are_up_are_settled() -> None:
    """`retry` leaves these alone, and no other."""
    assert {"uploaded", "accepted", "exists", "skipped", "unchanged", "updated", "duplicate"} == SETTLED


@pytest.mark.parametrize("status", sorted(SETTLED))
def test_the_result_of_an_uploaded_file_is_ok(status: str) -> None:
    """Then `raise_for_status` returns it, so that calls can be chained."""
    result = Result(status)
    assert result.ok
    assert result.raise_for_status() is result


@pytest.mark.parametrize(
    ("status", "words"),
    [("invalid", "is invalid"), ("failed", "failed"), ("unknown", "is unknown"), ("cancelled", "is cancelled")],
)
def test_the_result_of_another_file_raises_its_reason(status: str, words: str) -> None:
    """Name, status, code, message and fix are in the error."""
    result = Result(status, "file_too_large", "It has 30 MB.", name="a.jpg")
    with pytest.raises(ikpipe.UploadError) as caught:
        result.raise_for_status()
    assert str(caught.value).startswith(f'"a.jpg" {words} (file_too_large): It has 30 MB. ')
    assert caught.value.fix == ikpipe.CODES["file_too_large"].fix
    assert not result.ok
