"""Accounts with a key and an authentication endpoint: the key is used where it is, and the endpoint elsewhere."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from doubles import signing
from parts import elsewhere, plan, stored, table

import ikpipe
from ikpipe import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ikpipe.cluster import PreparedUpload
    from ikpipe.emulator import Emulator

COOKIE = "session-of-the-driver-0123456789"
WORKER = """
import json, pickle, sys
upload, rows = pickle.load(open(sys.argv[1], "rb"))
try:
    results = upload(rows)
    found = {name: results[name].astype(object).tolist() for name in ("ik_status", "ik_file_id")}
    print(json.dumps(found, default=lambda missing: None))
except Exception as error:
    print(json.dumps({"error": str(error)}))
"""


@dataclass
class Site:
    """An emulator, an endpoint that signs for it, and the file by which a worker gets its part."""

    emulator: Emulator
    signer: Any
    path: Path

    def account(self, **settings: Any) -> Account:
        """Return the account, with the key and the endpoint."""
        emulator = self.emulator.account
        addresses = {"upload_url": emulator.upload_url, "api_url": emulator.api_url}
        keys = (self.emulator.public_key, self.emulator.private_key)
        return Account(*keys, authentication_endpoint=self.signer.url, **addresses, **settings)

    def on_worker(self, upload: PreparedUpload, *, key: bool) -> dict[str, Any]:
        """Run a part in another process, with or without the private key; return its results or its error."""
        pickled = pickle.dumps((upload, table(2)))
        assert self.emulator.private_key.encode() not in pickled
        assert COOKIE.encode() not in pickled
        self.path.write_bytes(pickled)
        environment = {"IMAGEKIT_PRIVATE_KEY": self.emulator.private_key if key else ""}
        done = elsewhere(WORKER, self.path, environment)
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def site(emulate: Callable[..., Emulator], tmp_path: Path) -> Iterator[Site]:
    """Start an emulator and an endpoint."""
    emulator = emulate()
    with signing(emulator.private_key) as signer:
        yield Site(emulator, signer, tmp_path / "part")


def test_the_key_signs_where_it_is(site: Site) -> None:
    """On one machine, on the driver, and on a worker; nobody asks the endpoint."""
    rows = table(2)
    ikpipe.upload(rows, site.account(), file_name="{sku}.gif", folder="/one/", progress=False)
    upload = plan(site.account())
    assert upload(rows)["ik_status"].tolist() == ["uploaded"] * 2
    again = site.on_worker(upload, key=True)
    assert again["ik_status"] == ["exists"] * 2
    assert None not in again["ik_file_id"]  # found in the library, with the key
    assert site.signer.asked == []


def test_the_endpoint_signs_where_no_key_is(site: Site) -> None:
    """The files are the same; without the key, nobody can search for their details."""
    upload = plan(site.account())
    assert site.on_worker(upload, key=False)["ik_status"] == ["uploaded"] * 2
    assert len(site.signer.asked) == 2
    assert site.on_worker(upload, key=False) == {"ik_status": ["exists"] * 2, "ik_file_id": [None, None]}
    assert None not in site.on_worker(upload, key=True)["ik_file_id"]
    assert stored(site.emulator) == 2


@pytest.mark.parametrize("first", [False, True])
def test_workers_with_and_without_the_key_share_a_journal(first: bool, site: Site, tmp_path: Path) -> None:  # noqa: FBT001
    """What one has written is proven for the other, and for the next upload."""
    journal = tmp_path / "journal"
    upload = plan(site.account(), key="sku", journal=journal)
    before = site.on_worker(upload, key=first)
    asked = len(site.signer.asked)
    assert site.on_worker(upload, key=not first) == before
    assert plan(site.account(), key="sku", journal=journal)(table(2))["ik_file_id"].tolist() == before["ik_file_id"]
    assert len(site.signer.asked) == asked == (0 if first else 2)
    assert stored(site.emulator) == 2


def test_headers_are_only_needed_where_the_endpoint_signs(site: Site) -> None:
    """They are not pickled, and a worker with the key does not use them."""
    upload = plan(site.account(headers={"Cookie": COOKIE}))
    assert site.on_worker(upload, key=True)["ik_status"] == ["uploaded"] * 2
    error = site.on_worker(upload, key=False)["error"]
    assert "does not have the headers of the authentication endpoint" in error


def test_a_library_is_only_read_with_the_key(site: Site, tmp_path: Path) -> None:
    """A worker without it says so, before it sends anything."""
    upload = plan(site.account(), on_existing="sync", state=f"{tmp_path}/state/")
    error = site.on_worker(upload, key=False)["error"]
    assert "needs the account's private key" in error
    assert site.signer.asked == []
    assert site.on_worker(upload, key=True)["ik_status"] == ["uploaded"] * 2
