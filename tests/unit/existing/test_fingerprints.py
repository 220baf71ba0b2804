"""What identifies the content of a file at a URL, from what its host says."""

from __future__ import annotations

import pytest

from ikpipe.run.existing.fingerprints import Fingerprint, of_headers, parameters_hash

URL = "https://shop.example/a.jpg"
MODIFIED = {"last-modified": "Mon, 30 Nov 2026 10:00:00 GMT", "content-length": "10"}


def test_a_strong_etag_counts() -> None:
    """A strong ETag identifies the bytes, whatever the date."""
    first, second = (of_headers(URL, {**MODIFIED, "etag": '"a"', "last-modified": str(day)}) for day in (1, 2))
    assert (first.kind, first, first.size) == ("etag", second, 10)


@pytest.mark.parametrize("etag", ['W/"a"', "", '"', '""', "a"])
def test_another_etag_does_not(etag: str) -> None:
    """A weak or malformed ETag is not used."""
    assert of_headers(URL, {**MODIFIED, "etag": etag}).kind == "modified"


@pytest.mark.parametrize("missing", ["last-modified", "content-length"])
def test_a_date_counts_with_a_length_only(missing: str) -> None:
    """A date or a length alone says nothing of the content, and the note says so."""
    found = of_headers(URL, {name: text for name, text in MODIFIED.items() if name != missing})
    assert (found.kind, str(found)) == ("", "")
    assert "neither a strong ETag nor Last-Modified" in str(found.note)


def test_a_compressed_length_is_not_the_size() -> None:
    """The length of a compressed response is not that of the file."""
    assert of_headers(URL, {**MODIFIED, "etag": '"a"', "content-encoding": "gzip"}).size is None


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "9" * 30])
def test_a_hostile_length_is_none(length: str) -> None:
    """A length that is no plain number is not used."""
    assert of_headers(URL, {"etag": '"a"', "content-length": length}).size is None


def test_a_signature_is_not_part_of_the_place() -> None:
    """The same file has the same fingerprint each night, although its URL is signed anew."""
    signed = [f"{URL}?X-Amz-Signature={night}&X-Amz-Date={night}&v=1" for night in "12"]
    first, second = (of_headers(url, {"etag": '"a"'}) for url in signed)
    assert first == second


def test_another_place_is_another_file() -> None:
    """An ETag identifies the bytes of one URL only (RFC 9110, 8.8.3)."""
    assert of_headers(URL, {"etag": '"a"'}) != of_headers(URL + "?v=2", {"etag": '"a"'})


def test_notes_have_no_secrets() -> None:
    """Notes go into reasons and logs, so they have no credentials and no query."""
    note = of_headers("https://user:secret@shop.example/a.jpg?token=secret", {}).note
    assert note is not None
    assert "secret" not in note


def test_a_fingerprint_is_read_as_it_is_written() -> None:
    """What is kept is read again."""
    assert Fingerprint.parse(str(Fingerprint("etag", "a:b"))) == Fingerprint("etag", "a:b")


def test_parameters_are_hashed_without_the_name() -> None:
    """Rows that differ in the name alone share a file; those that differ in anything else do not."""
    row = {"fileName": "a.jpg", "folder": "/x", "tags": "a"}
    assert parameters_hash(row) == parameters_hash({"tags": "a", "folder": "/x", "fileName": "b.jpg"})
    assert parameters_hash(row) != parameters_hash(row | {"folder": "/y"})
