"""`webhooks.apply` and `refresh`: what finishes later comes into the results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import polars
import pytest
from webhooking import READY, TAGGED, UNTAGGED, event

import ikpipe
from ikpipe import webhooks
from ikpipe.request.result import RESULT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    """Make a results frame."""
    made = pd.DataFrame({"sku": range(len(rows)), **dict.fromkeys(RESULT_COLUMNS)}, index=[*"abcdef"][: len(rows)])
    for place, row in enumerate(rows):
        for name, value in row.items():
            made.at[made.index[place], f"ik_{name}"] = value  # noqa: PD008 - `loc` would unpack lists
    kinds = {column: kind for column, kind in RESULT_COLUMNS.items() if kind != "object"}
    made = made.astype(kinds)
    made.attrs["ikpipe"] = {"run": "r", "counts": {"accepted": 1}}
    return made


UP = {
    "status": "uploaded",
    "file_id": "f1",
    "extension_status": {"google-auto-tagging": "pending", "remove-bg": "success"},
}
WAITING = {"status": "accepted", "request_id": "req-1", "message": "queued"}
OTHER = {"status": "failed", "error": "refused"}


def test_an_extension_s_end_comes_into_its_row() -> None:
    """Status and AI tags are filled in; the others, and the input, stay as they are."""
    results = frame(OTHER, UP)
    found = results.pipe(webhooks.apply, [TAGGED, UNTAGGED])
    assert found.loc["b", "ik_extension_status"] == {
        "google-auto-tagging": "success",
        "remove-bg": "success",
        "aws-auto-tagging": "failed",
    }
    assert found.loc["b", "ik_ai_tags"][0]["name"] == "Shoe"
    assert results.loc["b", "ik_extension_status"]["google-auto-tagging"] == "pending"
    pd.testing.assert_frame_equal(found.loc[["a"]], results.loc[["a"]])
    assert found.dtypes.to_dict() == results.dtypes.to_dict()


def test_an_accepted_row_is_filled_in() -> None:
    """The event of its pre-transformation, found by the request's id, makes it `uploaded`, with all details."""
    found = webhooks.apply(frame(WAITING, OTHER), [webhooks.parse(READY)])
    row = found.loc["a"]
    assert (row["ik_status"], row["ik_file_id"], row["ik_file_path"], row["ik_width"]) == (
        "uploaded",
        "f1",
        "/a.jpg",
        40,
    )
    assert pd.isna(row["ik_message"])
    assert found.attrs["ikpipe"] == {"run": "r", "counts": {"uploaded": 1, "failed": 1}}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_an_accepted_row_out_of_a_file_is_filled_in(ending: str, tmp_path: Path) -> None:
    """What was written in the evening is filled in the next morning: by its events, or by asking."""
    path = tmp_path / f"results.{ending}"
    ikpipe.write_results(frame({**WAITING, "file_path": "/a.jpg"}, OTHER), path)
    library = Library({"fileId": "f1", "filePath": "/a.jpg", "name": "a.jpg", "width": 40})
    found = [
        ikpipe.read_results(path).pipe(webhooks.apply, [READY]),
        ikpipe.read_results(path).pipe(ikpipe.refresh, SHOP, transport=library),
    ]
    for one in found:
        assert one["ik_status"].tolist() == ["uploaded", "failed"]
        assert one[["ik_file_id", "ik_name", "ik_width"]].iloc[0].tolist() == ["f1", "a.jpg", 40]


def test_a_pre_transformation_that_failed() -> None:
    """The row is `failed`, with the service's reason: `retry` sends it again once it is mended."""
    data = {"name": "a", "path": "/a", "transformation": {"error": {"reason": "no such focus"}}}
    body = event("upload.pre-transform.error", data, request={"x_request_id": "req-1", "transformation": "w"})
    row = webhooks.apply(frame(WAITING), [body]).iloc[0]
    assert (row["ik_status"], row["ik_error"], row["ik_message"]) == ("failed", "bad_transformation", "no such focus")


def test_the_order_of_different_events_does_not_matter() -> None:
    """An extension that ended before its file's pre-transformation was told is not lost."""
    row = webhooks.apply(frame(WAITING), [TAGGED, READY]).iloc[0]
    assert row["ik_extension_status"] == {"google-auto-tagging": "success"}


def test_an_event_twice_is_as_once() -> None:
    """Events can be applied again."""
    once = webhooks.apply(frame(WAITING, UP), [READY, TAGGED])
    pd.testing.assert_frame_equal(webhooks.apply(once, [READY, TAGGED]), once)


def test_events_of_others_change_nothing() -> None:
    """Other files, other requests, other kinds."""
    results = frame({**UP, "file_id": "f2"}, {**WAITING, "request_id": "req-2"})
    others = [READY, TAGGED, event("folder.created", {}), event("file.deleted", {"fileId": "f2"})]
    found = webhooks.apply(results, others)
    pd.testing.assert_frame_equal(found, results)


