"""`delete`, `add_tags`, `remove_tags`, `purge`: files in the library, changed frame by frame."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import polars
import pytest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

SHOP = ikpipe.Account("public_shop", "private_shop")
QUICK = ikpipe.Policy(changes=0)


@pytest.fixture
def stored(account: Account, request: pytest.FixtureRequest) -> pd.DataFrame:
    """Put four files into a folder of the test's own, and a row that is none."""
    frame = pd.DataFrame(
        {"file": [b"1", b"2", b"3", b"4", None], "tags": ["a,b", "a", None, "b", None]}, index=[*"pqrst"]
    )
    folder = f"/{request.node.name.partition('[')[0]}"
    return ikpipe.upload(frame, account, file_name="x.txt", folder=folder, progress=False)


def tags_of(results: pd.DataFrame, account: Account) -> list[Any]:
    """Ask which tags the files have now."""
    folder = results["ik_file_path"].iloc[0].rpartition("/")[0]
    found = ikpipe.files(account, path=folder).set_index("fileId")["tags"]
    return [found.get(file) for file in results["ik_file_id"].dropna()]


def test_files_are_deleted(stored: pd.DataFrame, account: Account) -> None:
    """What a pipeline put up, it takes down; each row says what became of it, and the input stays."""
    found = stored.iloc[1:].pipe(ikpipe.delete, account, dry_run=False, policy=QUICK)
    assert found["ik_change"].tolist() == ["done", "done", "done", "none"]
    assert found.index.tolist() == [*"qrst"]
    assert tags_of(stored, account) == [["a", "b"], None, None, None]
    again = ikpipe.delete(stored, account, dry_run=False, policy=QUICK)
    assert again["ik_change"].tolist() == ["done", "absent", "absent", "absent", "none"]
    assert "ik_change" not in stored


def test_deleting_is_a_dry_run_unless_said(stored: pd.DataFrame, account: Account) -> None:
    """It cannot be undone: by default it only says what it would do."""
    assert ikpipe.delete(stored, account)["ik_change"].tolist() == ["planned"] * 4 + ["none"]
    assert len(ikpipe.files(account, path=stored["ik_file_path"].iloc[0].rpartition("/")[0])) == 4


def test_a_listing_is_taken_as_well(stored: pd.DataFrame, account: Account) -> None:
    """What `files` finds can be deleted as it is."""
    folder = stored["ik_file_path"].iloc[0].rpartition("/")[0]
    listed = ikpipe.files(account, path=folder, search='tags IN ["a"]')
    assert ikpipe.delete(listed, account, dry_run=False)["ik_change"].tolist() == ["done", "done"]
    assert ikpipe.files(account, path=folder)["fileId"].tolist() == stored["ik_file_id"].iloc[2:4].tolist()


def test_tags_are_added_and_removed(stored: pd.DataFrame, account: Account) -> None:
    """For all rows the same, as a list or as text."""
    added = stored.pipe(ikpipe.add_tags, account, ["sale", "new"])
    assert added["ik_change"].tolist() == ["done"] * 4 + ["none"]
    assert tags_of(stored, account) == [
        ["a", "b", "sale", "new"],
        ["a", "sale", "new"],
        ["sale", "new"],
        ["b", "sale", "new"],
    ]
    ikpipe.remove_tags(stored, account, "a, new")
    assert tags_of(stored, account) == [["b", "sale"], ["sale"], ["sale"], ["b", "sale"]]


def test_each_row_may_have_tags_of_its_own(stored: pd.DataFrame, account: Account) -> None:
    """From a column; rows without any are left alone."""
    frame = stored.assign(more=["x,y", "z", None, "x,y", "x"])
    found = ikpipe.add_tags(frame, account, column="more")
    assert found["ik_change"].tolist() == ["done", "done", "none", "done", "none"]
    assert tags_of(stored, account) == [["a", "b", "x", "y"], ["a", "z"], None, ["b", "x", "y"]]


