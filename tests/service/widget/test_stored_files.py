"""Files in the library are changed, renamed, moved and deleted from the uploader, with undo."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from queue import Queue
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from browsers import Browser

import ikpipe
from ikpipe.request.result import Result
from ikpipe.widget.rows import WidgetRow
from ikpipe.widget.stored_files import Changes, StoredFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ikpipe.emulator import Emulator


class Page(Browser):
    """A page of an uploader whose rows are uploaded, with fixed names."""

    def __init__(self, emulator: Emulator, **options: Any) -> None:
        self.account, names = emulator.account, ["0.txt", "1.txt"]
        frame = pd.DataFrame({"file": [name.encode() for name in names], "file_name": names})
        super().__init__(ikpipe.Uploader(self.account, frame, folder="/in", use_unique_file_name=False, **options))

    def upload(self) -> Page:
        """Upload all rows."""
        self.uploader.send()
        self.wait_idle()
        return self

    def ask(self, **message: Any) -> dict[str, Any]:
        """Send a message, and return its answer."""
        self.say(**message)
        self.wait(lambda: self.answers(message["request"]))
        return self.answers(message["request"])[-1]

    def answers(self, request: str) -> list[dict[str, Any]]:
        """Return the answers to a request so far."""
        return [one for one in self.heard if one.get("request") == request]

    def details(self, row: int = 0) -> dict[str, Any]:
        """Return what the library has of a row's file."""
        file_id = self.uploader.results["ik_file_id"].iloc[row]
        address = f"{self.account.api_url}/v1/files/{file_id}/details"
        known: dict[str, Any] = httpx.get(address, auth=(str(self.account.key()), "")).json()
        return known


@pytest.fixture
def open_stored(emulate: Callable[..., Emulator]) -> Iterator[Callable[..., Page]]:
    """Return a function that opens an uploader whose rows are uploaded."""
    with ExitStack() as stack:
        yield lambda emulator=None, **options: stack.enter_context(Page(emulator or emulate(), **options)).upload()


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("tags", ["a", "b"], {"tags": ["a", "b"]}),
        ("description", "A shirt", {"description": "A shirt"}),
        ("file_name", "new.txt", {"name": "new.txt", "filePath": "/in/new.txt"}),
        ("folder", "/other/place", {"filePath": "/other/place/0.txt"}),
        ("folder", "", {"filePath": "/0.txt"}),
    ],
)
def test_a_detail_is_changed_in_the_library(open_stored: Any, column: str, value: Any, stored: dict[str, Any]) -> None:
    """The row, the results and the page have it, too; undo and redo change it back and again."""
    page = open_stored()
    before = page.details()
    answer = page.ask(type="change", request="c", ids=["r0"], column=column, value=value, step="s1")
    assert (answer["type"], answer["rows"], answer["failed"]) == ("changed", 1, 0)
    after = page.details()
    assert stored.items() <= after.items()
    assert page.uploader.results["ik_file_path"].iloc[0] == after["filePath"]
    assert page.uploader.results["ik_url"].iloc[0].endswith(after["filePath"])
    assert page.rows["r0"]["state"] == "uploaded"
    assert "changing" not in page.rows["r0"]
    undone = page.ask(type="undo", request="u", step=answer["step"])
    assert (undone["type"], undone["rows"], undone["kept"]) == ("undone", 1, 0)
    assert {name: page.details().get(name) for name in stored} == {name: before.get(name) for name in stored}
    page.ask(type="redo", request="r")
    assert stored.items() <= page.details().items()


def test_a_detail_is_removed(open_stored: Any) -> None:
    """An empty value removes it."""
    page = open_stored(tags=["x"], description="d")
    for number, (column, value) in enumerate([("tags", []), ("description", "")]):
        page.ask(type="change", request=f"c{number}", ids=["r0", "r1"], column=column, value=value)
    assert not page.details()["tags"]
    assert not page.details().get("description")
    assert page.uploader.results["ik_tags"].tolist() == [None, None]


