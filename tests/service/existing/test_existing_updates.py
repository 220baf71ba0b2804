"""Rows whose content is there, and whose details are not: the file's details are changed in place."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from rows import blobs, quiet

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]

_FOLDERS = count()
SOON = ikpipe.Policy(first_wait=0.01, changes=0, look_ups=0)


@pytest.fixture
def folder() -> str:
    """Return a folder that no other test uses."""
    return f"/updates/{next(_FOLDERS)}"


def send(account: Account, folder: str, content: bytes = b"1", **options: Any) -> pd.Series[Any]:
    """Upload one row, and return its result."""
    frame = blobs(content)
    keywords = {"file_name": "a.bin", "folder": folder, "on_existing": "sync", "policy": SOON, **options}
    return quiet(frame, account, **keywords).loc[0]


def listed(account: Account, folder: str) -> dict[str, Any]:
    """Return the file in a folder."""
    (file,) = ikpipe.files(account, path=folder).to_dict("records")
    return file


class Meddling(httpx.AsyncHTTPTransport):
    """A transport that does something before a request of a method, once, or answers it."""

    def __init__(self, method: str, act: Callable[[], httpx.Response | None], times: int = 1) -> None:
        super().__init__()
        self._method, self._act, self._left = method, act, times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if request.method == self._method and self._left:
            self._left -= 1
            if (response := self._act()) is not None:
                return response
        return await super().handle_async_request(request)


@pytest.mark.parametrize(
    ("parameter", "before", "now", "column"),
    [
        ("tags", "red", ["red", "blue"], "ik_tags"),
        ("custom_coordinates", "1,1,1,1", "2,2,2,2", "ik_custom_coordinates"),
    ],
)
def test_other_details_are_changed_without_an_upload(
    parameter: str, before: Any, now: Any, column: str, folder: str, account: Account, arrived: Arrived
) -> None:
    """The result has them, and the file keeps its version."""
    first = send(account, folder, **{parameter: before})
    row = send(account, folder, **{parameter: now})
    assert (row["ik_status"], row[column]) == ("updated", now)
    assert (row["ik_file_id"], row["ik_version_id"]) == (first["ik_file_id"], first["ik_version_id"])
    assert len(arrived()) == 1
    assert send(account, folder, **{parameter: now})["ik_status"] == "unchanged"


def test_a_description_is_changed(folder: str, account: Account) -> None:
    """Results have no column for it."""
    send(account, folder, description="A shoe")
    assert send(account, folder, description="A boot")["ik_status"] == "updated"
    assert listed(account, folder)["description"] == "A boot"


def test_metadata_is_changed_key_by_key(folder: str, emulate: Callable[..., Emulator]) -> None:
    """Values that the row does not give stay."""
    emulator = emulate()
    for name in ("brand", "color"):
        field = {"name": name, "label": name, "schema": {"type": "Text"}}
        httpx.post(f"{emulator.url}/v1/customMetadataFields", json=field, auth=(emulator.private_key, ""))
    account = emulator.account
    send(account, folder, custom_metadata={"brand": "Nike", "color": "red"})
    row = send(account, folder, custom_metadata={"brand": "Puma"})
    assert (row["ik_status"], row["ik_custom_metadata"]) == ("updated", {"brand": "Puma", "color": "red"})
    assert send(account, folder, b"22", custom_metadata={"brand": "Asics"})["ik_status"] == "uploaded"
    assert listed(account, folder)["customMetadata"] == {"brand": "Asics", "color": "red"}


def test_publication_is_changed_beside_other_details(folder: str, emulate: Callable[..., Emulator]) -> None:
    """It takes a request of its own."""
    account = emulate(drafts=True).account
    send(account, folder)
    row = send(account, folder, is_published=False, tags="red")
    assert (row["ik_status"], row["ik_is_published"], row["ik_tags"]) == ("updated", False, ["red"])
    assert send(account, folder, is_published=False)["ik_status"] == "unchanged"
    assert send(account, folder, b"22")["ik_status"] == "uploaded"
    assert listed(account, folder)["isPublished"] is False


@pytest.mark.parametrize("status", [429, 500, 502])
def test_a_change_that_fails_for_the_moment_is_sent_again(status: int, folder: str, account: Account) -> None:
    """It can be repeated without harm."""
    send(account, folder)
    headers = {"x-ik-requestid": "1", "x-ratelimit-reset": "5"}
    busy = Meddling("PATCH", lambda: httpx.Response(status, json={"message": "Sorry."}, headers=headers), times=2)
    assert send(account, folder, tags="red", transport=busy)["ik_status"] == "updated"


def test_a_change_that_was_made_although_its_answer_was_lost_is_made_again(folder: str, account: Account) -> None:
    """Nothing is lost, and nothing is done twice."""
    send(account, folder)

    def cut() -> None:
        """Cut."""
        raise httpx.ReadError("cut")

    assert send(account, folder, tags="red", transport=Meddling("PATCH", cut))["ik_status"] == "updated"
    assert listed(account, folder)["tags"] == ["red"]


def test_a_change_that_is_refused_fails_its_row_and_leaves_the_file(folder: str, account: Account) -> None:
    """The reason is said."""
    first = send(account, folder)
    refusal = httpx.Response(400, json={"message": "Tags are full."}, headers={"x-ik-requestid": "1"})
    row = send(account, folder, tags="red", transport=Meddling("PATCH", lambda: refusal))
    assert (row["ik_status"], row["ik_error"]) == ("failed", "update_failed")
    assert "Tags are full." in row["ik_message"]
    assert pd.isna(row["ik_file_id"])
    assert listed(account, folder)["fileId"] == first["ik_file_id"]


def test_a_file_that_is_deleted_before_it_is_changed_is_uploaded(folder: str, account: Account) -> None:
    """It is a new file then."""
    first = send(account, folder)

    def delete() -> None:
        """Delete."""
        ikpipe.delete(pd.DataFrame({"fileId": [first["ik_file_id"]]}), account, dry_run=False)

    row = send(account, folder, tags="red", transport=Meddling("PATCH", delete))
    assert row["ik_status"] == "uploaded"
    assert row["ik_file_id"] != first["ik_file_id"]
    assert listed(account, folder)["tags"] == ["red"]
