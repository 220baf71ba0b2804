"""What `retry` takes from the `attrs` of results, and what the caller has to say again."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from doubles import RawServer, answering
from examples import plays
from hypothesis import given
from hypothesis import strategies as st
from rows import at, quiet

import ikpipe
from ikpipe.cli.wording import in_options
from ikpipe.request.known_runs import known_run, remember
from ikpipe.run import stored_mapping
from ikpipe.run.prepare import collect_mapping

if TYPE_CHECKING:
    from collections.abc import Callable

    from doubles import Site

    from ikpipe import Account

    Arrived = Callable[[], list[dict[str, Any]]]

OK = "data:text/plain;base64,aGVsbG8="


def forget() -> list[str]:
    """Push all runs out by as many as are remembered, as another process would know none; return the ids of these."""
    return [remember({}, None) for _ in range(256)]


def failed(**mapping: Any) -> pd.DataFrame:
    """Give results as somebody's file could have them, with one row that was not sent, and such a mapping."""
    frame = pd.DataFrame({"file": [OK], "ik_status": pd.array(["failed"], dtype="string")})
    frame.attrs = {
        "ikpipe": {"id": "0" * 32, "mapping": {"columns": {}, "parameters": {"file_name": "a.txt"}, **mapping}}
    }
    return frame


# The registry


def test_a_run_is_known_by_its_id(account: Account) -> None:
    """The id in `attrs` is another for each run, and leads to its mapping and its journal."""
    first, second = (quiet(pd.DataFrame({"file": [OK]}), account, file_name="a.txt") for _ in range(2))
    about = first.attrs["ikpipe"]
    known = known_run(about["id"])
    assert known is not None
    assert (known.mapping["parameters"], known.journal) == ({"file_name": "a.txt"}, about["journal"])
    assert about["id"] != second.attrs["ikpipe"]["id"]
    assert len(about["id"]) == 32


@pytest.mark.parametrize("found", [None, "", "0" * 32, 1, [], {}, pd.NA])
def test_other_ids_are_not_known(found: object) -> None:
    """Whatever stands in the place of an id."""
    assert known_run(found) is None


def test_the_oldest_runs_are_forgotten() -> None:
    """Memory of runs is bounded; a run that goes on stays known under its id."""
    ids = [remember({"at": number}, None) for number in range(300)]
    assert remember({"at": "later"}, None, ids[-1]) == ids[-1]
    assert known_run(ids[0]) is None
    assert [known_run(one) is not None for one in ids].count(True) == 256
    assert known_run(ids[-1]) == ({"at": "later"}, None)


# What this process knows


def test_retry_knows_what_this_process_did(account: Account, tmp_path: Path, arrived: Arrived) -> None:
    """In the process of the run `retry` needs nothing again: not after `attrs` went through a file either."""
    (tmp_path / "a.txt").write_text("a")
    first = quiet(pd.DataFrame({"file": ["a.txt", "b.txt"]}), account, root=tmp_path)
    (tmp_path / "b.txt").write_text("b")
    ikpipe.write_results(first, tmp_path / "r.parquet")
    again = ikpipe.retry(ikpipe.read_results(tmp_path / "r.parquet"), account, progress=False)
    assert (again["ik_status"].tolist(), len(arrived())) == (["uploaded"] * 2, 2)


def test_attrs_of_a_known_run_cannot_say_otherwise(account: Account, tmp_path: Path, arrived: Arrived) -> None:
    """A file that has the id of a run of ours, and another mapping, gets that run's."""
    (tmp_path / "secret").write_text("secret")
    first = quiet(pd.DataFrame({"file": ["secret"]}), account, file_name="a.txt")
    first.attrs["ikpipe"]["mapping"] |= {"root": str(tmp_path)}
    again = ikpipe.retry(first, account, progress=False)
    assert (again["ik_error"].tolist(), arrived()) == (["file_not_allowed"], [])


# What only the caller says


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"root": "/"}, ["root=…", "--root …"]),
        ({"root": ""}, ["root=…", "--root …"]),
        ({"fetch": "client"}, ["fetch='client'", "--fetch client"]),
        ({"fetch": ["client"]}, ["fetch='client'"]),
        ({"columns": {"webhook_url": "hook"}}, ["columns={'webhook_url': …}", "--map webhook_url=…"]),
        ({"columns": {"webhookUrl": "hook"}}, ["columns={'webhook_url': …}"]),
        ({"parameters": {"webhook_url": "https://evil.example"}}, ["webhook_url=…", "--set webhook_url=…"]),
        ({"parameters": {"webhookUrl": "https://evil.example"}}, ["webhook_url=…"]),
        ({"root": "/", "fetch": "client"}, ["root=…, fetch='client'", "--root …, --fetch client"]),
    ],
    ids=range(9),
)
def test_one_error_names_what_to_pass_again(mapping: dict[str, Any], words: list[str], account: Account) -> None:
    """All of it at once, in both spellings, and nothing of what the file says."""
    with pytest.raises(ikpipe.MappingError) as caught:
        ikpipe.retry(failed(**mapping), account, progress=False)
    texts = f"{caught.value} {in_options(caught.value.text)}"
    assert all(word in texts for word in words)
    assert "evil" not in str(caught.value)
    assert "hook'" not in str(caught.value).replace("webhook_url'", "")