@pytest.mark.parametrize("change", [ikpipe.add_tags, ikpipe.remove_tags])
def test_tagging_has_a_dry_run(change: Any, stored: pd.DataFrame, account: Account) -> None:
    """With `dry_run=True`, nothing is asked of the service."""
    before = tags_of(stored, account)
    assert change(stored, account, "a", dry_run=True)["ik_change"].tolist() == ["planned"] * 4 + ["none"]
    assert tags_of(stored, account) == before


def test_addresses_are_purged(stored: pd.DataFrame, emulator: Emulator, account: Account) -> None:
    """Each address once, and the message is the id of the order, which the service knows."""
    twice = pd.concat([stored, stored.iloc[:1]])
    before = len(emulator.log())
    found = ikpipe.purge(twice, account)
    assert found["ik_change"].tolist() == ["done"] * 4 + ["none", "done"]
    assert [entry["path"] for entry in emulator.log()[before:]] == ["/v1/files/purge"] * 4
    order = found["ik_change_message"].iloc[0]
    auth = (str(account.private_key), "")
    assert httpx.get(f"{account.api_url}/v1/files/purge/{order}", auth=auth).json() == {"status": "Completed"}
    assert ikpipe.purge(stored, account, dry_run=True)["ik_change"].tolist() == ["planned"] * 4 + ["none"]


class Api(httpx.AsyncBaseTransport):
    """A media API that changes everything but these files, and notes what it was asked."""

    def __init__(self, absent: str = "", *, tells: bool = True, **answer: Any) -> None:
        self.absent, self.tells, self.answer, self.asked = {*absent.split()}, tells, answer, list[Any]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        asked = json.loads(await request.aread())
        self.asked.append(asked)
        if self.answer:
            return httpx.Response(**self.answer)
        missing = [file for file in asked["fileIds"] if file in self.absent]
        if missing:
            told = {"missingFileIds": missing} if self.tells else {}
            return httpx.Response(404, json={"message": "The requested file(s) does not exist.", **told})
        return httpx.Response(200, json={"successfullyUpdatedFileIds": asked["fileIds"]})


def ids(count: int) -> pd.DataFrame:
    """Make a frame of so many files."""
    return pd.DataFrame({"fileId": [f"f{n}" for n in range(count)]})


@pytest.mark.parametrize(
    ("change", "sizes"),
    [(ikpipe.delete, [100, 100, 50]), (lambda *given, **named: ikpipe.add_tags(*given, "a", **named), [50] * 5)],
)
def test_batches_are_as_large_as_they_may_be(change: Any, sizes: list[int]) -> None:
    """100 files are deleted at once, 50 tagged (spec); each file is there once."""
    api = Api()
    frame = pd.concat([ids(250), ids(3)])
    found = change(frame, SHOP, dry_run=False, policy=QUICK, transport=api)
    assert [len(asked["fileIds"]) for asked in api.asked] == sizes
    assert [file for asked in api.asked for file in asked["fileIds"]] == ids(250)["fileId"].tolist()
    assert found["ik_change"].tolist() == ["done"] * 253


@pytest.mark.parametrize(("tells", "most"), [(True, 2), (False, 30)])
def test_one_that_is_not_there_holds_up_no_other(most: int, *, tells: bool) -> None:
    """The service changes all of a batch or nothing: what it has not is left out, also if it does not say which."""
    api = Api("f3 f77", tells=tells)
    found = ikpipe.delete(ids(90), SHOP, dry_run=False, policy=QUICK, transport=api)
    assert found.index[found["ik_change"] == "absent"].tolist() == [3, 77]
    assert (found["ik_change"] == "done").sum() == 88
    assert len(api.asked) <= most


@pytest.mark.parametrize("tells", [True, False])
def test_none_that_is_there(*, tells: bool) -> None:
    """All of them may be gone."""
    api = Api("f0 f1 f2", tells=tells)
    assert (
        ikpipe.delete(ids(3), SHOP, dry_run=False, policy=QUICK, transport=api)["ik_change"].tolist() == ["absent"] * 3
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status_code": 500}, "status 500"),
        ({"status_code": 400, "json": {"message": "No."}}, "No."),
        ({"status_code": 200, "json": {"successfullyDeletedFileIds": []}}, "gave no reason"),
    ],
)
def test_what_the_service_does_not_do_has_failed(answer: Any, words: str) -> None:
    """Each row of the batch says why; the next batch is asked for all the same."""
    api = Api(**answer)
    found = ikpipe.delete(ids(150), SHOP, dry_run=False, policy=QUICK, transport=api)
    assert set(found["ik_change"]) == {"failed"}
    assert words in found["ik_change_message"].iloc[0]
    assert len(api.asked) == 2


