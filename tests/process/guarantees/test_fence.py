"""Never twice, never lost: runs against a service that fails in every way, and its log as the ledger."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import RawServer, answering, remote, stored, uploads_of
from history import ledger, violations
from rows import at, sha

import ikpipe
from ikpipe import Policy
from ikpipe.emulator.faults import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

LOST = tuple(kind for kind, about in KINDS.items() if about.damages_response)
"""The faults that lose the answer of a file that is stored."""
SPENDABLE = [(kind, moment) for kind, about in KINDS.items() for moment in about.moments[1:]]
NAMES: dict[str, dict[str, Any]] = {
    "made here": {},
    "replacing": {"use_unique_file_name": False},
    "fixed": {"use_unique_file_name": False, "overwrite_file": False},
    "service": {"policy": Policy(first_wait=0.05, index_lag=0.5, unique_names="service")},
}
UP = {"uploaded", "exists"}
LAG = 0.5  # seconds, where the policy waits 30


def table(rows: int) -> pd.DataFrame:
    """Make rows whose files all differ."""
    return pd.DataFrame({"file": [b"GIF89a" + str(row).encode() for row in range(rows)], "sku": range(rows)})


def run(frame: pd.DataFrame, account: ikpipe.Account, **changed: Any) -> pd.DataFrame:
    """Upload with a short lag and many retries: half of all requests may fail."""
    options = {
        "policy": Policy(first_wait=0.05, index_lag=LAG),
        "retries": 30,
        "concurrency": 32,
        "progress": False,
        **changed,
    }
    return ikpipe.upload(frame, account, file_name="{sku}.gif", folder="/fence/", **options)


def unseen(emulator: Emulator) -> set[str]:
    """Give the files that were stored, and whose answer was lost."""
    return {one["file"]["sha256"] for one in uploads_of(emulator) if one["stored"] and {*one["faults"]} & {*LOST}}


def judge(emulator: Emulator, results: pd.DataFrame, names: str) -> None:
    """Hold a run to its promise: nothing twice, nothing lost, each refusal for good taken at its word."""
    assert violations(emulator, results) == []
    refused = results["checks"].notna() if "checks" in results else pd.Series(data=False, index=results.index)
    transient = results[~refused]
    if names == "service":  # nobody knows what to look for
        unknown = transient.loc[transient["ik_status"] == "unknown", "file"]
        assert set(map(sha, unknown)) == unseen(emulator)
        transient = transient[transient["ik_status"] != "unknown"]
    assert set(transient["ik_status"]) <= UP
    blind = results["ik_status"].eq("unknown")  # a refusal after an answer that was lost proves nothing
    assert not blind.any() or names == "service"
    assert results.loc[refused & ~blind, "ik_error"].eq("checks_failed").all()
    words = Counter(
        one["file"]["sha256"] for one in uploads_of(emulator) if "checks" in str(one["message"]) and "file" in one
    )
    assert words == Counter(map(sha, results.loc[refused & ~blind, "file"])) or blind.any()


def with_refusals(rows: int) -> pd.DataFrame:
    """Make rows of which every tenth is refused for good."""
    frame = table(rows)
    return frame.assign(checks=['"request.folder" : "elsewhere"' if row % 10 == 7 else None for row in range(rows)])


@pytest.mark.parametrize("names", ["made here", "replacing"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_of_fault(kind: str, names: str, emulate: Callable[..., Emulator]) -> None:
    """With one request in three failing in one way, every row comes to its true end, and the fault did fire."""
    emulator = emulate(faults={kind: 0.33}, seed=1, index_lag=0.1, fault_index_delay=0.3, fault_slow=0.05)
    results = run(with_refusals(40), emulator.account, **NAMES[names])
    judge(emulator, results, names)
    assert emulator.fired[kind]


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("rate", [0.05, 0.5, *(pytest.param(rate, marks=pytest.mark.soak) for rate in (0.01, 0.2))])
def test_all_kinds_together(rate: float, names: str, emulate: Callable[..., Emulator]) -> None:
    """With every kind of fault at once, every row comes to its true end, with the details of its own file."""
    rates = dict.fromkeys(KINDS, rate / len(KINDS))
    emulator = emulate(faults=rates, seed=6, index_lag=0.1, fault_index_delay=0.3, fault_slow=0.05)
    frame = with_refusals(200)
    results = run(frame, emulator.account, **NAMES[names])
    judge(emulator, results, names)
    up = results["ik_status"].isin(UP)
    assert results.loc[up, "ik_size"].tolist() == frame.loc[up, "file"].map(len).tolist()
    assert sum(emulator.fired.values())


@pytest.mark.soak
@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_at_every_rate(kind: str, rate: float, names: str, emulate: Callable[..., Emulator]) -> None:
    """Each kind of fault alone, at each rate, whoever makes the names."""
    # With this seed each kind fires also where one in a hundred does, and connections are far fewer than uploads.
    emulator = emulate(faults={kind: rate}, seed=54, index_lag=0.1, fault_index_delay=0.3, fault_slow=0.05)
    results = run(with_refusals(300), emulator.account, **NAMES[names])
    judge(emulator, results, names)
    assert emulator.fired[kind]


@pytest.mark.parametrize("names", ["made here", "replacing"])
@pytest.mark.parametrize(("kind", "moment"), SPENDABLE)
def test_whenever_the_token_is_spent(kind: str, moment: str, names: str, emulate: Callable[..., Emulator]) -> None:
    """Nobody knows when a token counts as spent: a made name is stored once, a replaced file twice at worst."""
    emulator = emulate(faults={kind: 0.33}, spends={kind: moment}, seed=1, index_lag=0.1)
    results = run(table(40), emulator.account, **NAMES[names])
    assert set(results["ik_status"]) <= UP
    assert max(ledger(emulator).values()) <= (2 if names == "replacing" and moment == "answered" else 1)
    assert len(ledger(emulator)) == 40
    assert emulator.fired[kind]


def test_a_unique_name_is_made_here(emulate: Callable[..., Emulator]) -> None:
    """The suffix is ours, and sent as a name that is not to be replaced."""
    emulator = emulate()
    result = run(table(1), emulator.account).iloc[0]
    sent = emulator.log()[-1]["fields"]
    assert result["ik_name"] == sent["fileName"] != "0.gif"
    assert (sent["useUniqueFileName"], sent["overwriteFile"]) == ("false", "false")


def test_equal_rows_have_names_of_their_own(emulate: Callable[..., Emulator]) -> None:
    """Two rows with everything alike are two files."""
    emulator = emulate()
    twins = pd.DataFrame({"file": [b"GIF89a", b"GIF89a"]})
    results = ikpipe.upload(twins, emulator.account, file_name="a.gif", progress=False)
    assert results["ik_name"].nunique() == len(ikpipe.files(emulator.account)) == 2


def test_a_replaced_file_is_not_taken_for_the_new_one(emulate: Callable[..., Emulator]) -> None:
    """A namesake of the same size that was there before does not settle a row that was lost."""
    emulator = emulate(faults={"reset-after": 0.5}, seed=1, index_lag=0.1)
    policy = Policy(first_wait=0.05, index_lag=LAG, clock_skew=0)
    for content in (b"GIF89a-1", b"GIF89a-2"):
        frame = pd.DataFrame({"file": [content + str(row).encode() for row in range(9)], "sku": range(9)})
        results = run(frame, emulator.account, use_unique_file_name=False, policy=policy)
        time.sleep(0.01)
    assert set(results["ik_status"]) == {"uploaded"}
    assert max(ledger(emulator).values()) == 1


def test_unknown_rows_are_looked_for_by_a_retry(emulate: Callable[..., Emulator], tmp_path: Any) -> None:
    """What a run without a view left unknown, a retry with the key settles, also from a CSV, without sending it."""
    emulator = emulate(faults={"store-then-cut": 1}, seed=4)
    blind = run(table(3), emulator.account, timeout=5)
    blind = blind.assign(ik_status="unknown", ik_file_id=pd.NA)
    ikpipe.write_results(blind.drop(columns="file"), tmp_path / "results.csv")
    before = len(ledger(emulator))
    frame = ikpipe.read_results(tmp_path / "results.csv").assign(file=table(3)["file"])
    again = ikpipe.retry(frame, emulator.account, progress=False, file_name="{sku}.gif", folder="/fence/")
    assert again["ik_status"].tolist() == ["exists"] * 3
    assert again["ik_file_id"].notna().all()
    assert len(ledger(emulator)) == before


def test_an_unknown_row_that_is_absent_is_sent(emulate: Callable[..., Emulator]) -> None:
    """What the library does not have, late enough, goes up with the name it was to have."""
    emulator = emulate()
    lost = run(table(1), emulator.account).assign(
        ik_status="unknown", ik_name="0_lost.gif", ik_file_path="/fence/0_lost.gif"
    )
    again = ikpipe.retry(lost, emulator.account, progress=False, policy=Policy(first_wait=0.05, index_lag=LAG))
    assert (again["ik_status"][0], again["ik_name"][0]) == ("uploaded", "0_lost.gif")


@pytest.mark.parametrize(("overwrite", "status"), [(True, "uploaded"), (False, "exists")])
def test_a_fixed_name_in_doubt(*, overwrite: bool, status: str, emulate: Callable[..., Emulator]) -> None:
    """A namesake of that size may be an older version, and is replaced; where none may be replaced, it is ours."""
    emulator = emulate()
    first = run(table(1), emulator.account, use_unique_file_name=False, overwrite_file=overwrite)
    lost = first.assign(ik_status="unknown")
    again = ikpipe.retry(lost, emulator.account, progress=False, policy=Policy(index_lag=0))
    assert again["ik_status"].tolist() == [status]


@pytest.mark.parametrize("names", ["made here", "replacing"])
@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_without_the_key(rate: float, names: str, emulate: Callable[..., Emulator]) -> None:
    """Just the rows that were stored unseen end unknown; those of names made here with the place to look at."""
    emulator = emulate(faults=dict.fromkeys(KINDS, rate / len(KINDS)), seed=5, fault_slow=0.05)
    frame = with_refusals(200)
    with remote(emulator) as account:
        results = run(frame, account, **NAMES[names])
    unknown = results[results["ik_status"] == "unknown"]
    refused = results["checks"].notna()
    assert {sha(content) for content in unknown.loc[~refused, "file"]} == unseen(emulator) != set()
    assert set(results["ik_status"]) == {"uploaded", "unknown", "failed"}
    # What a row is refused for after an answer that was lost proves nothing.
    assert set(results.loc[refused, "ik_status"]) <= {"failed", "unknown"}
    assert not results.loc[~refused, "ik_status"].eq("failed").any()
    assert max(ledger(emulator).values()) == 1
    if names == "made here":
        places = {one["filePath"] for one in uploads_of(emulator) if one["stored"]}
        assert set(unknown.loc[~refused, "ik_file_path"]) < places


def test_without_the_key_a_name_of_its_own_settles_doubt(emulate: Callable[..., Emulator]) -> None:
    """With on_unknown="resend" a name that is taken tells that the row is stored: all are up, and none twice."""
    emulator = emulate(faults={"store-then-cut": 0.4}, seed=5)
    with remote(emulator) as account:
        results = run(table(40), account, on_unknown="resend")
    assert set(results["ik_status"]) == UP
    assert (len(ledger(emulator)), max(ledger(emulator).values())) == (40, 1)
    assert set(results["ik_file_path"]) == set(ikpipe.files(emulator.account)["filePath"])


@pytest.mark.parametrize(("size", "error"), [(3, None), (None, None), (4, "size_differs")])
def test_a_file_of_another_size_has_failed(size: int | None, error: str | None, account: ikpipe.Account) -> None:
    """What is stored must be as long as what was sent, where the service tells."""
    with RawServer(answering(200, {**stored(), "size": size})) as server:
        result = ikpipe.upload_file(b"abc", at(account, server.url), file_name="a")
    assert (result.error, result.attempts) == (error, 1)


def test_a_transformed_file_has_a_size_of_its_own(account: ikpipe.Account) -> None:
    """A pre-transformation stores another file than was sent."""
    with RawServer(answering(200, {**stored(), "size": 4})) as server:
        result = ikpipe.upload_file(b"abc", at(account, server.url), file_name="a", transformation={"pre": "w-4"})
    assert result.status == "uploaded"
