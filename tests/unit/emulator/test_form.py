"""The multipart body, in pieces of any size."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.upload.form import IN_MEMORY, FormReader, FormSpool, _part_names

if TYPE_CHECKING:
    from collections.abc import Iterator

# httpx, like a browser, has no way to write other control characters or a lone surrogate into a header or a field
NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=100)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Make a folder for large files."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@given(
    fields=st.dictionaries(NAMES.filter(lambda name: name not in {"file", "token"}), TEXTS, max_size=5),
    file=st.binary(max_size=500),
    size=st.integers(1, 200),
)
def test_form_is_the_same_in_any_pieces(folder: Path, fields: dict[str, str], file: bytes, size: int) -> None:
    """Fields, token and file come out as they went in, whatever the size of the pieces."""
    parts = [*((name, (None, value)) for name, value in fields.items()), ("file", ("ü.bin", file))]
    request = httpx.Request("POST", "http://x", files=[*parts, ("token", (None, "a.b.c"))])
    body = request.read()
    reader = FormReader(request.headers["Content-Type"], folder, 1000)
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
    form = reader.finish()
    assert (form.fields, form.token, form.file_name) == (fields, "a.b.c", "ü.bin")
    assert form.file is not None
    assert (b"".join(form.file.chunks()), form.file.sha256) == (file, hashlib.sha256(file).hexdigest())


@pytest.mark.parametrize("size", [0, 1, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY])
def test_spool_gives_back_its_bytes(tmp_path: Path, size: int) -> None:
    """In memory or on disk, the bytes are the same, and one file is left after the move."""
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    spool = FormSpool(tmp_path, size)
    for start in range(0, size, 100_000):
        spool.write(data[start : start + 100_000])
    assert (spool.size, b"".join(spool.chunks()), spool.head(4)) == (size, data, data[:4])
    spool.move(tmp_path / "moved")
    spool.discard()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [data]


def test_bytes_past_the_limit_are_counted_alone(tmp_path: Path) -> None:
    """Bytes beyond the limit are not stored."""
    spool = FormSpool(tmp_path, 10)
    spool.write(b"x" * 10)
    spool.write(b"y" * 5_000_000)
    assert (spool.size, b"".join(spool.chunks()), list(tmp_path.iterdir())) == (5_000_010, b"x" * 10, [])


def test_discarded_spool_leaves_nothing(tmp_path: Path) -> None:
    """A file on disk that was not moved is deleted."""
    spool = FormSpool(tmp_path, 2 * IN_MEMORY)
    spool.write(b"x" * 2 * IN_MEMORY)
    assert len(list(tmp_path.iterdir())) == 1
    spool.discard()
    assert list(tmp_path.iterdir()) == []


@given(size=st.integers(1, 60), file=st.lists(st.sampled_from([b"\r\n", b"--", b"-", b"B", b"\r", b"\n", b"x"])))
def test_what_looks_like_a_delimiter_is_none(folder: Path, size: int, file: list[bytes]) -> None:
    """A file may contain parts of delimiters, and longer texts that begin like one."""
    data = b"".join(file).replace(b"\r\n--B", b"\r\n--Bxx")
    body = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + data + b"\r\n--B--\r\n"
    reader = FormReader("multipart/form-data; boundary=B", folder, 1000)
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
    form = reader.finish()
    assert form.file is not None
    assert b"".join(form.file.chunks()) == data


@pytest.mark.parametrize(
    ("header", "name", "file_name"),
    [
        (b'Content-Disposition: form-data; name="a\\"b\\\\c"', 'a"b\\c', None),
        (b"content-disposition:form-data;name=a;filename=b.jpg", "a", "b.jpg"),
        (b'CONTENT-DISPOSITION: form-data; filename="x; name=y"; name="a"', "a", "x; name=y"),
        (b"X-Other: 1\r\nContent-Disposition: form-data; name=\"\xc3\xbc\"; filename*=UTF-8''b", "ü", None),
        (b"Content-Type: text/plain", "", None),
    ],
    ids=["escapes", "bare", "any order", "UTF-8", "none"],
)
def test_headers_of_a_part_names(tmp_path: Path, header: bytes, name: str, file_name: str | None) -> None:
    """A part's name is in its headers, in any valid form."""
    reader = FormReader('Multipart/Form-Data; charset=utf-8; boundary="B C"', tmp_path, 1000)
    reader.feed(b"\r\n--B C\r\n" + header + b"\r\n\r\nvalue\r\n--B C--")
    assert reader.finish().fields == {name: "value"}
    assert _part_names(b"\r\n" + header) == (name, file_name)


@pytest.mark.parametrize(
    "body",
    [b"x", b"--B--", b"--Bx\r\n", b"--B\r\nno header\r\n\r\n", b"--B\r\na b: c\r\n\r\n", b"--B\r\na: " + b"x" * 20_000],
    ids=["no delimiter", "no part", "a longer word", "no colon", "no name", "headers without end"],
)
def test_body_that_is_no_multipart(tmp_path: Path, body: bytes) -> None:
    """A body that does not match its Content-Type is rejected as early as possible."""
    reader = FormReader("multipart/form-data; boundary=B", tmp_path, 1000)
    with pytest.raises(ErrorResponse, match="malformed"):
        reader.feed(body)