def test_what_is_passed_again_is_obeyed(account: Account, tmp_path: Path, arrived: Arrived, site: Site) -> None:
    """The caller's own `root` and `fetch` go with the columns and parameters of the results."""
    (tmp_path / "a.txt").write_text("a")
    results = failed(columns={"file": "path"}, root="/elsewhere", fetch="client").assign(path="a.txt")
    again = ikpipe.retry(results, account, root=tmp_path, fetch="client", progress=False)
    assert again["ik_status"].tolist() == ["uploaded"]
    assert arrived()[0]["fields"]["fileName"].startswith("a_")
    assert again.attrs["ikpipe"]["mapping"]["root"] == str(tmp_path)


@pytest.mark.parametrize(
    "said",
    [{"columns": {"webhook_url": "hook"}}, {"columns": {"webhookUrl": "hook"}}, {"webhook_url": "https://a.test/"}],
)
@pytest.mark.parametrize(
    "before", [{"columns": {"webhook_url": "evil"}}, {"parameters": {"webhookUrl": "https://e.test"}}]
)
def test_an_address_that_is_passed_again_leaves_the_mapping(before: dict[str, Any], said: dict[str, Any]) -> None:
    """It stands in for that of the results, and for nothing else of their mapping."""
    mapping: dict[str, Any] = {"columns": {"tags": "label"}, "parameters": {"folder": "/x"}}
    mapping = {part: mapping[part] | before.get(part, {}) for part in mapping}
    given = collect_mapping(
        said.get("columns"), None, None, "server", {k: v for k, v in said.items() if k != "columns"}
    )
    found = stored_mapping.merged(failed(**mapping).attrs, given, None)
    assert found["columns"] == {"tags": "label"} | said.get("columns", {})
    assert found["parameters"] == {"folder": "/x"} | {k: v for k, v in said.items() if k != "columns"}


def test_columns_of_the_caller_replace_all(account: Account) -> None:
    """Whoever maps columns anew needs nothing of what the results say of theirs."""
    given = collect_mapping({"file": "path"}, None, None, "server", {})
    found = stored_mapping.merged(failed(columns={"webhook_url": "evil", "tags": "t"}).attrs, given, None)
    assert found["columns"] == {"file": "path"}


def test_ignored_columns_stay_ignored(account: Account, arrived: Arrived) -> None:
    """Those of the run are, as far as they are still there, unless the caller passes others."""
    results = failed(ignore=["tags", "gone"]).assign(tags="secret")
    assert ikpipe.retry(results, account, progress=False)["ik_status"].tolist() == ["uploaded"]
    assert "tags" not in arrived()[0]["fields"]
    given = collect_mapping(None, None, None, "server", {}, ignore=["file"])
    assert stored_mapping.merged(results.attrs, given, None, ["tags"])["ignore"] == ["file"]


