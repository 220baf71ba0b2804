"""The widget from Python, with a fake browser: pick, edit, upload, view."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from browsers import Browser

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from doubles import Site

    from ikpipe.emulator import Emulator

THREE = {"a.txt": b"aa", "b.txt": b"bbb", "trip/day1/c.txt": b"cccc"}
QUICK = ikpipe.Policy(index_lag=0.3, first_wait=0.02, look_ups=0)
NO_FIELDS = ikpipe.Account("public_shop", authentication_endpoint="https://shop.example/sign")
"""Without a key, no custom metadata fields arrive, after which all rows would be sent again."""


def test_three_picked_files_are_sent(account: ikpipe.Account) -> None:
    """The browser uploads them to the service, and Python has their results."""
    uploader = ikpipe.Uploader(account, tags=["picked"])
    with Browser(uploader) as browser:
        browser.pick(THREE)
        uploader.send()
        assert set(browser.wait_idle().values()) == {"uploaded"}
    results = uploader.results
    assert list(results["ik_status"]) == ["uploaded"] * 3
    assert list(results["ik_size"]) == [2, 3, 4]
    assert results["ik_file_path"].iloc[2].startswith("/trip/day1/c_")
    assert list(results["ik_tags"]) == [["picked"]] * 3
    assert browser.rows["b0"]["result"]["url"] == results["ik_url"].iloc[0]
    assert uploader.summary["counts"] == {"uploaded": 3}
    assert uploader.summary["bytes"] == 9


@pytest.mark.parametrize(("tags", "told"), [({}, False), ({"tags": []}, False), ({"tags": "a,b"}, True)])
def test_the_settings_say_whether_all_rows_have_tags(account: ikpipe.Account, tags: Any, *, told: bool) -> None:
    """A row without tags gets the tags of the keyword."""
    assert ikpipe.Uploader(account, **tags).settings["defaults"]["tags"] is told


def test_public_rows_have_private_false(account: ikpipe.Account) -> None:
    """If files are private by default, `false` differs from no value."""
    uploader = ikpipe.Uploader(account, is_private_file=True)
    with Browser(uploader) as browser:
        browser.pick(THREE)
        browser.edit(["b0"], "is_private_file", False)
        assert [browser.rows[one].get("private") for one in ("b0", "b1")] == [False, True]
    assert "private" not in _told_first(ikpipe.Uploader(account))


def _told_first(uploader: ikpipe.Uploader) -> dict[str, Any]:
    with Browser(uploader) as browser:
        browser.pick(THREE)
        return browser.rows["b0"]


def test_rows_of_a_frame_are_uploaded_by_the_kernel(account: ikpipe.Account, site: Site) -> None:
    """One run can have URLs, bytes and picked files; only the browser sends the last."""
    frame = pd.DataFrame({"file": [site.put("/one.png", b"one"), b"two"], "file_name": ["1.png", "2.txt"]})
    uploader = ikpipe.Uploader(account, frame)
    with Browser(uploader) as browser:
        browser.pick({"3.txt": b"three"})
        uploader.send()
        assert browser.wait_idle() == {"r0": "uploaded", "r1": "uploaded", "b0": "uploaded"}
        assert [order["id"] for message in browser.all("post") for order in message["posts"]] == ["b0"]
    assert [row["source"] for row in browser.rows.values()] == ["url", "file", "browser"]
    assert uploader.results["ik_status"].tolist() == ["uploaded"] * 3


def test_results_can_be_retried_and_written(account: ikpipe.Account, tmp_path: Any) -> None:
    """`retry` and `write_results` accept the uploader's results."""
    frame = pd.DataFrame({"file": [b"one", b"two"], "file_name": ["1.txt", "2.txt"]})
    uploader = ikpipe.Uploader(account, frame, folder="/x")
    with Browser(uploader) as browser:
        browser.say(type="send", ids=["r1"])
        browser.wait_idle()
    assert uploader.results.index.tolist() == [1]
    assert uploader.results.attrs["ikpipe"]["counts"] == {"uploaded": 1}
    again = ikpipe.retry(uploader.results, account, progress=False)
    assert again["ik_attempts"].tolist() == uploader.results["ik_attempts"].tolist()
    ikpipe.write_results(uploader.results, tmp_path / "results.csv")


def test_rows_with_large_cells_are_listed(account: ikpipe.Account) -> None:
    """A batch of rows can be larger than a chunk of a run."""
    frame = pd.DataFrame({"file": ["https://a.example/a.jpg"] * 500, "description": ["d" * 20_000] * 500})
    with Browser(ikpipe.Uploader(account, frame)) as browser:
        assert len(browser.rows) == len(frame)


