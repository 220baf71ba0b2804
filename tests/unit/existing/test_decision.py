"""What a row does about the file at its target."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ikpipe.request.planner import UploadRequest
from ikpipe.request.sources import FileSource
from ikpipe.run.existing.decision import as_new, as_replacement, decide, same_content
from ikpipe.run.existing.fingerprints import Fingerprint
from ikpipe.run.existing.known_files import KnownFile

FILE: dict[str, Any] = {
    "fileId": "f1",
    "versionInfo": {"id": "v1", "name": "Version 1"},
    "filePath": "/in/a.jpg",
    "size": 10,
    "tags": ["red"],
    "isPrivateFile": False,
    "isPublished": True,
}
SAME, OTHER = same_content(10, Fingerprint(), FILE, None), same_content(11, Fingerprint(), FILE, None)
KNOWN = KnownFile("/in/a.jpg", "sha256:aa", "f1", "v1", 10)
HASH, OTHER_HASH = Fingerprint("sha256", "aa"), Fingerprint("sha256", "bb")


def row(**fields: str) -> UploadRequest:
    """Row."""
    fields = {"fileName": "a.jpg", "folder": "/in", "useUniqueFileName": "false", **fields}
    return UploadRequest(0, 0, fields, FileSource("bytes", content=b"0123456789", size=10))


@pytest.mark.parametrize("on_existing", [None, "replace", "skip", "error", "sync"])
def test_a_row_without_a_file_at_its_target_is_uploaded(on_existing: str | None) -> None:
    """A row without a file at its target is uploaded."""
    assert decide(row(), None, None, on_existing).kind == "upload"


@pytest.mark.parametrize(
    ("on_existing", "kind"), [(None, "replace"), ("replace", "replace"), ("skip", "skip"), ("error", "error")]
)
def test_other_modes_do_not_compare_the_content(on_existing: str | None, kind: str) -> None:
    """Other modes do not compare the content."""
    assert decide(row(), FILE, SAME, on_existing).kind == kind


@pytest.mark.parametrize(
    ("request_", "content", "kind"),
    [
        (row(), SAME, "unchanged"),
        (row(tags="red"), SAME, "unchanged"),
        (row(tags="blue"), SAME, "update"),
        (row(isPublished="false"), SAME, "update"),
        (row(isPrivateFile="true"), SAME, "replace"),
        (row(), OTHER, "replace"),
        (row(tags="blue"), OTHER, "replace"),
    ],
)
def test_sync_does_what_differs(request_: UploadRequest, content: Any, kind: str) -> None:
    """Sync does what differs."""
    assert decide(request_, FILE, content, "sync").kind == kind


@pytest.mark.parametrize(
    ("size", "fingerprint", "known", "same"),
    [
        (10, Fingerprint(), None, True),
        (11, Fingerprint(), None, False),
        (None, Fingerprint(), None, False),
        (10, HASH, KNOWN, True),
        (10, OTHER_HASH, KNOWN, False),
        (11, HASH, KNOWN, False),
        (None, HASH, KNOWN, True),
        (10, HASH, None, True),
        (10, HASH, KNOWN._replace(file_id="f2"), False),
        (10, HASH, KNOWN._replace(version_id="v2"), False),
        (10, HASH, KNOWN._replace(size=9), False),
        (10, HASH, KNOWN._replace(version_id=None, size=None), True),
        (10, HASH, KNOWN._replace(fingerprint="etag:aa"), True),
        (None, HASH, KNOWN._replace(fingerprint="etag:aa"), False),
        (11, Fingerprint("column", "2026"), KNOWN._replace(fingerprint="column:2026"), True),
        (10, Fingerprint("column", "2027"), KNOWN._replace(fingerprint="column:2026"), False),
        (11, Fingerprint("column", "2026"), None, False),
    ],
)
def test_content_is_the_same_by_what_is_known_of_the_very_file_and_else_by_size(
    size: int | None, fingerprint: Fingerprint, known: KnownFile | None, *, same: bool
) -> None:
    """Content is the same by what is known of the very file and else by size."""
    assert same_content(size, fingerprint, FILE, known).same is same


def test_the_reason_says_that_only_the_size_was_compared() -> None:
    """The reason says that only the size was compared."""
    assert "only the size was compared" in decide(row(), FILE, SAME, "sync").reason


def test_a_file_whose_size_is_not_listed_is_another_one() -> None:
    """A file whose size is not listed is another one."""
    assert not same_content(10, Fingerprint(), {**FILE, "size": None}, None).same


def test_the_reason_of_an_update_names_the_details() -> None:
    """The reason of an update names the details."""
    assert decide(row(tags="blue"), FILE, SAME, "sync").reason.endswith("Different: tags.")


def test_a_new_target_is_not_overwritten() -> None:
    """A new target is not overwritten."""
    assert as_new(row(overwriteFile="true")).fields["overwriteFile"] == "false"


def test_a_replacement_keeps_all_that_the_row_does_not_give() -> None:
    """A replacement keeps all that the row does not give."""
    there = {
        **FILE,
        "isPrivateFile": True,
        "isPublished": False,
        "description": "A shoe",
        "customCoordinates": "1,2,3,4",
    }
    assert as_replacement(row(), there).fields == {
        **row().fields,
        "overwriteTags": "false",
        "overwriteAITags": "false",
        "overwriteCustomMetadata": "false",
        "isPrivateFile": "true",
        "isPublished": "false",
        "description": "A shoe",
        "customCoordinates": "1,2,3,4",
    }


def test_a_replacement_has_what_the_row_gives() -> None:
    """A replacement has what the row gives."""
    given = {"isPrivateFile": "false", "description": "A boot", "overwriteTags": "true"}
    fields = as_replacement(row(**given), {**FILE, "isPrivateFile": True, "description": "A shoe"}).fields
    assert fields.items() >= given.items()


def test_metadata_that_the_row_does_not_give_survives_beside_that_it_gives() -> None:
    """Metadata that the row does not give survives beside that it gives."""
    there = {**FILE, "customMetadata": {"brand": "Nike", "color": "red", "none": None}}
    fields = as_replacement(row(customMetadata='{"brand":"Puma"}'), there).fields
    assert json.loads(fields["customMetadata"]) == {"brand": "Puma", "color": "red"}


def test_a_replacement_goes_to_the_very_path_of_the_file() -> None:
    """A replacement goes to the very path of the file."""
    fields = as_replacement(row(fileName="a_b.jpg"), {**FILE, "filePath": "/in/a b.jpg"}).fields
    assert (fields["folder"], fields["fileName"]) == ("/in", "a b.jpg")
