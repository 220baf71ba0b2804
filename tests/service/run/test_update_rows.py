"""Rows of an update that break rules, and a service that fails: each row says what became of it."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

_FOLDERS = count()
SOON = ikpipe.Policy(first_wait=0.01, changes=0, look_ups=0)


@pytest.fixture
def results(account: Account) -> pd.DataFrame:
    """Upload three files to a folder that no other test uses."""
    frame = pd.DataFrame({"file": [b"1", b"2", b"3"], "sku": [*"abc"]})
    options = {"file_name": "{sku}.txt", "folder": f"/update_rows/{next(_FOLDERS)}", "use_unique_file_name": False}
    return ikpipe.upload(frame, account, progress=False, **options)


def change(frame: Any, account: Account, **options: Any) -> Any:
    """Update without waiting and drawing."""
    return ikpipe.update(frame, account, **{"policy": SOON, "progress": False, **options})


def test_a_row_that_breaks_a_rule_fails_alone(results: pd.DataFrame, account: Account) -> None:
    """The others are changed; the message says what is wrong and what to do."""
    changed = change(results.assign(tags=["x" * 501, None, "y"], description="n"), account)
    assert changed["ik_change"].tolist() == ["failed", "done", "done"]
    assert changed["ik_change_message"][0].startswith("The tags must not exceed 500 characters in all, but have 501.")


def test_custom_metadata_of_no_field(results: pd.DataFrame, emulate: Callable[..., Emulator]) -> None:
    """It is found before anything is sent, whether it is set or removed."""
    account = emulate().account
    stored = ikpipe.upload(results[["sku"]].assign(file=b"x"), account, file_name="{sku}", progress=False)
    for options in ({"custom_metadata": {"colour": "red"}}, {"unset": "custom_metadata.colour"}):
        changed = change(stored, account, **options)
        assert set(changed["ik_change"]) == {"failed"}
        assert "no custom metadata field" in changed["ik_change_message"][0]


class Answering(httpx.AsyncHTTPTransport):
    """A transport that answers requests itself, for as long as a function returns a response."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response | None]) -> None:
        super().__init__()
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, or send it."""
        if (response := self._answer(request)) is not None:
            return response
        return await super().handle_async_request(request)


def failing(times: int, status: int, *methods: str) -> Answering:
    """Return a transport that answers the first requests of some methods with an error."""
    left = [times]

    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.method not in methods or not left[0]:
            return None
        left[0] -= 1
        headers = {"X-RateLimit-Reset": "1", "x-ik-requestid": "1"}
        return httpx.Response(status, headers=headers, json={"message": "no"}, request=request)

    return Answering(answer)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_fails_for_the_moment_is_sent_again(results: pd.DataFrame, account: Account, status: int) -> None:
    """Reads and changes."""
    transport = failing(3, status, "GET", "PATCH", "POST")
    changed = change(results, account, description="x", add_tags="y", transport=transport)
    assert set(changed["ik_change"]) == {"done"}


def test_a_rejected_change_is_its_row_s(results: pd.DataFrame, account: Account) -> None:
    """Nothing more of the row is sent, and what was changed before is said."""
    changed = change(results, account, description="x", add_tags="y", transport=failing(1, 400, "POST"))
    assert set(changed["ik_change"]) == {"failed"}
    assert "Changed before that: description." in changed["ik_change_message"][0]
    assert set(change(results, account, description="x", add_tags="y")["ik_change"]) == {"done"}


def test_a_file_that_is_deleted_meanwhile_is_absent(results: pd.DataFrame, account: Account) -> None:
    """Whether its details, its tags or its path are changed."""
    for options in ({"description": "x"}, {"add_tags": "y"}, {"file_name": "z{sku}.txt"}):
        gone = results.iloc[:1]
        done: list[Any] = []

        def delete(request: httpx.Request, gone: Any = gone, done: Any = done) -> None:
            if request.method != "GET" or request.url.path.endswith("/details"):
                done or done.append(ikpipe.delete(gone, account, dry_run=False))

        transport = Answering(delete)
        assert change(gone, account, transport=transport, **options)["ik_change"].tolist() == ["absent"]
        results = results.iloc[1:]


def test_a_rejected_key_stops_the_run(results: pd.DataFrame, account: Account) -> None:
    """The error has the rows as far as they got."""
    transport = failing(100, 403, "POST")
    frame = pd.concat([results] * 1, ignore_index=True)
    with pytest.raises(ikpipe.AccountError) as caught:
        change(frame, account, description="x", add_tags="y", transport=transport)
    assert caught.value.results["ik_change"].tolist() == ["failed"] * 3
    assert "Changed before that: description" in caught.value.results["ik_change_message"][0]


def test_a_library_that_cannot_be_read(results: pd.DataFrame, account: Account) -> None:
    """Rows fail, and nothing is changed."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        return httpx.Response(400, json={"message": "no"}, request=request)

    changed = change(results, account, description="x", transport=Answering(answer))
    assert set(changed["ik_change"]) == {"failed"}
    assert changed["ik_change_message"][0].startswith("The media library could not be read: ")
    assert {*seen} == {"GET"}