def test_csv_is_what_write_results_writes(account: ikpipe.Account, tmp_path: Any) -> None:
    """The page gets the text of results.csv."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick(THREE)
        uploader.send()
        browser.wait_idle()
        browser.say(type="csv", request="q")
        told = browser.last("csv")
    ikpipe.write_results(uploader.results, tmp_path / "results.csv")
    assert told["request"] == "q"
    assert told["text"] == (tmp_path / "results.csv").read_bytes().decode()


def test_done_waits(account: ikpipe.Account) -> None:
    """`await uploader.done()` returns the results when no upload is in progress."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick(THREE)
        uploader.send()
        results = asyncio.run(uploader.done())
    assert results["ik_status"].tolist() == ["uploaded"] * 3
    assert uploader.summary["busy"] is False


def test_line_ends_are_those_of_a_form(account: ikpipe.Account, arrived: Callable[[], list[Any]]) -> None:
    """A description with several lines is signed with the line ends of a form."""
    uploader = ikpipe.Uploader(account, description="one\ntwo\rthree\r\nfour")
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        assert browser.wait_idle() == {"b0": "uploaded"}
    assert arrived()[-1]["fields"]["description"] == "one\r\ntwo\r\nthree\r\nfour"


def test_selection_goes_both_ways(account: ikpipe.Account) -> None:
    """Python gets the page's selection as a frame, and the page gets Python's."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick(THREE)
        browser.say(type="select", ids=["b2", "b0", "nobody"])
        assert uploader.selection["size"].tolist() == [2, 4]
        uploader.select(uploader.frame["size"] > 2)
        assert browser.last("select")["ids"] == ["b1", "b2"]
        uploader.select(lambda frame: frame["size"] == 2)
        assert browser.last("select")["ids"] == ["b0"]
        uploader.send(True)
        assert browser.wait_idle() == {"b0": "uploaded", "b1": "ready", "b2": "ready"}


def test_one_label_selects_its_row(account: ikpipe.Account) -> None:
    """`loc` returns a single value for one label."""
    frame = pd.DataFrame({"file": [b"x", b"y"], "file_name": ["x", "y"]}, index=["p", "q"])
    uploader = ikpipe.Uploader(account, frame)
    uploader.select("q")
    assert uploader.selection.index.tolist() == ["q"]


def test_changes_can_be_observed(account: ikpipe.Account) -> None:
    """Observers of `frame`, `selection` and `results` get many changes at a time."""
    heard: dict[str, list[pd.DataFrame]] = {"frame": [], "selection": [], "results": []}
    came = threading.Condition()

    def hear(change: Mapping[str, Any]) -> None:
        with came:
            heard[change["name"]].append(change["new"])
            came.notify_all()

    uploader = ikpipe.Uploader(account)
    uploader.observe(hear, names=list(heard))
    with Browser(uploader) as browser:
        browser.pick({f"{number}.txt": b"x" for number in range(60)})
        browser.say(type="select", ids=["b3"])
        uploader.send()
        browser.wait_idle()
        with came:
            assert came.wait_for(lambda: heard["results"] and len(heard["results"][-1]) == 60, 10)
            assert came.wait_for(lambda: heard["selection"] and len(heard["frame"][-1]) == 60, 10)
    assert len(heard["results"]) < 30


def test_a_file_over_the_limit_is_not_uploaded(emulator: Emulator, arrived: Callable[[], list[Any]]) -> None:
    """It is invalid as soon as it is picked, and the problem has its size."""
    account = ikpipe.Account(
        emulator.account.public_key,
        emulator.account.private_key,
        max_file_size=100,
        upload_url=emulator.account.upload_url,
        api_url=emulator.account.api_url,
    )
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick({"large.bin": b"x"}, size=101)
        browser.pick({"small.bin": b"x"})
        assert browser.rows["b0"]["problems"][0]["code"] == "file_too_large"
        uploader.send()
        assert browser.wait_idle() == {"b0": "invalid", "b1": "uploaded"}
    assert len(arrived()) == 1
    assert uploader.settings["max_file_size"] == 100


def test_removed_rows_are_gone(account: ikpipe.Account) -> None:
    """Picked files can be removed; the input's rows stay."""
    uploader = ikpipe.Uploader(account, pd.DataFrame({"file": [b"x"], "file_name": ["x"]}))
    with Browser(uploader) as browser:
        browser.pick(THREE)
        browser.say(type="remove", ids=["b0", "r0", "b9"])
        assert browser.last("gone")["ids"] == ["b0"]
        assert set(browser.wait_idle()) == {"r0", "b1", "b2"}
    assert len(uploader.frame) == 3
    assert uploader.frame.index.tolist() == [0, 2, 3]