def test_a_journal_that_a_file_names_is_left_alone(account: Account, tmp_path: Path) -> None:
    """A database that somebody's results name is neither opened nor changed."""
    import sqlite3

    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("CREATE TABLE about (facts)")
    db.close()
    before = (tmp_path / "other.db").read_bytes()
    results = failed().assign(ik_status=pd.array(["unknown"], dtype="string"))
    results.attrs["ikpipe"]["journal"] = str(tmp_path / "other.db")
    ikpipe.retry(results, account, progress=False)
    assert (tmp_path / "other.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["other.db"]


def test_a_journal_of_this_process_is_found(account: Account) -> None:
    """The journal of a run of this process tells more of rows in doubt; another process does not look for it."""
    from ikpipe.journal import catalog

    with RawServer(answering(500, {"message": "later"})) as server:
        policy = ikpipe.Policy(first_wait=0.01)
        first = quiet(pd.DataFrame({"file": [b"1"]}), at(account, server.url), file_name="a", policy=policy)
    assert len(catalog.earlier(first, account)) == 1
    forget()
    assert catalog.earlier(first, account) == []


# What results may say, and how they say it


def test_the_run_says_what_it_takes(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """One line, with nothing in it that could steer a terminal."""
    mapping: dict[str, Any] = {
        "columns": {"file": "file", "tags": ["a", "b"], "custom_metadata": {"brand": "c"}},
        "parameters": {"file_name": "{a}.txt", "description": "\x1b[31m\nx"},
    }
    with caplog.at_level(logging.WARNING, "ikpipe"):
        ikpipe.retry(failed(**mapping).assign(a="1", b="2", c="3"), account, progress=False)
    said = [record.getMessage() for record in caplog.records if "Mapping taken" in record.getMessage()]
    columns = "file ← file, tags ← a, b, custom_metadata ← brand: c"
    assert said == [f"Mapping taken from the results: {columns}, file_name = {{a}}.txt, description = �[31m�x"]


def test_nothing_is_said_of_what_this_process_knows(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """A run of one's own is no news."""
    first = quiet(pd.DataFrame({"file": [None]}), account, file_name="a.txt")
    with caplog.at_level(logging.WARNING, "ikpipe"):
        ikpipe.retry(first, account, progress=False)
    assert "Mapping taken" not in caplog.text


@pytest.mark.parametrize(
    "about",
    [
        *(None, 1, "x", [], [["mapping", 1]]),
        *({"mapping": one} for one in (1, "x", [1], {1: 2}, {"columns": 1}, {"columns": [1]}, {"parameters": "x"})),
        *(
            {"mapping": {"columns": one}}
            for one in ({"file": pd.NA}, {"file": np.array([1])}, {1: "a"}, {"file": {"a": []}})
        ),
        *({"mapping": {"parameters": one}} for one in ({"folder": pd.NA}, {"tags": [np.array([1])]}, {1: "a"})),
        *({"mapping": {"file_kind": one}} for one in ("path", ["base64"], np.array(["base64"]))),
        *({"mapping": {"root": np.array([1, 2])}}, {"mapping": {"fetch": np.array(["client"])}}),
        *({"mapping": {"columns": {"token": "file"}}}, {"mapping": {"parameters": {"no_such": 1}}}),
        {"mapping": {"parameters": {"folder": {"a": 1}}}},
    ],
    ids=range(27),
)
def test_attrs_are_checked_like_a_callers_words(about: object, account: Account, arrived: Arrived) -> None:
    """What is no mapping is one error, or nothing; whatever it is, nothing but our error is raised."""
    results = failed()
    results.attrs = {"ikpipe": about}
    try:
        ikpipe.retry(results, account, file_name="a.txt", progress=False)
    except ikpipe.MappingError:
        assert arrived() == []
    for error in (ikpipe.refresh(results, account),):
        assert len(error) == 1


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just(pd.NA) | st.just(Path("/")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(
            st.sampled_from(
                ["columns", "parameters", "root", "fetch", "file", "tags", "folder", "webhookUrl", "mapping", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@plays(300)
@given(st.dictionaries(st.sampled_from(["mapping", "id", "journal"]), ANYTHING))
def test_no_attrs_give_a_folder_or_an_address(about: dict[str, Any]) -> None:
    """Whatever stands in `attrs`, what comes of it has none of what only the caller says, or is an error of ours."""
    given = collect_mapping(None, None, None, "server", {})
    try:
        found = stored_mapping.merged({"ikpipe": about}, given, None)
    except ikpipe.MappingError:
        return
    assert (found["root"], found["fetch"], found["file_kind"]) == (None, "server", None)
    assert not {"webhook_url", "webhookUrl"} & {*found["columns"], *found["parameters"]}
    assert found.keys() == given.keys()


# A column that is named like the address


@pytest.mark.parametrize("name", ["webhook_url", "webhookUrl"])
def test_a_column_of_that_name_is_not_taken_by_itself(name: str, account: Account, arrived: Arrived) -> None:
    """Where news of files goes is said in the call; a table that says it is an error that tells what to do."""
    frame = pd.DataFrame({"file": [OK], name: ["https://evil.example/"]})
    for call in (ikpipe.upload, ikpipe.check):
        with pytest.raises(ikpipe.MappingError, match=rf"Map it with columns={{'webhook_url': '{name}'}}"):
            call(frame, account, file_name="a.txt")
    assert arrived() == []


@pytest.mark.parametrize(
    ("options", "hook"),
    [
        ({"columns": {"webhook_url": "webhook_url"}}, "https://column.example/"),
        ({"columns": {"webhookUrl": "other"}}, "https://other.example/"),
        ({"webhook_url": "https://keyword.example/"}, "https://keyword.example/"),
        ({"columns": {"webhook_url": "empty"}}, None),
    ],
    ids=range(4),
)
def test_an_address_is_what_the_call_says(
    options: dict[str, Any], hook: str | None, account: Account, arrived: Arrived
) -> None:
    """A mapped column or a keyword: where it is said otherwise, the column of that name is only a column."""
    cells = {"webhook_url": ["https://column.example/"], "other": ["https://other.example/"], "empty": [None]}
    quiet(pd.DataFrame({"file": [OK], **cells}), account, file_name="a.txt", **options)
    assert arrived()[0]["fields"].get("webhookUrl") == hook


def test_single_files_are_not_remembered(account: Account) -> None:
    """They have no results frame, and would push out the runs that have one."""
    remembered = forget()
    ikpipe.upload_file(b"1", account, file_name="a")
    assert all(known_run(one) for one in remembered)
