"""An account in processes that are started with it."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from parts import elsewhere

from ikpipe import Account, sign

if TYPE_CHECKING:
    from pathlib import Path


KEY = "private_9f2cVerySecret"


COOKIE = "session-hunter2"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set no key, know of no account, and put the configuration folder where the test can write."""
    for name in ("PUBLIC_KEY", "PRIVATE_KEY"):
        monkeypatch.delenv(f"IMAGEKIT_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def child(account: Account, told: Any) -> None:
    """Tell whether the account has its key."""
    told.send((account.private_key == KEY, account.headers == {"Cookie": COOKIE}))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_process_that_is_started_with_it_has_the_key(method: str) -> None:
    """What `multiprocessing` tells its own children goes through a pipe."""
    here, there = multiprocessing.get_context(method).Pipe(duplex=False)
    account = Account("public_a", KEY, headers={"Cookie": COOKIE})
    process = multiprocessing.get_context(method).Process(target=child, args=(account, there))
    process.start()
    assert here.recv() == (True, True)
    process.join()


def test_a_pool_that_is_forked_has_the_key() -> None:
    """What is handed to it is pickled after it was forked."""
    account = Account("public_forked", KEY)
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        assert pool.submit(Account.key, account).exception() is not None  # which could not come back, and says so
        assert pool.submit(sign, {"file_name": "a"}, account).result()


def test_another_process_signs_the_same(tmp_path: Path) -> None:
    """Whether the pickle was read by a child or by a stranger."""
    (tmp_path / "account").write_bytes(pickle.dumps(Account("public_a", KEY)))
    script = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).key() == 'private_9f2cVerySecret')"
    done = elsewhere(script, tmp_path / "account", {"IMAGEKIT_PRIVATE_KEY": KEY})
    assert done.stdout == "True\n", done.stderr