def test_a_name_that_is_taken_is_refused(open_stored: Any) -> None:
    """No file is replaced; the answer has the reason, and the row is as it was."""
    page = open_stored()
    answer = page.ask(type="change", request="c", ids=["r0"], column="file_name", value="1.txt")
    assert (answer["rows"], answer["failed"]) == (0, 1)
    assert "1.txt" in answer["message"]
    assert page.details()["name"] == "0.txt"
    assert page.rows["r0"]["name"] == "0.txt"
    assert page.last("history")["undo"] is None


def test_a_file_that_somebody_deleted_is_reported(open_stored: Any) -> None:
    """Its row stays as it was, and the other files are changed."""
    page = open_stored()
    ikpipe.delete(page.uploader.results.iloc[:1], page.account, dry_run=False)
    answer = page.ask(type="change", request="c", ids=["r0", "r1"], column="tags", value=["x"])
    assert (answer["rows"], answer["failed"]) == (1, 1)
    assert page.details(1)["tags"] == ["x"]


def test_undo_leaves_what_somebody_changed_since(open_stored: Any) -> None:
    """As `ikpipe.undo` does; the other file gets its earlier name."""
    page = open_stored()
    for name in ("a.txt", "b.txt"):
        page.ask(type="change", request=name, ids=[f"r{int(name > 'a.txt')}"], column="file_name", value=name, step="s")
    theirs = page.uploader.results[["ik_file_id"]].iloc[:1].assign(name="theirs.txt")
    ikpipe.update(theirs, page.account, columns={"file_name": "name"}, progress=False)
    answer = page.ask(type="undo", request="u")
    assert (answer["rows"], answer["kept"], answer["failed"]) == (1, 1, 1)
    assert [page.details(row)["name"] for row in (0, 1)] == ["theirs.txt", "1.txt"]
    assert page.uploader.results["ik_name"].tolist() == ["theirs.txt", "1.txt"]


def test_a_file_that_somebody_replaced_is_not_deleted(open_stored: Any) -> None:
    """Deleting would remove a version that nobody here has seen."""
    page = open_stored()
    theirs = pd.DataFrame({"file": [b"theirs"], "file_name": ["0.txt"]})
    ikpipe.upload(theirs, page.account, folder="/in", use_unique_file_name=False, progress=False)
    answer = page.ask(type="delete", request="d", ids=["r0", "r1"])
    assert (answer["rows"], answer["failed"]) == (1, 1)
    assert "replaced" in answer["message"]
    assert [page.rows[row]["state"] for row in ("r0", "r1")] == ["uploaded", "deleted"]
    assert [*ikpipe.files(page.account)["name"]] == ["0.txt"]


async def sent(request: httpx.Request) -> httpx.Response:
    """Send a request, and return its answer as a whole."""
    async with httpx.AsyncHTTPTransport() as network:
        answer = await network.handle_async_request(request)
        await answer.aread()
    headers = {name: value for name, value in answer.headers.items() if name != "content-encoding"}
    return httpx.Response(answer.status_code, headers=headers, content=answer.content)


class LosesAnswers(httpx.AsyncBaseTransport):
    """Sends requests that change something, and loses the answers to the first of them."""

    def __init__(self, lost: int) -> None:
        self.lost = lost

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        answer = await sent(request)
        if self.lost and request.method != "GET":
            self.lost -= 1
            raise httpx.ReadError("lost")
        return answer


LOST = 1_000  # answers: all of them