def test_a_purge_that_fails() -> None:
    """Also of one address."""
    frame = pd.DataFrame({"url": ["https://ik.example/a.jpg"]})
    found = ikpipe.purge(frame, SHOP, policy=QUICK, transport=Api(status_code=400, json={"message": "No."}))
    assert found[["ik_change", "ik_change_message"]].iloc[0].tolist() == [
        "failed",
        "The media API answered with status 400: No.",
    ]


def test_a_rate_limit_is_waited_out(emulate: Callable[..., Emulator]) -> None:
    """The API is rate-limited: its wait is kept, and all are deleted."""
    emulator = emulate(api_rate=1, rate_interval=200)
    results = ikpipe.upload(pd.DataFrame({"file": [b"1", b"2"]}), emulator.account, file_name="a", progress=False)
    ikpipe.files(emulator.account)
    found = ikpipe.delete(results, emulator.account, dry_run=False)
    assert found["ik_change"].tolist() == ["done", "done"]
    assert [entry["status"] for entry in emulator.log()][-2:] == [429, 200]


def test_requests_are_paced() -> None:
    """No more changes a second are asked for than `Policy.changes` says; five by default."""
    began = time.monotonic()
    ikpipe.delete(ids(500), SHOP, dry_run=False, policy=ikpipe.Policy(changes=50), transport=Api())
    assert 4 / 50 <= time.monotonic() - began < 30
    assert ikpipe.Policy().changes == 5


def test_a_refused_key_stops_it() -> None:
    """An account that is refused is an error, not a frame of failures."""
    with pytest.raises(ikpipe.AccountError, match=r"rejected the private key: .* Copy both keys from one account"):
        ikpipe.delete(
            ids(1),
            SHOP,
            dry_run=False,
            transport=Api(status_code=403, json={"message": "No."}, headers={"x-ik-requestid": "1"}),
        )
    with pytest.raises(ikpipe.AccountError, match="IMAGEKIT_PRIVATE_KEY"):
        ikpipe.delete(ids(1), ikpipe.Account("public_shop"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda frame: ikpipe.delete(frame.rename(columns={"fileId": "ik_file_ids"}), SHOP),
            "did you mean 'ik_file_ids'",
        ),
        (lambda frame: ikpipe.purge(frame, SHOP), "'ik_url' or 'url'"),
        (lambda frame: ikpipe.add_tags(frame, SHOP), "Use either tags="),
        (lambda frame: ikpipe.add_tags(frame, SHOP, "a", column="fileId"), "Use either tags="),
        (lambda frame: ikpipe.add_tags(frame, SHOP, []), "no tags"),
        (lambda frame: ikpipe.add_tags(frame, SHOP, "50%"), 'cannot contain "%"'),
        (lambda frame: ikpipe.add_tags(frame, SHOP, column="tag"), "no column 'tag'"),
        (lambda _frame: ikpipe.delete({"fileId": [1]}, SHOP), "Use a pandas"),
    ],
)
def test_a_call_that_does_not_fit_is_an_error(change: Any, words: str) -> None:
    """What is missing is named."""
    with pytest.raises(ikpipe.MappingError, match=words):
        change(ids(2))


def test_a_frame_of_another_library_comes_back_as_such() -> None:
    """Polars in, polars out, the other columns untouched."""
    frame = polars.DataFrame({"fileId": ["f1", None], "tags": [["a"], ["b"]], "ik_change": ["old", "old"]})
    found = ikpipe.delete(frame, SHOP)
    assert isinstance(found, polars.DataFrame)
    assert found["ik_change"].to_list() == ["planned", "none"]
    assert found["tags"].to_list() == [["a"], ["b"]]
