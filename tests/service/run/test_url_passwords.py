"""Passwords and signatures in URLs: they are used, and nobody sees them."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, ClassVar

import fsspec
import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.utils import infer_storage_options
from parts import gif
from parts import plan as prepared
from rows import quiet

import ikpipe
from ikpipe import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ikpipe import Account

PASSWORD, SIGNATURE = "swordfish", "c2lnbmF0dXJl"
URLS = [
    f"https://joe:{PASSWORD}@127.0.0.1:9/x.jpg?X-Amz-Signature={SIGNATURE}",
    f"https://joe:{PASSWORD}@shop.example/{'long/' * 40}a b.jpg?sig={SIGNATURE}",
    f"http://joe:{PASSWORD}@shop. example/x.jpg",
    f"ftp://joe:{PASSWORD}@shop.example/x.jpg",
    f"s3://joe:{PASSWORD}@bucket/x.jpg",
    f"https://joe:{PASSWORD}@shop.example:99999/x.jpg",
    f"https:/joe:{PASSWORD}@shop.example/x.jpg",
    f"https://joe:a/b@{PASSWORD}@xn--/x.jpg",
    f"joe:{PASSWORD}@shop.example/x.jpg",
]
FRAME = pd.DataFrame({"file": URLS, "sku": [f"s{at}" for at in range(len(URLS))]})
LOCATION = f"vault://joe:{PASSWORD}@bucket"


class Vault(MemoryFileSystem):
    """A store that takes its login from the URL."""

    protocol = "vault"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    def __init__(self, login: str = "", **options: Any) -> None:
        if login != f"joe:{PASSWORD}":
            raise PermissionError(f"{login}@bucket is not allowed")
        super().__init__(**options)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return MemoryFileSystem._strip_protocol(path.rpartition("@")[2].replace("vault://", "memory://"))  # noqa: SLF001

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        parts = infer_storage_options(path)
        return {"login": f"{parts.get('username')}:{parts.get('password')}"}


@pytest.fixture(autouse=True)
def vault() -> Iterator[None]:
    """Let fsspec know the store."""
    fsspec.register_implementation("vault", Vault, clobber=True)
    yield
    Vault.store.clear()


def check_clean(*shown: Any) -> None:
    """Check that nothing that people see has a secret."""
    text = " | ".join(map(str, shown))
    assert text
    assert PASSWORD not in text
    assert SIGNATURE not in text


@pytest.mark.parametrize("options", [{}, {"fetch": "client"}, {"fetch": "client", "fetch_hosts": ["127.0.0.1"]}])
def test_results_do_not_show_what_is_in_the_urls(
    options: dict[str, Any], account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """Only the column of the table has them."""
    caplog.set_level(logging.DEBUG)
    results = quiet(FRAME, account, retries=0, timeout=2, policy=Policy(first_wait=0.01), **options)
    assert results["file"].tolist() == URLS
    check_clean(results.drop(columns="file").to_dict(), results.attrs, ikpipe.summary(results), caplog.text)


@pytest.mark.parametrize("options", [{}, {"fetch": "client"}])
def test_checks_and_plans_do_not_show_it_either(options: dict[str, Any], account: Account) -> None:
    """They name row and column, so that the URL is found."""
    problems = ikpipe.check(FRAME, account, probe=True, timeout=2, **options)
    planned = ikpipe.plan(FRAME, account, timeout=2, **options)
    check_clean(problems.to_dict(), ikpipe.report(problems), planned.drop(columns="file").to_dict(), planned.attrs)


def test_a_journal_and_a_state_behind_a_password_work(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the prepared upload nor the log shows it."""
    caplog.set_level(logging.DEBUG)
    options = {"journal": f"{LOCATION}/journal", "state": f"{LOCATION}/state", "on_existing": "sync"}
    upload = prepared(account, key="sku", **options)
    results = upload(pd.DataFrame({"sku": ["x"], "file": [gif(1)]}))
    assert results["ik_status"].tolist() == ["uploaded"]
    assert {path.split("/")[2] for path in Vault.store} == {"journal", "state"}
    check_clean(repr(upload), results.drop(columns="file").to_dict(), caplog.text)


@pytest.mark.parametrize("location", [LOCATION.replace("joe", "jim"), LOCATION.replace("vault", "nowhere")])
@pytest.mark.parametrize("option", ["journal", "state"])
def test_an_error_of_a_location_does_not_show_it(location: str, option: str, account: Account) -> None:
    """Not even in what the store says."""
    with pytest.raises(ikpipe.Error) as caught:
        prepared(account, key="sku", **{option: location})
    check_clean(caught.value, repr(caught.value))


def test_a_journal_of_another_run_does_not_show_it(account: Account) -> None:
    """Nor does a damaged one."""
    prepared(account, key="sku", journal=LOCATION)
    with pytest.raises(ikpipe.JournalError, match="belongs to another run") as caught:
        prepared(account, key="name", journal=LOCATION)
    check_clean(caught.value, repr(caught.value))
    Vault(f"joe:{PASSWORD}").pipe_file("/bucket/run.json", b"{")
    with pytest.raises(ikpipe.JournalError, match="damaged") as caught:
        prepared(account, key="sku", journal=LOCATION)
    check_clean(caught.value, repr(caught.value))


def test_a_run_on_one_machine_has_no_journal_at_a_url(account: Account) -> None:
    """It would be a file in a folder that is named like the protocol."""
    with pytest.raises(ikpipe.JournalError, match="is a URL") as caught:
        quiet(FRAME[:1], account, journal=LOCATION)
    check_clean(caught.value, repr(caught.value))


def test_the_mapping_of_results_has_no_password_of_a_webhook(account: Account, tmp_path: Path) -> None:
    """The service gets it; whoever retries the results in another process passes it again."""
    hook = f"https://joe:{PASSWORD}@hook.example/?key={SIGNATURE}"
    rows = pd.DataFrame({"file": [gif(3)]})
    results = quiet(rows, account, file_name="hook.gif", webhook_url=hook)
    assert results["ik_status"].tolist() == ["uploaded"]
    check_clean(results.attrs, json.dumps(results.attrs, default=str))
    again = ikpipe.retry(results.assign(ik_status="failed"), account, progress=False)
    assert again["ik_status"].tolist() == ["uploaded"]


@pytest.mark.parametrize(
    "keywords", [{"root": f"s3://joe:{PASSWORD}@bucket"}, {"fetch_hosts": [f"https://joe:{PASSWORD}@host"]}]
)
def test_an_error_of_a_keyword_does_not_show_it(keywords: dict[str, Any], account: Account) -> None:
    """Although it shows the rest of the value."""
    for call in (lambda: quiet(FRAME, account, **keywords), lambda: prepared(account, **keywords)(FRAME)):
        with pytest.raises(ikpipe.MappingError) as caught:
            call()
        check_clean(caught.value, repr(caught.value))
