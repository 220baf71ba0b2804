"""What undo does about a file: every case of what a run did and what the library has now."""

from __future__ import annotations

from typing import Any

import pytest

from ikpipe.run.existing.reversal import FileBefore, Reversal, RunFile, StoredVersion, needs_versions, reverse

OURS, EARLIER, LATER = "v2", "v1", "v3"
DETAILS: dict[str, Any] = {
    "fileId": "f",
    "filePath": "/a.gif",
    "size": 9,
    "tags": ["x"],
    "customMetadata": {"brand": "A"},
    "description": None,
    "isPrivateFile": False,
    "isPublished": True,
    "AITags": None,
    "customCoordinates": None,
    "createdAt": "2026-11-30T10:00:00.000Z",
    "updatedAt": "2026-11-30T10:00:00.000Z",
}


def version(version_id: str, **details: Any) -> dict[str, Any]:
    """Return a version of the file; its number is in its id."""
    info = {"id": version_id, "name": f"Version {version_id.removeprefix('v')}"}
    return {**DETAILS, "versionInfo": info, **details}


def stored(version_id: str | None = OURS, **values: Any) -> StoredVersion:
    """Return the version that the run stored."""
    given = {"path": "/a.gif", "size": 9, "details": {"tags": ["x"]}, **values}
    return StoredVersion(version_id, **given)


def before(details: Any = None, changes: Any = None, version_id: str | None = EARLIER) -> FileBefore:
    """Return what the journal has of the file before."""
    return FileBefore("f", version_id, {**DETAILS, "size": 5, **(details or {})}, changes or {})


def kind(run_file: RunFile, file: Any, *versions: Any) -> str:
    """Return what is done."""
    return reverse(run_file, file, versions).kind


def test_a_file_of_the_run_is_deleted() -> None:
    """It is its first version."""
    assert kind(RunFile("f", stored("v1")), version("v1")) == "delete"
    assert not needs_versions(RunFile("f", stored("v1")), version("v1"))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"size": 8}, "Its size is 8, not 9 as in the run."),
        ({"filePath": "/b.gif"}, "Somebody moved or renamed it since: it is at /b.gif."),
        ({"tags": ["x", "y"]}, "Somebody changed it since: tags."),
    ],
)
def test_a_file_that_differs_is_left(wrong: dict[str, Any], why: str) -> None:
    """Each is a reason."""
    assert reverse(RunFile("f", stored("v1")), version("v1", **wrong), []) == Reversal("left", why)


@pytest.mark.parametrize("name", ["description", "customCoordinates"])
def test_details_that_the_run_did_not_give_protect_a_file(name: str) -> None:
    """If it is known that it gave no others."""
    there = version("v1", customMetadata={}, **{name: "1,1,1,1"})
    assert kind(RunFile("f", stored("v1", complete=True)), there) == "left"
    assert kind(RunFile("f", stored("v1")), there) == "delete"


@pytest.mark.parametrize(("tags", "expected"), [(None, "restore"), (["x"], "restore"), (["mine"], "left")])
def test_details_that_a_replacement_did_not_give(tags: list[str] | None, expected: str) -> None:
    """They are empty, or those of the version before; anything else is somebody's."""
    versions = version(OURS, tags=tags), version(EARLIER)
    run_file = RunFile("f", stored(complete=True, details={}))
    assert kind(run_file, versions[0], *versions) == expected


@pytest.mark.parametrize("missing", ["path", "size"])
def test_what_cannot_be_recognized_is_left(missing: str) -> None:
    """Nothing is assumed."""
    assert kind(RunFile("f", stored("v1", **{missing: None})), version("v1")) == "left"
    assert kind(RunFile("f", stored(None)), version("v1")) == "left"


@pytest.mark.parametrize(("minutes", "expected"), [(0, "delete"), (5, "left")])
def test_times_show_a_change_where_nothing_else_does(minutes: int, expected: str) -> None:
    """As for results alone."""
    there = version("v1", updatedAt=f"2026-11-30T10:0{minutes}:00.000Z")
    assert kind(RunFile("f", stored("v1", by_time=True)), there) == expected
    assert kind(RunFile("f", stored("v1")), there) == "delete"


def test_the_version_before_is_restored() -> None:
    """The one with the next lower number, unless the journal says which."""
    versions = version(OURS), version(EARLIER, size=5), version("v0", size=5)
    assert reverse(RunFile("f", stored()), versions[0], versions).version == EARLIER
    by_journal = RunFile("f", stored(), (before(version_id="v0"),))
    assert reverse(by_journal, versions[0], versions).version == "v0"


def test_a_version_that_may_be_of_the_run_is_not_restored() -> None:
    """A request without an answer may have stored the version before, too; the journal can tell."""
    versions = version(OURS), version(EARLIER)
    assert kind(RunFile("f", stored(sent=2)), versions[0], *versions) == "left"
    assert kind(RunFile("f", stored(sent=2), (before(),)), versions[0], *versions) == "restore"


