"""What ikpipe keeps of the files that it stored: in a file, in a shared folder, in the library."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import ikpipe
from ikpipe.emulator import Emulator
from ikpipe.request.sources import FileStamp
from ikpipe.run.existing.fingerprints import Fingerprint
from ikpipe.run.existing.known_files import KnownFile, SentFile
from ikpipe.run.existing.shared_state import MOST_PARTS
from ikpipe.run.existing.state import open_state
from ikpipe.service.client import ServiceClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from ikpipe.run.existing.state import ContentState

ACCOUNT = ikpipe.Account("public_shop", "private_shop")
OTHER = ikpipe.Account("public_other", "private_other")
HASH = "sha256:" + "a" * 64
STORED = KnownFile("/a.jpg", HASH, "f1", "v3", 10, "p")
NOW = "2026-11-30T12:00:00.000Z"
FILE = {
    "fileId": "f1",
    "filePath": "/a.jpg",
    "size": 10,
    "versionInfo": {"id": "v3", "name": "Version 3"},
    "updatedAt": NOW,
}
AT = 1_796_040_000.0  # the same time, in seconds


def using(
    place: Any, work: Callable[[ContentState], Awaitable[Any]], account: ikpipe.Account = ACCOUNT, **options: Any
) -> Any:
    """Open a state, work with it, and close it."""

    async def run() -> Any:
        async with ServiceClient() as client:
            state = await open_state(place, account, client, **options)
            try:
                return await work(state)
            finally:
                await state.close()

    return asyncio.run(run())


def remember(*files: KnownFile) -> Callable[[ContentState], Awaitable[None]]:
    """Return what remembers files."""
    return lambda state: state.remember(files)


def known(**files: Any) -> Callable[[ContentState], Awaitable[dict[str, KnownFile]]]:
    """Return what asks for files of the library."""
    return lambda state: state.known(files or {"/a.jpg": FILE})


@pytest.fixture(params=["file", "folder", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give a place of a state: a file, a shared folder, a URL of another store."""
    places = {"file": str(tmp_path / "s.ikstate"), "folder": f"{tmp_path}/shared/", "memory": f"memory://{tmp_path}"}
    return places[request.param]


def test_what_was_stored_is_known(place: str) -> None:
    """A later run knows what an earlier one stored."""
    using(place, remember(STORED))
    assert using(place, known()) == {"/a.jpg": STORED}


def test_the_last_one_counts(place: str) -> None:
    """A file that is stored again has one record."""
    using(place, remember(STORED))
    using(place, remember(STORED._replace(version_id="v4")))
    assert using(place, known())["/a.jpg"].version_id == "v4"


def test_another_account_has_its_own(place: str) -> None:
    """What one account stored, another has not."""
    using(place, remember(STORED), OTHER)
    assert using(place, known()) == {}


def test_what_was_being_sent_is_recognized(place: str) -> None:
    """If a process dies before it has the result, the next one recognizes its file by version, size and time."""
    using(place, lambda state: state.sending([SentFile("/a.jpg", HASH, 3, 10, AT, "p")]))
    assert using(place, known()) == {"/a.jpg": STORED}


@pytest.mark.parametrize(
    "change",
    [
        {"size": 11},
        {"versionInfo": {"id": "v4", "name": "Version 4"}},
        {"versionInfo": None},
        {"updatedAt": "2026-11-30T11:00:00.000Z"},
    ],
    ids=str,
)
def test_what_somebody_else_stored_is_not(place: str, change: dict[str, Any]) -> None:
    """A file of another version, size or time is not what was being sent."""
    using(place, lambda state: state.sending([SentFile("/a.jpg", HASH, 3, 10, AT)]))
    assert using(place, known(**{"/a.jpg": FILE | change})) == {}


def test_equal_content_is_found(place: str) -> None:
    """A file with the same content and parameters is found by them."""
    using(place, remember(STORED, STORED._replace(path="/b.jpg", parameters="q")))
    wanted = [(HASH, "p"), (HASH, "x"), ("sha256:b", "p")]
    assert using(place, lambda state: state.same_content(wanted)) == {(HASH, "p"): STORED}


def test_many_files(place: str) -> None:
    """More files than fit into one query or part."""
    files = [STORED._replace(path=f"/{number}.jpg", file_id=str(number)) for number in range(6_000)]
    using(place, remember(*files))
    found = using(place, known(**{file.path: FILE for file in files}))
    assert [*found.values()] == files or {*found.values()} == {*files}


def test_odd_names(place: str) -> None:
    """Paths and ids are any text; half a character cannot be kept, and costs an upload."""
    odd = STORED._replace(path="/ü/a b'\"%\n.jpg")
    using(place, remember(odd))
    assert using(place, known(**{odd.path: FILE})) == {odd.path: odd}


# A file