def test_an_uploaded_row_is_not_removed(account: ikpipe.Account) -> None:
    """It stays in the results."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        browser.wait_idle()
        browser.say(type="remove", ids=["b0"])
        assert browser.last("gone")["ids"] == []
    assert len(uploader.results) == 1


def test_edits_are_checked_as_they_are_made(account: ikpipe.Account) -> None:
    """A problem has its column and a suggestion; invalid rows are not uploaded."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick({"My Trip/a.txt": b"x", "b.txt": b"y"})
        browser.edit(["b0"], "tags", ["50%"])
        problem = browser.rows["b0"]["problems"][0]
        assert (problem["column"], problem["code"], problem["suggestion"]) == ("tags", "bad_character", ["50"])
        uploader.send()
        assert browser.wait_idle() == {"b0": "invalid", "b1": "uploaded"}
        browser.edit(["b0"], "file_name", "a/b.txt")
        assert [one["suggestion"] for one in browser.rows["b0"]["problems"] if one["column"] == "file_name"] == [
            "a_b.txt"
        ]
        browser.edit(["b0"], "file_name", "a_b.txt")
        browser.edit(["b0"], "tags", ["50"])
        assert browser.rows["b0"]["state"] == "ready"
        assert "request" in browser.heard[-1]
        uploader.send()
        assert browser.wait_idle()["b0"] == "uploaded"
    assert uploader.results["ik_tags"].tolist() == [["50"], None]


def test_names_are_shown_as_they_are_sent(account: ikpipe.Account) -> None:
    """A space in a folder or name is not a problem; the page shows what is stored."""
    uploader = ikpipe.Uploader(account, use_unique_file_name=False)
    with Browser(uploader) as browser:
        browser.pick({"My Trip/a b.txt": b"x"})
        shown = browser.rows["b0"]
        assert (shown["state"], shown["folder"], shown["name"]) == ("ready", "/My_Trip", "a_b.txt")
        uploader.send()
        assert browser.wait_idle() == {"b0": "uploaded"}
    assert uploader.results["ik_file_path"].tolist() == ["/My_Trip/a_b.txt"]
    assert len(uploader.results["ik_warnings"][0]) == 2


def test_a_problem_elsewhere_changes_no_name_that_is_shown(account: ikpipe.Account) -> None:
    """A row that cannot be sent shows its name and folder as the others do."""
    with Browser(ikpipe.Uploader(account, use_unique_file_name=False)) as browser:
        browser.pick({"My Trip/a b.txt": b""})
        shown = browser.rows["b0"]
        assert (shown["state"], shown["folder"], shown["name"]) == ("invalid", "/My_Trip", "a_b.txt")


def test_names_as_given_are_shown_as_given(emulate: Callable[..., Emulator]) -> None:
    """An account can keep names unchanged."""
    emulator = emulate(names="keep")
    policy = ikpipe.Policy(names="as_given")
    uploader = ikpipe.Uploader(emulator.account, use_unique_file_name=False, policy=policy)
    with Browser(uploader) as browser:
        browser.pick({"My Trip/a b.txt": b"x"})
        assert (browser.rows["b0"]["folder"], browser.rows["b0"]["name"]) == ("/My Trip", "a b.txt")
        uploader.send()
        assert browser.wait_idle() == {"b0": "uploaded"}
    assert uploader.results["ik_file_path"].tolist() == ["/My Trip/a b.txt"]