def test_a_file_that_was_updated() -> None:
    """Its details are taken anew."""
    found = webhooks.apply(frame(UP), [event("file.updated", {"fileId": "f1", "tags": ["new"], "size": 9})])
    assert found.iloc[0][["ik_tags", "ik_size"]].tolist() == [["new"], 9]


def test_what_a_file_has_no_longer_goes() -> None:
    """Tags that were all removed are null in the details; what these do not speak of stays."""
    row = {**UP, "tags": ["old"], "ai_tags": [{"name": "Shoe"}], "custom_coordinates": "1,2,3,4"}
    gone = {"fileId": "f1", "tags": None, "AITags": None, "customCoordinates": None}
    found = webhooks.apply(frame(row), [event("file.updated", gone)]).iloc[0]
    assert found[["ik_tags", "ik_ai_tags", "ik_custom_coordinates"]].isna().all()
    kept = webhooks.apply(frame(row), [event("file.updated", {"fileId": "f1", "name": "b"})]).iloc[0]
    assert kept[["ik_name", "ik_tags", "ik_custom_coordinates"]].tolist() == ["b", ["old"], "1,2,3,4"]


def changed(tag: str, at: str, **more: Any) -> bytes:
    """Tell of a file that was updated then."""
    body = {"type": "file.updated", "created_at": at, "data": {"fileId": "f1", "tags": [tag], **more}}
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "late",
    [
        changed("old", "2026-11-23T10:00:00.000Z"),
        changed("old", "2026-11-23T10:00:00"),
        changed("old", "2026-11-23T12:00:00.000Z", updatedAt="2026-11-23T10:00:00.000Z"),
    ],
    ids=["aware", "without a zone", "told late"],
)
def test_what_is_newer_wins(late: bytes) -> None:
    """A webhook that was sent again hours later does not bring older details back."""
    new = changed("new", "2026-11-23T11:00:00.000Z")
    for events in ([late, new], [new, late]):
        assert webhooks.apply(frame(UP), [TAGGED, *events]).iloc[0]["ik_tags"] == ["new"]


def test_an_end_is_not_undone() -> None:
    """Details that were written before an extension ended call it pending still; its end was told."""
    body = json.loads(UNTAGGED) | {
        "fileObject": {"fileId": "f1", "extensionStatus": {"google-auto-tagging": "pending"}}
    }
    row = webhooks.apply(frame(UP), [TAGGED, body]).iloc[0]
    assert row["ik_extension_status"]["google-auto-tagging"] == "success"
    again = webhooks.apply(frame(UP), [body]).iloc[0]
    assert again["ik_extension_status"]["google-auto-tagging"] == "pending"


def test_a_row_that_is_there_twice() -> None:
    """Two frames put together have a request in two rows: both are filled in."""
    found = webhooks.apply(frame(WAITING, WAITING), [READY])
    assert found["ik_status"].tolist() == ["uploaded", "uploaded"]


def test_a_stored_file_does_not_fail() -> None:
    """Once a pre-transformation has succeeded, its file is there: no row is to be sent a second time."""
    data = {"transformation": {"error": {"reason": "timed out"}}}
    failed = event("upload.pre-transform.error", data, request={"x_request_id": "req-1"})
    for events in ([READY, failed], [failed, READY]):
        row = webhooks.apply(frame(WAITING), events).iloc[0]
        assert (row["ik_status"], row["ik_file_id"]) == ("uploaded", "f1")
        assert pd.isna(row["ik_error"])


def test_a_frame_of_another_library_comes_back_as_such() -> None:
    """Polars in, polars out."""
    results = polars.DataFrame({"sku": [1], "ik_status": ["accepted"], "ik_request_id": ["req-1"]})
    found = webhooks.apply(results, [READY])
    assert isinstance(found, polars.DataFrame)
    assert found["ik_file_id"].to_list() == ["f1"]


def test_only_results_are_taken() -> None:
    """A frame without `ik_status` is no results frame."""
    with pytest.raises(ikpipe.MappingError, match="ik_status"):
        webhooks.apply(pd.DataFrame({"a": [1]}), [])