def test_versions_that_are_gone() -> None:
    """There is nothing to restore."""
    assert kind(RunFile("f", stored()), version(OURS), version(OURS)) == "left"
    assert kind(RunFile("f", stored(), (before(),)), version(OURS), version(OURS)) == "left"


def test_a_version_on_top_is_left() -> None:
    """Somebody replaced the run's."""
    versions = version(LATER), version(OURS), version(EARLIER)
    for befores in ((), (before(),)):
        assert reverse(RunFile("f", stored(), befores), versions[0], versions) == Reversal(
            "left", "Somebody replaced it since: it has Version 3."
        )


def test_a_restored_version_is_recognized() -> None:
    """An undo that was interrupted then sets back the details that the run had set."""
    versions = version(EARLIER), version(OURS)
    assert kind(RunFile("f", stored()), versions[0], *versions) == "none"
    run_file = RunFile("f", stored(), (before({"tags": ["old"]}),))
    found = reverse(run_file, versions[0], versions)
    assert (found.kind, found.changes.changes) == ("details", {"tags": ["old"]})
    assert kind(run_file, version(EARLIER, tags=["mine"]), *versions) == "left"
    assert kind(run_file, version(EARLIER, tags=["old"]), *versions) == "none"


UPDATE = before(
    {"tags": ["old"], "customMetadata": {"brand": "Old"}}, {"tags": ["x"], "customMetadata": {"brand": "A"}}
)


def test_details_are_set_back() -> None:
    """Those that the run changed, and no others."""
    found = reverse(RunFile("f", None, (UPDATE,)), version(EARLIER), [])
    assert (found.kind, found.changes.changes) == ("details", {"tags": ["old"], "customMetadata": {"brand": "Old"}})
    assert found.message == "Set back: tags, custom metadata brand."


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (version(EARLIER, tags=["mine"]), "left"),
        (version(EARLIER, customMetadata={"brand": "Mine"}), "left"),
        (version(EARLIER, description="mine"), "details"),
        (version(EARLIER, customMetadata={"brand": "A", "other": 1}), "details"),
        (version(EARLIER, tags=["old"], customMetadata={"brand": "Old"}), "none"),
        (version(EARLIER, tags=["old"]), "details"),
        (version(OURS), "left"),
        (None, "absent"),
    ],
)
def test_details_that_somebody_changed_since(there: dict[str, Any] | None, expected: str) -> None:
    """Only those that the run set matter."""
    assert kind(RunFile("f", None, (UPDATE,)), there) == expected


def test_details_that_were_changed_twice() -> None:
    """A run that was killed between two requests, and continued: the first values are set back."""
    first = before({"tags": ["old"], "isPublished": True}, {"tags": ["x"], "isPublished": False})
    second = before({"tags": ["x"], "isPublished": True}, {"isPublished": False})
    found = reverse(RunFile("f", None, (first, second)), version(EARLIER, isPublished=False), [])
    assert (found.changes.changes, found.changes.published) == ({"tags": ["old"]}, True)


def test_metadata_that_was_not_there_is_removed() -> None:
    """Null removes a value."""
    added = before({"customMetadata": {}}, {"customMetadata": {"brand": "A"}})
    assert reverse(RunFile("f", None, (added,)), version(EARLIER), []).changes.changes == {
        "customMetadata": {"brand": None}
    }


def test_a_path_is_set_back() -> None:
    """As a run of updates may have changed it."""
    moved = before({"filePath": "/old.gif"}, {"filePath": "/a.gif"})
    assert reverse(RunFile("f", None, (moved,)), version(EARLIER), []).path == "/old.gif"
    assert kind(RunFile("f", None, (moved,)), version(EARLIER, filePath="/theirs.gif")) == "left"


@pytest.mark.parametrize("there", ["/x/b.gif", "/y/a.gif", "/y/b.gif"])
def test_a_file_that_was_only_renamed_or_only_moved(there: str) -> None:
    """A run of updates that was killed between these two requests is undone, too."""
    moved = before({"filePath": "/x/a.gif"}, {"filePath": "/y/b.gif"})
    assert reverse(RunFile("f", None, (moved,)), version(EARLIER, filePath=there), []).path == "/x/a.gif"


def test_what_the_media_api_cannot_set_is_named() -> None:
    """The other details are set back."""
    run_file = RunFile("f", stored(), (before({"isPrivateFile": True, "tags": ["old"]}),))
    found = reverse(run_file, version(EARLIER), (version(EARLIER), version(OURS)))
    assert (found.kind, found.partial) == ("details", True)
    assert found.message == "Set back: tags. The media API cannot set back: privacy."


def test_details_that_nobody_recorded() -> None:
    """As of a row of results that was updated."""
    assert kind(RunFile("f"), version(EARLIER)) == "left"


def test_another_file_of_the_row_says_nothing() -> None:
    """The one before was deleted by somebody else, so that the run created this one."""
    other = before()._replace(file_id="g")
    assert kind(RunFile("f", stored("v1"), (other,)), version("v1")) == "delete"