def test_an_uploaded_row_cannot_be_changed(account: ikpipe.Account) -> None:
    """The answer is an error with the request, and the row does not change."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        browser.wait_idle()
        browser.edit(["b0"], "folder", "/y")
        assert browser.last("error")["request"] == "q2"
        assert "folder" not in browser.rows["b0"]


def test_two_rows_with_the_same_target(account: ikpipe.Account) -> None:
    """The later row has the problem until the earlier one gets another name."""
    uploader = ikpipe.Uploader(account, use_unique_file_name=False)
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x"})
        browser.pick({"a.txt": b"y"})
        assert [row["state"] for row in browser.rows.values()] == ["ready", "invalid"]
        assert browser.rows["b1"]["problems"][0]["suggestion"] == "a-2.txt"
        browser.edit(["b0"], "file_name", "b.txt")
        assert browser.rows["b1"]["state"] == "ready"
        browser.edit(["b0"], "file_name", "a.txt")
        browser.say(type="remove", ids=["b0"])
        assert browser.rows["b1"]["state"] == "ready"


def test_rows_that_are_added_with_the_same_target(account: ikpipe.Account) -> None:
    """The first row has no problem; the others have one until it gets another name."""
    frame = pd.DataFrame({"file": [b"x", b"y", b"z"], "file_name": ["a.txt", "a.txt", "a.txt"]})
    uploader = ikpipe.Uploader(account, frame, use_unique_file_name=False)
    with Browser(uploader) as browser:
        assert list(browser.states().values()) == ["ready", "invalid", "invalid"]
        assert browser.rows["r2"]["problems"][0]["code"] == "same_target"
        browser.edit(["r0"], "folder", "/elsewhere")
        assert list(browser.states().values()) == ["ready", "ready", "invalid"]
        uploader.send()
        assert list(browser.wait_idle().values()) == ["uploaded", "uploaded", "invalid"]


def test_an_observer_that_raises_stops_nothing(account: ikpipe.Account, caplog: pytest.LogCaptureFixture) -> None:
    """Its error is logged, and later changes are reported."""

    def fails(_change: object) -> None:
        raise ValueError("of the user's own")

    uploader = ikpipe.Uploader(account)
    uploader.observe(fails, names="results")
    with Browser(uploader) as browser:
        browser.pick(THREE)
        uploader.send()
        assert set(browser.wait_idle().values()) == {"uploaded"}
        browser.wait(lambda: "of the user's own" in caplog.text)


def test_an_edit_of_many_rows_is_answered_once() -> None:
    """The answer is several messages, the last of which has the request."""
    frame = pd.DataFrame({"file": [b"x"] * 1500, "file_name": [f"{number}" for number in range(1500)]})
    with Browser(ikpipe.Uploader(NO_FIELDS, frame)) as browser:
        before = len(browser.all("rows"))
        browser.edit([f"r{number}" for number in range(1500)], "tags", ["a"])
        pages = browser.all("rows")[before:]
        assert [(len(page["rows"]), page.get("request")) for page in pages] == [(1000, None), (500, "q1")]


def emulator_field(emulator: Emulator, name: str, schema: Mapping[str, Any]) -> None:
    """Create a metadata field."""
    import httpx

    account = emulator.account
    field, auth = {"name": name, "label": name, "schema": schema}, (str(account.key()), "")
    httpx.post(f"{account.api_url}/v1/customMetadataFields", json=field, auth=auth).raise_for_status()


def test_metadata_fields_are_offered_and_checked(emulate: Callable[..., Emulator]) -> None:
    """The page gets the account's fields with their types, and a suggestion for an invalid value."""
    emulator = emulate()
    emulator_field(emulator, "color", {"type": "SingleSelect", "selectOptions": ["red", "green"]})
    uploader = ikpipe.Uploader(emulator.account)
    with Browser(uploader) as browser:
        browser.wait(lambda: uploader.settings["fields"])
        assert uploader.settings["fields"][0]["selectOptions"] == ["red", "green"]
        browser.pick({"a.txt": b"x"})
        browser.edit(["b0"], "custom_metadata.color", "gren")
        problem = browser.rows["b0"]["problems"][0]
        assert (problem["column"], problem["suggestion"]) == ("custom_metadata.color", "green")
        browser.edit(["b0"], "custom_metadata.color", "green")
        uploader.send()
        assert browser.wait_idle() == {"b0": "uploaded"}


def test_numbers_can_be_chosen_of_a_field(emulate: Callable[..., Emulator]) -> None:
    """The values of a multiple-choice field with numbers as options stay numbers."""
    emulator = emulate()
    schema = {"type": "MultiSelect", "selectOptions": [36, 37, 38]}
    emulator_field(emulator, "sizes", schema)
    uploader = ikpipe.Uploader(emulator.account)
    with Browser(uploader) as browser:
        browser.wait(lambda: uploader.settings["fields"])
        browser.pick({"a.txt": b"x"})
        browser.edit(["b0"], "custom_metadata.sizes", [36, 38])
        assert browser.rows["b0"]["metadata"] == {"sizes": [36, 38]}
        uploader.send()
        assert browser.wait_idle() == {"b0": "uploaded"}
    assert uploader.results["ik_custom_metadata"].tolist() == [{"sizes": [36, 38]}]