def test_a_file_that_no_search_shows_yet(results: pd.DataFrame, account: Account) -> None:
    """By its id, it is asked for alone."""

    def answer(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(200, json=[], request=request) if request.url.path == "/v1/files" else None

    changed = change(results, account, description="x", transport=Answering(answer))
    assert changed["ik_change"].tolist() == ["done"] * 3


def test_paths_that_differ_in_their_unicode_form(account: Account) -> None:
    """Each names the file of this very path, if there is one."""
    names = ["e\u0301.txt", "\u00e9.txt", "o\u0308.txt"]
    frame = pd.DataFrame({"file": [b"1", b"2", b"3"], "n": names})
    options = {"file_name": "{n}", "folder": f"/update_rows/{next(_FOLDERS)}", "use_unique_file_name": False}
    stored = pd.concat(
        [ikpipe.upload(frame.iloc[[at]], account, progress=False, **options) for at in range(3)]  # two runs, two paths
    )
    paths = [*stored["ik_file_path"][:2], stored["ik_file_path"][2].replace("o\u0308", "\u00f6")]
    changed = change(pd.DataFrame({"file_path": paths, "description": [*"abc"]}), account)
    assert changed["ik_change"].tolist() == ["done"] * 3
    details = ikpipe.files(account, path=options["folder"]).set_index("fileId")["description"]
    assert [details[file] for file in stored["ik_file_id"]] == [*"abc"]


def test_columns_that_occur_twice(results: pd.DataFrame, account: Account) -> None:
    """A column that is used must be the only one of its name; others may occur twice."""
    frame = results[["ik_file_id", "sku", "sku"]]
    assert set(change(frame, account, description="x")["ik_change"]) == {"done"}
    with pytest.raises(ikpipe.MappingError, match="2 columns 'sku'"):
        change(frame, account, description="{sku}")


def test_earlier_outcomes_are_replaced(results: pd.DataFrame, account: Account) -> None:
    """An updated table can be updated again."""
    twice = change(change(results, account, description="x"), account, description="y")
    assert twice.columns.tolist().count("ik_change") == 1
    assert twice["ik_change_message"].tolist() == ["Changed: description."] * 3
    assert ikpipe.summary(twice).counts == {"uploaded": 3}


def test_secrets_are_in_no_message(results: pd.DataFrame, account: Account, capfd: pytest.CaptureFixture[str]) -> None:
    """Nor in the journal."""
    changed = change(results, account, description="x", add_tags="y", transport=failing(1, 400, "POST"))
    shown = changed.to_csv() + str(changed.attrs) + "".join(capfd.readouterr())
    with Path(changed.attrs["ikpipe"]["journal"]).open("rb") as journal:
        assert account.key().encode() not in journal.read()
    assert account.key() not in shown
