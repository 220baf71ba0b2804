"""`undo` reverts what a run did, leaves what somebody changed since, and can be repeated."""

from __future__ import annotations

import logging
import os
import signal
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import nights
import pandas as pd
import pytest
from emulator_client import LOOPBACK, Client

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SWIFT = ikpipe.Policy(first_wait=0.01, index_lag=0.1, changes=0, look_ups=0)
FOLDERS = count()
CREATED, REPLACED, UPDATED, SAME = "created", "replaced", "updated", "same"
NIGHT = "night-2026-12-01"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """One emulator for all tests, each of which has a folder of its own."""
    with Emulator(**LOOPBACK) as emulator, httpx.Client(timeout=60) as http:
        yield Client(nights.open_library(emulator), http)


@dataclass
class Scene:
    """A run that created, replaced, updated and left a file each, and the library before it."""

    client: Client
    journal: Path
    folder: str = field(default_factory=lambda: f"/undo/{next(FOLDERS)}/")
    before: dict[str, Any] = field(default_factory=dict)
    results: pd.DataFrame = field(default_factory=pd.DataFrame)

    def library(self) -> dict[str, Any]:
        """Return what the files of the folder have, by name."""
        return {
            path.removeprefix(self.folder): (
                *(stored.sha256, sorted(stored.details["tags"] or []), stored.metadata, stored.details["description"]),
                *(stored.details["isPrivateFile"], stored.details["isPublished"], stored.details["customCoordinates"]),
            )
            for path, stored in nights.library(self.client.emulator).items()
            if path.startswith(self.folder)
        }

    def store(self, name: str, content: str, **fields: str) -> dict[str, Any]:
        """Store a file as somebody else."""
        given = {"tags": "red", "description": "was here", "customMetadata": '{"brand": "Old"}', **fields}
        answer = self.client.fixed(f"{name}.gif", nights.gif(content), folder=self.folder, **given)
        return dict(answer.raise_for_status().json())

    def run(self, **options: Any) -> None:
        """Have the library before, and run."""
        self.store(REPLACED, "old content", isPrivateFile="true")
        self.store(UPDATED, UPDATED)
        self.store(SAME, SAME, tags="blue", customMetadata='{"brand": "New"}')
        self.before = self.library()
        names = [CREATED, REPLACED, UPDATED, SAME]
        contents = [nights.gif(CREATED), nights.gif("new content") + b"longer", nights.gif(UPDATED), nights.gif(SAME)]
        frame = pd.DataFrame({"file": contents, "sku": names, "tags": "blue", "brand": "New"})
        options = {**nights.OPTIONS, "changed_by": "size", "journal": self.journal, **options}
        options = {"state": self.journal.with_name("state"), **options} if options["on_existing"] == "sync" else options
        self.results = ikpipe.upload(frame, self.client.emulator.account, **{**options, "folder": self.folder})

    def undo(self, run: Any = None, *, dry_run: bool = False, **options: Any) -> pd.DataFrame:
        """Undo the run."""
        run = self.journal if run is None else run
        account = options.pop("account", self.client.emulator.account)
        return ikpipe.undo(run, account, dry_run=dry_run, **{"policy": SWIFT, **options})

    def undone(self, *args: Any, **options: Any) -> dict[str, str]:
        """Undo the run; return what became of the rows."""
        frame = self.undo(*args, **options)
        return dict(zip(frame["sku"], frame["ik_change"], strict=True))

    def id_of(self, name: str) -> str:
        """Return the id of a row's file."""
        return str(self.results.set_index("sku")["ik_file_id"][name])


@pytest.fixture
def scene(client: Client, tmp_path: Path) -> Scene:
    """Give a run with `on_existing="sync"`, whose journal has what was there before."""
    scene = Scene(client, tmp_path / "run.ikjournal")
    scene.run()
    assert scene.results["ik_status"].tolist() == ["uploaded", "uploaded", "updated", "unchanged"]
    return scene


DONE = {CREATED: "done", REPLACED: "done", UPDATED: "done", SAME: "none"}
PLANNED = {CREATED: "planned", REPLACED: "planned", UPDATED: "planned", SAME: "none"}