@pytest.mark.parametrize("lost", [1, LOST])
@pytest.mark.parametrize(
    ("column", "value"), [("tags", ["x"]), ("description", "d"), ("file_name", "new.txt"), ("", "")]
)
def test_a_change_whose_answer_was_lost_is_checked(open_stored: Any, lost: int, column: str, value: Any) -> None:
    """The library says what became of it."""
    page = open_stored()
    result = Result("uploaded", file_id=page.details()["fileId"], file_path="/in/0.txt")
    row, outcomes = WidgetRow("r0", 0, state="uploaded", result=result), Queue[Changes]()
    files = StoredFiles(page.account, ikpipe.Policy(first_wait=0.001, changes=1000), LosesAnswers(lost))
    if column:
        files.change([row], column, [value], outcomes.put)
    else:
        files.delete([row], outcomes.put)
    assert outcomes.get(timeout=20).outcomes == {row: None}
    if not column:
        assert [*ikpipe.files(page.account)["name"]] == ["1.txt"]
    elif column == "file_name":
        assert row.result is not None
        assert (row.result.name, page.details()["name"]) == ("new.txt", "new.txt")
    else:
        assert page.details()[column] == value


class Rejects(httpx.AsyncBaseTransport):
    """Answers the first requests that would change something with an error of the service, and sends the others."""

    def __init__(self, status: int, count: int) -> None:
        self.status, self.count = status, count

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, or answer it."""
        if self.count and request.method != "GET":
            self.count -= 1
            return httpx.Response(self.status, json={"message": "not now"}, headers={"X-RateLimit-Reset": "1"})
        return await sent(request)


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("count", [2, LOST])
@pytest.mark.parametrize(
    ("column", "value"), [("tags", ["x"]), ("file_name", "new.txt"), ("folder", "/moved"), ("", "")]
)
def test_a_busy_service_is_asked_again(open_stored: Any, status: int, count: int, column: str, value: Any) -> None:
    """If it stays busy, the row says so and is as it was."""
    page = open_stored()
    before = page.details()
    result = Result("uploaded", file_id=before["fileId"], name="0.txt", file_path="/in/0.txt")
    row, outcomes = WidgetRow("r0", 0, state="uploaded", result=result), Queue[Changes]()
    files = StoredFiles(page.account, ikpipe.Policy(first_wait=0.001, changes=1000), Rejects(status, count))
    if column:
        files.change([row], column, [value], outcomes.put)
    else:
        files.delete([row], outcomes.put)
    why = outcomes.get(timeout=60).outcomes[row]
    assert (why is None) == (count < LOST)
    if count == LOST:
        assert page.details() == before
        assert row.result is not None
        assert (row.result.name, row.result.file_path) == ("0.txt", "/in/0.txt")


def test_each_file_that_was_not_changed_is_named(open_stored: Any) -> None:
    """With its reason; files with the same reason are in one line."""
    page = open_stored()
    ikpipe.delete(page.uploader.results.iloc[:1], page.account, dry_run=False)
    answer = page.ask(type="change", request="c", ids=["r0", "r1"], column="tags", value=["x"])
    assert answer["message"].startswith("0.txt: ")
    ikpipe.delete(page.uploader.results.iloc[1:], page.account, dry_run=False)
    answer = page.ask(type="change", request="d", ids=["r0", "r1"], column="tags", value=["y"])
    assert answer["message"].startswith("0.txt, 1.txt: ")
    assert "\n" not in answer["message"]


def test_files_are_deleted_and_can_be_uploaded_again(open_stored: Any) -> None:
    """Their rows stay, without results, until they are named."""
    page = open_stored()
    answer = page.ask(type="delete", request="d", ids=["r0"])
    assert (answer["rows"], answer["failed"]) == (1, 0)
    assert len(ikpipe.files(page.account)) == 1
    assert page.rows["r0"]["state"] == "deleted"
    assert "result" not in page.rows["r0"]
    assert len(page.uploader.results) == 1
    page.uploader.send()
    page.wait_idle()
    assert len(ikpipe.files(page.account)) == 1
    page.uploader.retry()
    page.wait_idle()
    assert len(ikpipe.files(page.account)) == 1
    page.say(type="retry", ids=["r0"])
    assert page.wait_idle()["r0"] == "uploaded"
    assert len(ikpipe.files(page.account)) == 2


@pytest.mark.parametrize("kind", ["change", "delete"])
@pytest.mark.parametrize("state", ["ready", "unknown row", "skipped"])
def test_other_rows_are_not_changed(open_stored: Any, kind: str, state: str, emulate: Callable[..., Emulator]) -> None:
    """A page cannot name a file: it names rows, and only those whose files this uploader stored or found the same."""
    emulator = emulate()
    page = open_stored(emulator=emulator)
    if state == "skipped":
        page = open_stored(emulator=emulator, on_existing="skip")
        assert page.rows["r0"]["state"] == "skipped"
    if state == "ready":
        page.uploader.add([b"x"], file_name="x.txt")
    row = {"ready": "r2", "unknown row": "r9"}.get(state, "r0")
    answer = page.ask(type=kind, request="c", ids=[row], column="tags", value=["x"])
    assert answer["type"] == "error"
    assert len(ikpipe.files(emulator.account)) == 2


def test_without_a_private_key_nothing_is_changed() -> None:
    """Nobody could confirm it."""
    row = WidgetRow("r0", 0, state="uploaded", result=Result("uploaded", file_id="f"))
    keys = {"public_key": "public_shop", "authentication_endpoint": "https://shop.example/sign"}
    assert not StoredFiles(ikpipe.Account(**keys), ikpipe.Policy()).can_change(row)
    assert StoredFiles(ikpipe.Account("public_shop", "private_shop"), ikpipe.Policy()).can_change(row)


def test_visibility_is_not_changed(open_stored: Any) -> None:
    """The media API cannot."""
    page = open_stored()
    answer = page.ask(type="change", request="c", ids=["r0"], column="is_private_file", value=True)
    assert answer["type"] == "error"


@pytest.fixture
def refused() -> str:
    """Return the address of a port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