def test_a_file_is_the_users_own(tmp_path: Path) -> None:
    """Nobody else can read the names of the files."""
    using(tmp_path / "s.ikstate", remember(STORED))
    assert stat.S_IMODE((tmp_path / "s.ikstate").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", [b"hello", b"SQLite format 3\x00" + bytes(84), None], ids=["text", "sqlite", "journal"]
)
def test_another_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """A file that is no state is neither used nor changed."""
    path = tmp_path / "x"
    if content is None:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE t (x)")
        db.close()
        content = path.read_bytes()
    path.write_bytes(content)
    with pytest.raises(ikpipe.MappingError, match="is not a state of ikpipe"):
        using(path, known())
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_used(tmp_path: Path) -> None:
    """The error names the state, and what is wrong."""
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "s.ikstate", f"{tmp_path}/file/shared/"):
        with pytest.raises(ikpipe.MappingError, match=r"state|file"):
            using(place, remember(STORED))


def test_no_state_in_particular(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a place, an account has a file in the user's state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    using(None, remember(STORED))
    assert [path.suffix for path in (tmp_path / "ikpipe" / "states").iterdir()] == [".ikstate"]
    assert using(None, known()) == {"/a.jpg": STORED}
    assert using(None, known(), OTHER) == {}


WRITER = """
import asyncio, sys
from pathlib import Path
from ikpipe.run.existing.known_files import KnownFile
from ikpipe.run.existing.sqlite_state import SQLiteState
async def main(path, name):
    state = SQLiteState(Path(path), "public_shop")
    for number in range(200):
        await state.remember([KnownFile(f"/{name}/{number}", "sha256:x", "f", "v", 1)])
        await state.known({"/a": {}})
    await state.close()
asyncio.run(main(*sys.argv[1:]))
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Two processes write to one state at the same time, and both are heard."""
    path = tmp_path / "s.ikstate"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, name]) for name in "ab"]  # noqa: S603
    assert [writer.wait(60) for writer in writers] == [0, 0]
    paths = [f"/{name}/{number}" for name in "ab" for number in range(200)]
    assert len(using(path, known(**dict.fromkeys(paths, FILE)))) == 400


def test_a_damaged_file_costs_uploads_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A state that is damaged while a run goes on is reported once, and nothing is known."""
    path = tmp_path / "s.ikstate"

    async def damage(state: ContentState) -> dict[str, KnownFile]:
        await state.remember([STORED])
        await state.known({"/b": {}})
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(100)
            file.write(os.urandom(size - 100))
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA writable_schema = ON")
        db.close()
        return await state.known({"/a.jpg": FILE})

    found = using(path, damage)
    assert found in ({}, {"/a.jpg": STORED})  # SQLite may still have the pages
    assert len([one for one in caplog.messages if "cannot be used" in one]) <= 1


# Hashes of local files


def stamp(path: Path) -> FileStamp:
    """Return the stamp of a file."""
    return FileStamp.of(path.stat())


def test_a_hash_is_kept_while_the_file_is_the_same(tmp_path: Path) -> None:
    """A file that has not changed since it was read is not read again; one that has changed is."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    os.utime(path, (1, 1))

    async def keep(state: ContentState) -> list[dict[str, str]]:
        state.hashes.add_hashes({str(path): (stamp(path), "abc")})
        before = state.hashes.hashes_of({str(path): stamp(path)})
        os.utime(path, (2, 2))
        return [before, state.hashes.hashes_of({str(path): stamp(path)})]

    assert using(tmp_path / "s.ikstate", keep) == [{str(path): "abc"}, {}]