# What it does


def test_it_is_dry_by_default(scene: Scene) -> None:
    """Nothing changes, and each row says what would be done."""
    after = scene.library()
    undone = ikpipe.undo(scene.journal, scene.client.emulator.account)
    assert undone["ik_change"].tolist() == [*PLANNED.values()]
    assert undone["ik_change_message"].tolist()[:3] == [
        "The file is deleted: the run created it.",
        "Version 1 becomes the current version again.",
        "Set back: tags, custom metadata brand.",
    ]
    assert scene.library() == after


def test_a_run_is_undone(scene: Scene) -> None:
    """The library is as it was before: current versions and details."""
    assert scene.undone() == DONE
    assert scene.library() == scene.before


def test_a_plan_changes_nothing_of_the_undo(scene: Scene) -> None:
    """A dry run before does not matter."""
    assert scene.undone(dry_run=True) == PLANNED
    assert scene.undone() == DONE


def test_it_can_be_repeated(scene: Scene) -> None:
    """There is nothing to do any more."""
    scene.undo()
    assert scene.undone() == {CREATED: "absent", REPLACED: "none", UPDATED: "none", SAME: "none"}
    assert scene.library() == scene.before


def test_the_version_of_the_run_stays_as_an_earlier_one(scene: Scene) -> None:
    """Nothing is lost that is not the run's own creation."""
    scene.undo()
    versions = scene.client.api("GET", f"/v1/files/{scene.id_of(REPLACED)}/versions").json()
    assert [one["versionInfo"]["name"] for one in versions] == ["Version 1", "Version 2"]


def test_a_plan_of_many_rows_takes_few_requests(client: Client, tmp_path: Path) -> None:
    """The folder is listed; the undo itself asks for each file just before it is deleted."""
    scene = Scene(client, tmp_path / "run.ikjournal")
    frame = pd.DataFrame({"file": [nights.gif(row) for row in range(60)], "sku": range(60)})
    options = {"file_name": "{sku}.gif", "folder": scene.folder, "progress": False}
    ikpipe.upload(frame, client.emulator.account, journal=scene.journal, **options)
    counted = Counting()
    assert set(scene.undo(dry_run=True, transport=counted)["ik_change"]) == {"planned"}
    planned = counted.requests
    assert set(scene.undo(transport=counted)["ik_change"]) == {"done"}
    assert (planned <= 5, counted.requests - planned) == (True, 61)


class Counting(httpx.AsyncHTTPTransport):
    """Counts requests."""

    requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        self.requests += 1
        return await super().handle_async_request(request)