@pytest.mark.parametrize("kind", ["change", "delete"])
def test_an_outage_is_the_outcome_of_each_row(kind: str, refused: str) -> None:
    """Nothing is raised in the thread, and the rows keep their results."""
    account = ikpipe.Account("public_shop", "private_shop", api_url=refused)
    row, outcomes = WidgetRow("r0", 0, state="uploaded", result=Result("uploaded", file_id="f")), Queue[Changes]()
    files = StoredFiles(account, ikpipe.Policy(first_wait=0.001))
    if kind == "change":
        files.change([row], "tags", [["x"]], outcomes.put)
    else:
        files.delete([row], outcomes.put)
    assert outcomes.get(timeout=20).outcomes[row]
    assert row.result == Result("uploaded", file_id="f")


def test_changes_of_a_file_follow_each_other(open_stored: Any) -> None:
    """None is refused because another one is being saved; each can be undone."""
    page = open_stored()
    page.say(type="change", request="a", ids=["r0"], column="description", value="A shirt", step="a")
    page.say(type="change", request="b", ids=["r0"], column="tags", value=["x"], step="b")
    page.say(type="change", request="c", ids=["r0"], column="file_name", value="new.txt", step="c")
    page.wait(lambda: page.answers("c"))
    assert [page.answers(one)[-1]["failed"] for one in "abc"] == [0, 0, 0]
    assert {"description": "A shirt", "tags": ["x"], "name": "new.txt"}.items() <= page.details().items()
    page.ask(type="undo", request="u")
    page.ask(type="undo", request="v")
    assert (page.details()["name"], page.details()["tags"] or [], page.details()["description"]) == (
        "0.txt",
        [],
        "A shirt",
    )


def test_a_change_of_a_file_that_is_being_deleted_fails(open_stored: Any) -> None:
    """It says that there is no such file."""
    page = open_stored()
    page.say(type="delete", request="d", ids=["r0"])
    page.say(type="change", request="c", ids=["r0"], column="tags", value=["x"])
    page.wait(lambda: page.answers("c"))
    page.wait(lambda: page.answers("d"))
    assert page.answers("d")[-1]["failed"] == 0
    answer = page.answers("c")[-1]
    assert answer["type"] == "error" or answer["failed"] == 1
    assert page.rows["r0"]["state"] == "deleted"
