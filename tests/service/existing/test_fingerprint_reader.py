"""The fingerprints of rows: files are read once, hosts are asked once, and each failure says why."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from doubles import Page

import ikpipe
from ikpipe.request.planner import UploadRequest
from ikpipe.request.sources import FileResolver
from ikpipe.run.existing.fingerprints import MOST_FAILURES, Fingerprint, FingerprintReader
from ikpipe.run.existing.state import open_state
from ikpipe.service.client import ServiceClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from doubles import Site

ACCOUNT = ikpipe.Account("public_shop", "private_shop")


def read(
    tmp_path: Path,
    files: Sequence[Any],
    by: str = "content",
    cells: Sequence[Any] | None = None,
    hosts: Sequence[str] = ("127.0.0.1",),
) -> list[Fingerprint]:
    """Read the fingerprints of some files below a folder."""
    resolver = FileResolver(tmp_path)
    requests = [UploadRequest(at, at, {}, resolver.read(file)) for at, file in enumerate(files)]

    async def run() -> list[Fingerprint]:
        async with ServiceClient(fetch_hosts=hosts) as client:
            state = await open_state(tmp_path / "s.ikstate", ACCOUNT, client)
            try:
                return await FingerprintReader(by, client, state.hashes).read(requests, cells)
            finally:
                await state.close()

    return asyncio.run(run())


def sha256(content: bytes) -> str:
    """Return a hash as text."""
    return hashlib.sha256(content).hexdigest()


def test_local_files_and_bytes(tmp_path: Path) -> None:
    """The same bytes have the same fingerprint, wherever they come from."""
    (tmp_path / "a.jpg").write_bytes(b"one")
    found = read(tmp_path, ["a.jpg", b"one", b"two"])
    assert found == [Fingerprint("sha256", sha256(text), 3) for text in (b"one", b"one", b"two")]


def test_a_file_is_read_again_only_if_it_changed(tmp_path: Path) -> None:
    """The second time the hash is known; a file of the same size and another time is read."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    read(tmp_path, ["a.jpg"])
    path.write_bytes(b"two")
    os.utime(path, (1, 1))  # as if nothing had happened: the hash of before is used
    assert read(tmp_path, ["a.jpg"])[0].value == sha256(b"one")
    os.utime(path, (2, 2))
    assert read(tmp_path, ["a.jpg"])[0].value == sha256(b"two")


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    """A file that cannot be read has no fingerprint; its upload reports it."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"one")
    request = UploadRequest(0, 0, {}, FileResolver(tmp_path).read("a.jpg"))
    path.write_bytes(b"three")  # changed since it was planned

    async def run() -> list[Fingerprint]:
        async with ServiceClient() as client:
            state = await open_state(tmp_path / "s.ikstate", ACCOUNT, client)
            found = await FingerprintReader("content", client, state.hashes).read([request])
            await state.close()
            return found

    assert (asyncio.run(run())[0].kind, asyncio.run(run())[0].size) == ("", None)


def test_urls_by_head(tmp_path: Path, site: Site) -> None:
    """A URL is asked once for all rows that have it, without its body."""
    etag = (("ETag", '"a"'),)
    one, two = site.put("/one.jpg", Page(b"one", headers=etag)), site.put("/two.jpg", Page(b"two", headers=etag))
    found = read(tmp_path, [one, two, one])
    assert [fingerprint.kind for fingerprint in found] == ["etag"] * 3
    assert found[0] == found[2] != found[1]
    assert sorted(site.asked[-2:]) == ["/one.jpg", "/two.jpg"]


def test_redirects_are_followed(tmp_path: Path, site: Site) -> None:
    """A redirect leads to the file; it is the row's URL that identifies it."""
    site.put("/b.jpg", Page(b"x", headers=(("ETag", '"a"'),)))
    url = site.put("/a.jpg", Page(b"", 302, headers=(("Location", "/b.jpg"),)))
    assert read(tmp_path, [url])[0].kind == "etag"


@pytest.mark.parametrize("status", [404, 405, 403, 500, 206])
def test_a_host_without_head(tmp_path: Path, site: Site, status: int) -> None:
    """A host that does not answer HEAD leaves the size unknown, and the note names the status."""
    found = read(tmp_path, [site.put("/a.jpg", Page(b"x", status, headers=(("ETag", '"a"'),)))])[0]
    assert (found.kind, found.size) == ("", None)
    assert str(status) in str(found.note)


def test_addresses_that_are_not_public(tmp_path: Path, site: Site) -> None:
    """Addresses of this machine are not asked unless they are allowed; the note says how."""
    url = site.put("/a.jpg", Page(b"x", headers=(("ETag", '"a"'),)))
    before = len(site.asked)
    found = read(tmp_path, [url], hosts=())[0]
    assert (found.kind, len(site.asked)) == ("", before)
    assert "not a public address" in str(found.note)


def test_a_dead_host_is_not_asked_for_ever(tmp_path: Path) -> None:
    """After some failures in a row the others are not tried: each can take seconds."""
    urls = [f"http://127.0.0.1:9/{number}.jpg" for number in range(100)]
    notes = [str(found.note) for found in read(tmp_path, urls)]
    assert sum("did not answer before" in note for note in notes) >= len(urls) - MOST_FAILURES - 32


def test_a_column(tmp_path: Path) -> None:
    """A cell identifies the content; an empty one does not. Another column is another fingerprint."""
    files = [b"a", b"a", b"a"]
    first, second, third = read(tmp_path, files, "updated_at", ["2026-11-30", "2026-12-01", None])
    assert (first.kind, third.kind) == ("column", "")
    assert first != second
    assert read(tmp_path, files[:1], "version", ["2026-11-30"]) != [first]


def test_sizes(tmp_path: Path, site: Site) -> None:
    """By size nothing is read and nobody is asked."""
    before = len(site.asked)
    assert read(tmp_path, [b"abc", site.put("/a", b"x")], "size") == [Fingerprint(size=3), Fingerprint()]
    assert len(site.asked) == before