def test_a_hash_of_a_file_that_just_changed_is_not_kept(tmp_path: Path) -> None:
    """A second change within the resolution of the clock would not show."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    os.utime(path, (time.time(), time.time()))

    async def keep(state: ContentState) -> dict[str, str]:
        state.hashes.add_hashes({str(path): (stamp(path), "abc")})
        return state.hashes.hashes_of({str(path): stamp(path)})

    assert using(tmp_path / "s.ikstate", keep) == {}


# A shared folder


def parts(folder: Path) -> list[Path]:
    """Return the parts of a state."""
    return sorted((folder / "parts").iterdir())


def test_parts_are_never_changed(tmp_path: Path) -> None:
    """Each run adds a part, and leaves the others as they are."""
    folder = tmp_path / "shared"
    using(f"{folder}/", remember(STORED))
    first = {path: path.read_bytes() for path in parts(folder)}
    using(f"{folder}/", remember(STORED._replace(version_id="v4")))
    assert {path: path.read_bytes() for path in parts(folder)[:1]} == first
    assert len(parts(folder)) == 2


def test_many_parts_are_joined(tmp_path: Path) -> None:
    """A new process reads one part instead of a hundred."""
    folder = tmp_path / "shared"
    for number in range(MOST_PARTS):
        using(f"{folder}/", remember(STORED._replace(path=f"/{number}")))
    joined = parts(folder)[-1]
    assert "merged" in joined.name
    for path in parts(folder)[:-1]:
        path.write_bytes(b"")
    place, found = f"file://{folder}", {f"/{number}": FILE for number in range(MOST_PARTS)}
    assert len(using(place, known(**found))) == MOST_PARTS


def test_parts_are_joined_once(tmp_path: Path) -> None:
    """Not by each run after that, and not for each part of a table on a cluster."""
    folder = tmp_path / "shared"
    for number in range(MOST_PARTS + 5):
        using(f"{folder}/", remember(STORED._replace(path=f"/{number}")), part=True)
    assert not list(folder.rglob("*merged*"))
    for number in range(5):
        using(f"{folder}/", remember(STORED._replace(path=f"/more{number}")))
    assert len(list(folder.rglob("*merged*"))) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\x00",
        b"[1]",
        b'{"account": "public_shop", "stored": [1, 2]}',
        b'{"account": "public_shop", "stored": ["/a.jpg", "sha256:x", "f1", {"a": 1}, 10, ""]}',
        b'{"account": "public_shop", "replaces": [[1]]}',
        b'{"account": "public_shop", "sending": ["/a.jpg", "x", 3, 10, "2026", ""]}',
    ],
)
def test_lines_that_are_no_records_are_ignored(tmp_path: Path, line: bytes) -> None:
    """A folder that others write to can have anything."""
    folder = tmp_path / "shared"
    using(f"{folder}/", remember(STORED))
    (folder / "parts" / "z.jsonl").write_bytes(line + b"\n")
    place = f"file://{folder}"  # not read by this process yet
    assert using(place, known()) == {"/a.jpg": STORED}


# The library


@pytest.fixture
def account() -> Iterator[ikpipe.Account]:
    """Give the account of an emulator without fields."""
    with Emulator() as emulator:
        yield emulator.account


def test_the_library_keeps_it(account: ikpipe.Account) -> None:
    """The field is created, and a file's metadata says what is in it, of which version and size."""
    fingerprint = Fingerprint("sha256", "abc", 10)

    async def sent(state: ContentState) -> dict[str, str]:
        return state.sent_with({"customMetadata": '{"brand": "x"}'}, fingerprint, FILE)

    fields = using("library", sent, account)
    assert json.loads(fields["customMetadata"]) == {"brand": "x", "ikpipe_content": "sha256:abc 10 4"}
    assert "ikpipe_content" in {*ikpipe.metadata_fields(account)["name"]}
    file = FILE | {
        "versionInfo": {"id": "v4", "name": "Version 4"},
        "customMetadata": json.loads(fields["customMetadata"]),
    }
    assert using("library", known(**{"/a.jpg": file}), account)["/a.jpg"] == KnownFile(
        "/a.jpg", "sha256:abc", "f1", "v4", 10
    )


@pytest.mark.parametrize("change", [{"size": 11}, {"versionInfo": {"id": "v5", "name": "Version 5"}}], ids=str)
def test_a_file_of_somebody_else_with_our_metadata_is_not_ours(account: ikpipe.Account, change: dict[str, Any]) -> None:
    """Whoever replaces a file can keep its metadata; the record is then that of another version."""
    file = FILE | {"customMetadata": {"ikpipe_content": "sha256:abc 10 3"}} | change
    record = using("library", known(**{"/a.jpg": file}), account)["/a.jpg"]
    assert record.version_id != file["versionInfo"]["id"]


@pytest.mark.parametrize("value", ["", "x", "a b c d", 5, None, ["sha256:abc", 10, 3]], ids=str)
def test_other_metadata_is_no_record(account: ikpipe.Account, value: Any) -> None:
    """The field can have anything."""
    file = FILE | {"customMetadata": {"ikpipe_content": value}}
    assert using("library", known(**{"/a.jpg": file}), account) == {}


def test_a_replacement_keeps_the_other_metadata(account: ikpipe.Account) -> None:
    """An upload replaces all metadata, so what is there is sent again."""

    async def sent(state: ContentState) -> dict[str, str]:
        return state.sent_with({}, Fingerprint("sha256", "abc"), FILE | {"customMetadata": {"brand": "x"}})

    fields = using("library", sent, account)
    assert json.loads(fields["customMetadata"]) == {"brand": "x", "ikpipe_content": "sha256:abc  4"}


def test_a_dry_run_creates_no_field(account: ikpipe.Account) -> None:
    """A plan changes nothing."""
    using("library", known(), account, dry_run=True)
    assert len(ikpipe.metadata_fields(account)) == 0


def test_a_field_of_another_type_is_refused(account: ikpipe.Account) -> None:
    """A field of that name that is no text cannot be used."""
    schemas = {"ikpipe_content": {"type": "Number"}}
    frame = pd.DataFrame({"ikpipe_content": [1]})
    ikpipe.create_metadata_fields(frame, account, columns=["ikpipe_content"], schemas=schemas, dry_run=False)
    with pytest.raises(ikpipe.MappingError, match="type Number"):
        using("library", known(), account)