def test_a_service_whose_restored_versions_keep_the_details(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Details are set back, apart from the privacy, which is reported."""
    emulator = nights.open_library(emulate(restored_details="file"))
    with httpx.Client(timeout=60) as http:
        scene = Scene(Client(emulator, http), tmp_path / "run.ikjournal")
        scene.run()
        assert scene.undone() == DONE
        assert scene.library() == scene.before


def test_rows_that_replace_without_looking(client: Client, tmp_path: Path) -> None:
    """The versions API has the version before, and its details."""
    scene = Scene(client, tmp_path / "run.ikjournal")
    scene.run(on_existing="replace", changed_by="content")
    assert scene.undone() == {CREATED: "done", REPLACED: "done", UPDATED: "done", SAME: "done"}
    assert scene.library() == scene.before


def test_unique_names(client: Client, tmp_path: Path) -> None:
    """Files of a run with unique names are deleted."""
    scene = Scene(client, tmp_path / "run.ikjournal")
    frame = pd.DataFrame({"file": [nights.gif(1), nights.gif(2)], "sku": ["a", "b"]})
    ikpipe.upload(
        frame,
        client.emulator.account,
        file_name="{sku}.gif",
        folder=scene.folder,
        journal=scene.journal,
        progress=False,
    )
    assert scene.undone() == {"a": "done", "b": "done"}
    assert scene.library() == {}


def test_rows_that_share_a_file(client: Client, tmp_path: Path) -> None:
    """The row that uploaded it deletes it; duplicates have nothing to undo."""
    scene = Scene(client, tmp_path / "run.ikjournal")
    frame = pd.DataFrame({"file": [nights.gif(1)] * 3, "sku": ["a", "b", "c"]})
    options = {"file_name": "{sku}.gif", "folder": scene.folder, "dedupe": True, "progress": False, "concurrency": 1}
    ikpipe.upload(frame, client.emulator.account, journal=scene.journal, state=tmp_path / "s", **options)
    assert scene.undone() == {"a": "done", "b": "none", "c": "none"}
    assert scene.library() == {}


# What it leaves


def patch(scene: Scene, name: str, **details: Any) -> None:
    """Change details of a file as somebody else."""
    scene.client.api("PATCH", f"/v1/files/{scene.id_of(name)}/details", json=details).raise_for_status()


CHANGES: dict[str, Callable[[Scene, str], Any]] = {
    "replaced": lambda scene, name: scene.store(name, "by somebody else, and longer than it was before"),
    "tagged": lambda scene, name: patch(scene, name, tags=["mine"]),
    "described in metadata": lambda scene, name: patch(scene, name, customMetadata={"brand": "Mine"}),
    "moved": lambda scene, name: scene.client.api(
        "POST",
        "/v1/files/move",
        json={"sourceFilePath": f"{scene.folder}{name}.gif", "destinationPath": f"{scene.folder}elsewhere/"},
    ).raise_for_status(),
}


@pytest.mark.parametrize("how", CHANGES)
def test_what_somebody_changed_since_is_left(how: str, scene: Scene) -> None:
    """It is reported, wherever it is; details are set back of a file that was moved."""
    for name in (CREATED, REPLACED, UPDATED):
        CHANGES[how](scene, name)
    after, updated = scene.library(), "done" if how == "moved" else "left"
    assert scene.undone() == {CREATED: "left", REPLACED: "left", UPDATED: updated, SAME: "none"}
    changed = {name for name, file in scene.library().items() if after.get(name) != file}
    assert changed == ({f"elsewhere/{UPDATED}.gif"} if how == "moved" else set())


def test_the_other_rows_are_undone(scene: Scene) -> None:
    """A row that is left holds no other row."""
    patch(scene, REPLACED, tags=["mine"])
    assert scene.undone() == DONE | {REPLACED: "left"}


def test_details_that_a_created_file_got_since_protect_it(scene: Scene) -> None:
    """Though the row gives no description."""
    patch(scene, CREATED, description="curated")
    frame = scene.undo()
    assert frame["ik_change"][0] == "left"
    assert frame["ik_change_message"][0] == "Somebody changed it since: description."


def test_a_file_that_was_deleted_since(scene: Scene) -> None:
    """There is nothing to do about it."""
    for name in (CREATED, REPLACED, UPDATED):
        scene.client.api("DELETE", f"/v1/files/{scene.id_of(name)}").raise_for_status()
    assert scene.undone() == {CREATED: "absent", REPLACED: "absent", UPDATED: "absent", SAME: "none"}


def test_a_version_before_that_was_deleted_since(scene: Scene) -> None:
    """The file is left with the run's version."""
    versions = scene.client.api("GET", f"/v1/files/{scene.id_of(REPLACED)}/versions").json()
    scene.client.api("DELETE", f"/v1/files/{scene.id_of(REPLACED)}/versions/{versions[1]['versionInfo']['id']}")
    assert scene.undone() == DONE | {REPLACED: "left"}


# From results


def test_results_of_this_process_have_a_journal(scene: Scene) -> None:
    """Details are set back as well; the frame that comes back is the one that was passed."""
    assert scene.undone(scene.results) == DONE
    assert scene.library() == scene.before


def test_only_the_rows_of_the_table_are_undone(scene: Scene) -> None:
    """A part of the results is a part of the run."""
    assert scene.undone(scene.results[scene.results["sku"] == UPDATED]) == {UPDATED: "done"}
    assert CREATED + ".gif" in scene.library()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_of_results_alone(ending: str, scene: Scene, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Files are checked by id and version; details cannot be set back, and nothing proves whose run it was."""
    path = tmp_path / f"results.{ending}"
    ikpipe.write_results(scene.results, path)
    scene.journal.unlink()
    with caplog.at_level(logging.WARNING, "ikpipe"):
        frame = scene.undo(path)
    assert frame["ik_change"].tolist() == ["done", "done", "left", "none"]
    assert "No journal shows that these results are of a run of this account (rows: 3)" in caplog.text


def test_a_file_of_results_with_a_journal_in_the_state_folder(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found by the run's id, and proven."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state-home"))
    folder = tmp_path / "state-home" / "ikpipe" / "journals"
    folder.mkdir(parents=True)
    scene.journal.rename(folder / scene.journal.name)
    ikpipe.write_results(scene.results, tmp_path / "results.parquet")
    assert [*scene.undo(tmp_path / "results.parquet")["ik_change"]] == [*DONE.values()]
    assert scene.library() == scene.before


FORGED: dict[str, dict[str, Any]] = {
    "another version": {"ik_version_id": "ffffffffffffffffffffffff"},
    "no version": {"ik_version_id": None},
    "another size": {"ik_size": 1},
    "no size": {"ik_size": None},
    "another path": {"ik_file_path": "/somewhere/else.gif"},
    "no path": {"ik_file_path": None},
}


@pytest.mark.parametrize("what", FORGED)
def test_forged_results_delete_nothing(what: str, scene: Scene, tmp_path: Path) -> None:
    """A file is only deleted if its id, version, path and size are those of the row."""
    there = scene.store("theirs", "not of any run")
    row = {"ik_status": "uploaded", "ik_file_id": there["fileId"], "ik_version_id": there["versionInfo"]["id"]}
    row |= {"ik_file_path": there["filePath"], "ik_size": there["size"], "sku": "x", **FORGED[what]}
    frame = ikpipe.read_results(_written(row, tmp_path))
    assert scene.undone(frame.assign(sku="x")) == {"x": "left"}
    assert "theirs.gif" in scene.library()


def _written(row: dict[str, Any], folder: Path) -> Path:
    pd.DataFrame([row]).to_csv(folder / "forged.csv", index=False)
    return folder / "forged.csv"


# Journals


def test_a_journal_of_another_account(scene: Scene) -> None:
    """It is refused, and nothing is asked of the service."""
    other = ikpipe.Account("public_other", "private_other", api_url=scene.client.emulator.url)
    with pytest.raises(ikpipe.JournalError, match="belongs to the account"):
        scene.undo(account=other)
    assert scene.undone() == DONE


def test_a_journal_that_nobody_proves(scene: Scene) -> None:
    """It is refused unless it is trusted."""
    emulator = scene.client.emulator
    rotated = ikpipe.Account(emulator.public_key, "private_rotated", api_url=emulator.url)
    with pytest.raises(ikpipe.JournalError, match="another private key"):
        scene.undo(account=rotated)


def test_a_journal_that_does_not_exist(scene: Scene) -> None:
    """The error says what was looked for."""
    with pytest.raises(ikpipe.JournalError, match="no run of this name has a journal"):
        scene.undo("night-1999")


def test_a_folder_and_an_empty_file(scene: Scene, tmp_path: Path) -> None:
    """Neither is a run."""
    (tmp_path / "empty").touch()
    for path, why in ((tmp_path, "is a folder"), (tmp_path / "empty", "never started")):
        with pytest.raises(ikpipe.JournalError, match=why):
            scene.undo(path)


def test_a_table_without_results(scene: Scene) -> None:
    """It is not a run."""
    with pytest.raises(ikpipe.MappingError, match="not a table of results"):
        scene.undo(pd.DataFrame({"file": ["x"]}))


def test_an_interrupted_undo(scene: Scene) -> None:
    """The first Ctrl-C ends it; the next call continues."""

    class Interrupting(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method != "GET":
                os.kill(os.getpid(), signal.SIGINT)
            return await super().handle_async_request(request)

    policy = ikpipe.Policy(first_wait=0.01, changes=1, look_ups=0)
    frame = scene.undo(transport=Interrupting(), policy=policy)
    assert set(frame["ik_change"]) == {"done", "cancelled", "none"}
    scene.undo()
    assert scene.library() == scene.before


def test_an_undo_stops_after_its_failures(scene: Scene) -> None:
    """The error has the rows so far, and the next call continues."""

    class Refusing(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return await super().handle_async_request(request)
            return httpx.Response(400, json={"message": "Not now.", "help": ""}, headers={"x-ik-requestid": "1"})

    with pytest.raises(ikpipe.UploadError, match=r"after 1 failure \(max_failures=1\).*Row 0 failed") as caught:
        scene.undo(transport=Refusing(), max_failures=1)
    assert caught.value.results is not None
    assert set(caught.value.results["ik_change"]) == {"failed", "cancelled", "none"}
    scene.undo()
    assert scene.library() == scene.before


def test_a_run_by_its_name(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its journal is in the user's state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    scene = Scene(client, tmp_path / "run.ikjournal")
    scene.run(run="night-2026-11-30", journal=None)
    assert scene.undone("night-2026-11-30") == DONE
    assert scene.library() == scene.before


def _run_again(scene: Scene, folder: Path, created: bytes) -> list[str]:
    """Repeat the run of this night with the same name and state; return the statuses."""
    contents = [created, nights.gif("new content") + b"longer", nights.gif(UPDATED), nights.gif(SAME)]
    frame = scene.results[["sku", "tags", "brand"]].assign(file=contents)
    options = {**nights.OPTIONS, "changed_by": "size", "state": folder / "state", "folder": scene.folder, "run": NIGHT}
    results = ikpipe.upload(frame, scene.client.emulator.account, **options)
    return list(results["ik_status"])


def test_a_name_that_was_used_twice(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run that left all files as they are does not hide what the first one did."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    scene = Scene(client, tmp_path / "run.ikjournal")
    scene.run(run=NIGHT, journal=None)
    assert set(_run_again(scene, tmp_path, nights.gif(CREATED))) == {"unchanged"}
    assert scene.undone(NIGHT) == DONE
    assert scene.library() == scene.before


def test_a_name_of_two_runs_with_changes(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The later one is undone, and a warning names the journal of the earlier one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    scene = Scene(client, tmp_path / "run.ikjournal")
    scene.run(run=NIGHT, journal=None)
    between = scene.library()
    assert _run_again(scene, tmp_path, nights.gif(CREATED) + b"more")[0] == "uploaded"
    scene.undo(NIGHT)
    assert scene.library() == between
    (warning,) = [one for one in caplog.messages if "earlier run" in one]
    scene.undo(warning.rpartition(": ")[2])
    assert scene.library() == scene.before


def test_a_run_that_was_undone_is_not_continued(scene: Scene) -> None:
    """The same call again uploads again, and resume says why it does not."""
    scene.undo()
    with pytest.raises(ikpipe.JournalError, match="was undone"):
        ikpipe.resume(scene.journal, scene.client.emulator.account, progress=False)
    before = scene.before
    scene.run()
    assert scene.results["ik_status"].tolist() == ["uploaded", "uploaded", "updated", "unchanged"]
    assert scene.undone() == DONE
    assert scene.library() == before


def test_a_dry_run_does_not_end_a_journal(scene: Scene) -> None:
    """The run can still be continued."""
    scene.undo(dry_run=True)
    assert ikpipe.resume(scene.journal, scene.client.emulator.account, progress=False)["ik_status"].size == 4


def test_without_a_private_key(scene: Scene) -> None:
    """It is an error before anything else."""
    with pytest.raises(ikpipe.AccountError):
        scene.undo(account=ikpipe.Account("public", authentication_endpoint="https://x.example"))


def test_its_progress(scene: Scene) -> None:
    """Rows by what becomes of them, as far as it is: the last state has all."""
    seen: list[dict[str, int]] = []
    account = scene.client.emulator.account
    undone = ikpipe.undo(scene.journal, account, progress=lambda now: seen.append({**now.counts}))
    assert seen[-1] == undone["ik_change"].value_counts().to_dict() == {"planned": 3, "none": 1}