class Library(httpx.AsyncBaseTransport):
    """A media API with files of these details, which notes what it is asked."""

    def __init__(self, *files: dict[str, Any]) -> None:
        self.files, self.asked = files, list[str]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give details by id, or the list of all."""
        path = request.url.path
        self.asked.append(path)
        if path == "/v1/files":
            return httpx.Response(200, json=list(self.files))
        found = [file for file in self.files if path == f"/v1/files/{file['fileId']}/details"]
        return httpx.Response(200, json=found[0]) if found else httpx.Response(404, json={"message": "No such file."})


SHOP = ikpipe.Account("public_shop", "private_shop")


def test_refresh_asks_for_what_is_open() -> None:
    """A pending tagger whose tags are there has ended; rows with nothing open are not asked for."""
    library = Library({"fileId": "f1", **json.loads(TAGGED)["fileObject"]})
    found = ikpipe.refresh(frame(UP, OTHER, {**UP, "extension_status": None}), SHOP, transport=library)
    assert found.iloc[0]["ik_extension_status"] == {"google-auto-tagging": "success", "remove-bg": "success"}
    assert found.iloc[0]["ik_ai_tags"][0]["name"] == "Shoe"
    assert library.asked == ["/v1/files/f1/details"]


def test_refresh_believes_the_status_that_it_is_told() -> None:
    """Should the details have the extensions' status, it is that."""
    library = Library({"fileId": "f1", "extensionStatus": {"google-auto-tagging": "failed"}})
    found = ikpipe.refresh(frame(UP), SHOP, transport=library)
    assert found.iloc[0]["ik_extension_status"] == {"google-auto-tagging": "failed", "remove-bg": "success"}


def test_refresh_finds_an_accepted_row_by_its_own_name() -> None:
    """A name that ikpipe made is nobody else's: the file there is the row's."""
    library = Library({"fileId": "f9", "filePath": "/b_x1.jpg", "name": "b_x1.jpg", "size": 5})
    rows = [{**WAITING, "file_path": "/b_x1.jpg"}, {**WAITING, "file_path": "/gone.jpg"}, WAITING]
    found = ikpipe.refresh(frame(*rows), SHOP, transport=library)
    assert found["ik_status"].tolist() == ["uploaded", "accepted", "accepted"]
    assert found.iloc[0][["ik_file_id", "ik_size"]].tolist() == ["f9", 5]


def test_refresh_leaves_a_file_that_is_gone() -> None:
    """What was there and is not any more keeps its row."""
    results = frame(UP)
    pd.testing.assert_frame_equal(ikpipe.refresh(results, SHOP, transport=Library()), results)


class Weak(Library):
    """The same with outages: the answers to these paths are 502."""

    def __init__(self, *files: dict[str, Any], out: str) -> None:
        super().__init__(*files)
        self.out = out

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Fail, or not."""
        fails = self.out in request.url.path
        self.asked += [request.url.path] * fails
        return httpx.Response(502) if fails else await super().handle_async_request(request)


def test_refresh_leaves_a_row_that_could_not_be_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    """An outage in the middle does not take away what was learnt of the others; the log says how many were left."""
    files = [{**json.loads(TAGGED)["fileObject"], "fileId": one} for one in ("f1", "f2", "f3")]
    rows = [{**UP, "file_id": file["fileId"]} for file in files]
    found = ikpipe.refresh(frame(*rows), SHOP, transport=Weak(*files, out="f2"))
    ends = [status["google-auto-tagging"] for status in found["ik_extension_status"]]
    assert ends == ["success", "pending", "success"]
    assert "1 of 3 rows" in caplog.text


def test_refresh_of_nothing_that_can_be_asked_for_is_an_error() -> None:
    """Where no row could be asked for, it says why, and does not go through thousands."""
    library = Weak(out="/v1/")
    with pytest.raises(ikpipe.Error, match="502"):
        ikpipe.refresh(pd.concat([frame(UP)] * 60), SHOP, transport=library)
    assert len(library.asked) < 30
    with pytest.raises(ikpipe.Error, match="502"):
        ikpipe.refresh(frame(UP), SHOP, transport=library)


def test_every_asks_for_all(account: Account, picture: Callable[..., bytes]) -> None:
    """`every=True` brings the details of all files that are up, from the emulator's own library."""
    two = pd.DataFrame({"file": [picture(1), picture(2)]})
    results = ikpipe.upload(two, account, file_name="r.png", folder="/refresh", progress=False)
    asked = {"fileIds": [results["ik_file_id"].iloc[0]], "tags": ["later"]}
    httpx.post(f"{account.api_url}/v1/files/addTags", json=asked, auth=(str(account.private_key), ""))
    found = ikpipe.refresh(results, account, every=True)
    assert found["ik_tags"].tolist() == [["later"], None]
    same = ["ik_status", "ik_url", "ik_size", "ik_name"]
    pd.testing.assert_frame_equal(found[same], results[same])


def test_an_accepted_row_notes_where_it_will_be() -> None:
    """Of a 202, the row keeps the path that its own name has, so that `refresh` can look there."""

    async def queued(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(202, json={"message": "The pre-transformation has been queued successfully."})

    found = ikpipe.upload(
        pd.DataFrame({"file": [b"x"]}),
        SHOP,
        file_name="a.jpg",
        folder="/p",
        progress=False,
        transport=httpx.MockTransport(queued),
    )
    assert found["ik_status"].tolist() == ["accepted"]
    assert found["ik_file_path"].iloc[0].startswith("/p/a_")
