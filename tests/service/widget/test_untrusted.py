"""Forged messages of a page: nothing is signed, stored or trusted because of them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from browsers import Browser
from doubles import remote, uploads_of

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ikpipe.emulator import Emulator


QUICK = ikpipe.Policy(index_lag=0.3, first_wait=0.02, look_ups=0)


def test_results_of_unknown_attempts_change_nothing(account: ikpipe.Account, arrived: Callable[[], list[Any]]) -> None:
    """Results and progress of unknown rows and attempts are answered with an error, and change nothing."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x"})
        before = dict(browser.rows)
        good = {"type": "result", "status": 200, "body": json.dumps({"fileId": "x", "filePath": "/a.txt", "size": 1})}
        for alien in ({"id": "b7", "attempt": 1}, {"id": "b0", "attempt": 1}, {"id": "../b0", "attempt": 3}):
            browser.send_raw({**good, **alien})
            browser.say(type="progress", loaded=1, total=1, **alien)
        assert len(browser.errors()) == 3
        assert browser.wait_idle() == {"b0": "ready"}
        assert browser.rows == before
        assert not browser.all("post")
        assert not browser.all("ack")
    assert not arrived()
    assert uploader.results.empty


@pytest.mark.parametrize(
    "content",
    [
        {"type": "sign", "fields": {"folder": "/secret"}},
        {"type": "post", "posts": [{"id": "b0"}]},
        {"type": "send", "ids": ["b99", "../../etc"]},
        {"type": "send", "ids": ["b0"] * 200_000},
        {"type": "retry", "ids": ["b0"]},
        {"type": "edit", "request": "q", "ids": ["b0", "b9"], "column": "folder", "value": "/x"},
        {"type": "edit", "request": "q", "ids": ["b0"], "column": "file", "value": "/etc/passwd"},
        {"type": "edit", "request": "q", "ids": ["b0"], "column": "extensions", "value": '[{"name": "remove-bg"}]'},
        {"type": "edit", "request": "q", "ids": ["b0"], "column": "folder", "value": "x" * 10_000_000},
        {"type": "add", "request": "q", "files": [{"key": "k", "name": "x" * 10_000_000, "size": 1}]},
        {"type": "remove", "ids": [{"id": "b0"}]},
        {"type": "result", "id": "b0", "attempt": 1, "status": 200, "body": "x" * 10_000_000},
        {"type": "adopt", "session": "../../..", "rows": []},
        {"type": "preview", "ids": ["b0", "../../etc/passwd"], "size": "thumb"},
        "x" * 10_000_000,
        [["type", "send"]],
        {"type": ["send"]},
    ],
    ids=lambda content: str(content.get("type", "") if isinstance(content, dict) else type(content).__name__),
)
def test_a_message_of_any_type_changes_nothing(
    account: ikpipe.Account, arrived: Callable[[], list[Any]], content: Any
) -> None:
    """No row changes, nothing is signed or sent, and the answer is short."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x"})
        before, frame = dict(browser.rows), uploader.frame
        seen = len(browser.heard)
        browser.send_raw(content)
        time.sleep(0.05)
        assert browser.rows == before
        assert frame.equals(uploader.frame)
        assert not browser.all("post")
        assert all(len(json.dumps(message)) < 500 for message in browser.heard[seen:])
    assert not arrived()


@pytest.mark.parametrize(
    "change",
    [
        {"filePath": "/other.txt", "name": "other.txt"},
        {"fileId": "0" * 24},
        {"fileId": "../../v1/files"},
        {"fileId": ""},
        {"size": 10**9},
    ],
    ids=str,
)
def test_a_false_result_is_verified(emulate: Callable[..., Emulator], change: dict[str, Any]) -> None:
    """The media API decides: the row has the details of the stored file, under the signed name."""
    emulator = emulate()

    def lie(said: dict[str, Any]) -> dict[str, Any]:
        return {**said, "body": json.dumps(json.loads(said["body"]) | change | {"url": "https://evil.example/x"})}

    uploader = ikpipe.Uploader(emulator.account, policy=QUICK)
    with Browser(uploader, answers=lie) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        assert browser.wait_idle()["b0"] in ("uploaded", "exists")
    row = uploader.results.iloc[0]
    stored = next(one for one in uploads_of(emulator) if one["stored"])
    assert (row["ik_file_id"], row["ik_file_path"], row["ik_size"]) == (stored["fileId"], stored["filePath"], 1)
    assert row["ik_url"].startswith(emulator.url)


def test_a_file_that_was_never_sent_is_not_uploaded(emulate: Callable[..., Emulator]) -> None:
    """If a page reports a file as stored that is not, neither the row nor the results do."""
    emulator = emulate()
    earlier = ikpipe.upload_file(b"x", emulator.account, file_name="a.txt", use_unique_file_name=False)

    def claim(_browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        fields = dict(order["fields"])
        body = {"fileId": earlier.file_id, "name": fields["fileName"], "filePath": f"/{fields['fileName']}", "size": 1}
        return {"status": 200, "body": json.dumps(body)}

    uploader = ikpipe.Uploader(emulator.account, policy=QUICK)
    with Browser(uploader, claim) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        browser.wait(lambda: len(browser.all("post")) > 2)
        uploader.cancel()
        assert browser.wait_idle()["b0"] == "cancelled"


def test_an_unexpected_accepted_is_unknown(emulate: Callable[..., Emulator]) -> None:
    """Only a pre-transformation is answered with 202; otherwise the media library is searched."""
    emulator = emulate()
    uploader = ikpipe.Uploader(emulator.account, policy=QUICK)
    accepted = {"status": 202, "body": json.dumps({"message": "later"})}
    with Browser(uploader, answers=lambda said: {**said, **accepted}) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        assert browser.wait_idle() == {"b0": "exists"}


def test_changed_parameters_are_rejected_by_the_service(emulate: Callable[..., Emulator]) -> None:
    """The upload of a page that changes the signed folder is rejected."""
    emulator = emulate()

    def elsewhere(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        return browser.posted({**order, "fields": [*order["fields"], ["folder", "/elsewhere"]]})

    uploader = ikpipe.Uploader(emulator.account, policy=QUICK)
    with Browser(uploader, elsewhere) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        assert browser.wait_idle() == {"b0": "failed"}
    assert uploader.results["ik_error"].tolist() == ["payload_mismatch"]
    assert not any(one["stored"] for one in uploads_of(emulator))


def test_without_a_key_the_answer_must_fit_what_was_signed(emulate: Callable[..., Emulator]) -> None:
    """Without a private key, an answer with another path or size makes the row unknown."""
    with remote(emulate()) as account:
        honest, lying = ikpipe.Uploader(account, policy=QUICK), ikpipe.Uploader(account, policy=QUICK)
        with Browser(honest) as browser:
            browser.pick({"a.txt": b"x"})
            honest.send()
            assert browser.wait_idle() == {"b0": "uploaded"}

        def lie(said: dict[str, Any]) -> dict[str, Any]:
            return {**said, "body": json.dumps(json.loads(said["body"]) | {"filePath": "/other"})}

        with Browser(lying, answers=lie) as browser:
            browser.pick({"a.txt": b"x"})
            lying.send()
            assert browser.wait_idle() == {"b0": "unknown"}


def test_html_in_a_name_is_text(emulate: Callable[..., Emulator]) -> None:
    """It is sent unchanged if the account keeps names as they are given."""
    uploader = ikpipe.Uploader(emulate(names="keep").account, policy=ikpipe.Policy(names="as_given"))
    with Browser(uploader) as browser:
        browser.pick({"<img src=x onerror=alert(1)>.txt": b"x"})
        assert browser.rows["b0"]["name"] == "<img src=x onerror=alert(1)>.txt"
        uploader.send()
        assert browser.wait_idle() == {"b0": "uploaded"}


def test_a_repeated_result_is_acknowledged_again(account: ikpipe.Account) -> None:
    """A page repeats results until they are acknowledged; a repetition changes nothing."""
    uploader = ikpipe.Uploader(account)
    said: list[dict[str, Any]] = []
    with Browser(uploader, answers=lambda one: said.append(one) or one) as browser:  # type: ignore[func-returns-value]
        browser.pick({"a.txt": b"x"})
        uploader.send()
        browser.wait_idle()
        browser.send_raw(said[0])
        browser.send_raw({**said[0], "status": 500, "body": ""})
        assert len(browser.all("ack")) == 3
        assert browser.wait_idle() == {"b0": "uploaded"}