def test_many_rows_are_sent_in_parts() -> None:
    """`hello` is answered by messages of at most 1,000 rows, then `welcome`; an edit by its rows alone."""
    frame = pd.DataFrame({"file": [b"x"] * 2500, "file_name": [f"{number}" for number in range(2500)]})
    uploader = ikpipe.Uploader(NO_FIELDS, frame)
    with Browser(uploader) as browser:
        pages = browser.all("rows")
        assert [(page["start"], len(page["rows"]), page["total"]) for page in pages] == [
            (0, 1000, 2500),
            (1000, 1000, 2500),
            (2000, 500, 2500),
        ]
        assert browser.heard[3]["type"] == "welcome"
        browser.edit(["r7"], "folder", "/x")
        assert all(len(page["rows"]) == 1 for page in browser.all("rows")[3:])
        versions = [page["version"] for page in browser.all("rows")]
        assert versions == sorted(set(versions))


def test_ping_is_answered(account: ikpipe.Account) -> None:
    """The page knows by the answer that the kernel is there."""
    with Browser(ikpipe.Uploader(account)) as browser:
        browser.say(type="ping", n=7)
        assert browser.last("pong") == {"type": "pong", "n": 7, "line": "", "at": 0, "taken": 0}


def test_secrets_stay_in_the_kernel(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """The key is in no message, tokens only in `post` messages, and neither is in any state, repr or log."""
    key = str(emulator.account.key())
    with caplog.at_level(logging.DEBUG):
        uploader = ikpipe.Uploader(emulator.account)
        with Browser(uploader) as browser:
            ids = browser.pick(THREE)
            browser.say(type="find_duplicates", ids=ids)
            browser.say(type="rename", request="r", ids=ids, template="{name}-{row}", preview=False, step="s")
            browser.say(type="tags", request="t")
            uploader.send()
            browser.wait_idle()
            browser.say(type="csv", request="q")
            bundle = str(uploader._repr_mimebundle_())
        tokens = [order["token"] for message in browser.all("post") for order in message["posts"]]
        assert len(tokens) == 3
        others = [frame for frame in browser.frames if frame.get("content", {}).get("type") != "post"]
        shown = [json.dumps(others), json.dumps(uploader.get_state(), default=str), repr(uploader), str(uploader)]
        shown += [repr(vars(uploader)), caplog.text, bundle]
        shown += [uploader.frame.to_csv(), uploader.results.to_csv(), json.dumps(browser.frames)[: 10**6]]
    assert not any(key in text for text in shown)
    assert not any(token in text for token in tokens for text in shown[:-1])


@pytest.mark.parametrize("keys", [("", "private_wrong"), ("public_wrong", "")])
def test_a_wrong_key_stops_the_run(emulator: Emulator, keys: tuple[str, str]) -> None:
    """No further file is sent, and the page and the summary have the reason."""
    right = emulator.account
    wrong = ikpipe.Account(
        keys[0] or right.public_key,
        keys[1] or right.key(),
        upload_url=right.upload_url,
        api_url=right.api_url,
    )
    uploader = ikpipe.Uploader(wrong, concurrency=1, policy=QUICK)
    with Browser(uploader) as browser:
        browser.pick(THREE)
        uploader.send()
        states = browser.wait_idle()
        assert sorted(states.values()) == ["cancelled", "cancelled", "failed"]
        browser.wait(browser.errors)
    assert "stopped" in uploader.summary["trouble"]


def test_an_invalid_template_raises_an_error(account: ikpipe.Account) -> None:
    """The constructor raises the error, as `upload` does."""
    with pytest.raises(ikpipe.MappingError, match="sku"):
        ikpipe.Uploader(account, file_name="{sku}.jpg")
    with pytest.raises(ikpipe.AccountError):
        ikpipe.Uploader(ikpipe.Account("public_x"))


def test_messages_go_to_the_subshell_that_the_page_chose(account: ikpipe.Account) -> None:
    """Otherwise they would go to where the widget sent its last message from, which can be a running cell."""

    class Comm(Browser):
        def _reply_subshell_for(self, _data: object, _chosen: str) -> str:
            return "behind the cell"

    with Comm(ikpipe.Uploader(account)) as comm:
        assert comm._reply_subshell_for({}, "beside the cell") == "beside the cell"  # noqa: SLF001


def test_hosts_that_may_be_downloaded_from(account: ikpipe.Account) -> None:
    """The constructor checks `fetch_hosts`, which is not in `mapping`."""
    uploader = ikpipe.Uploader(account, fetch="client", fetch_hosts=["10.0.0.0/8"])
    assert "fetch_hosts" not in uploader.mapping
    with pytest.raises(ikpipe.MappingError, match="fetch_hosts"):
        ikpipe.Uploader(account, fetch="client", fetch_hosts=["http://a.example"])
