"""Whatever a cell's file is, its bytes arrive; what may not be published is not sent."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import Page, RawServer, answering, stored
from rows import at, blobs, quiet, sha

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from doubles import Site

    from ikpipe import Account

    Arrived = Callable[[], list[dict[str, Any]]]


HERE: dict[str, Any] = {"fetch": "client", "fetch_hosts": ["127.0.0.1"]}


def test_urls_are_fetched_by_the_service(account: Account, site: Site, arrived: Arrived) -> None:
    """A URL is sent as text; the service downloads it, and its name is the file's."""
    url = site.put("/red.jpg", b"red")
    results = quiet(pd.DataFrame({"file": [url]}), account, use_unique_file_name=False)
    assert arrived()[0]["file"] == {"kind": "url", "name": None, "size": 3, "sha256": sha(b"red")}
    assert results["ik_name"].tolist() == ["red.jpg"]


@pytest.mark.parametrize("fetch", ["server", "client"])
def test_urls_are_encoded_as_a_browser_would(fetch: Any, account: Account, site: Site, arrived: Arrived) -> None:
    """Spaces and Japanese letters in a URL arrive percent-encoded, and decoded in the file's name."""
    site.put("/%E7%8C%AB%20%E5%86%99%E7%9C%9F.jpg?size=a%20b", b"cat")
    frame = pd.DataFrame({"file": [f"{site.url}/猫 写真.jpg?size=a b"]})
    results = quiet(frame, account, fetch=fetch, fetch_hosts=["127.0.0.1"], use_unique_file_name=False)
    assert (arrived()[0]["file"]["sha256"], results["ik_name"].tolist()) == (sha(b"cat"), ["猫_写真.jpg"])


def test_bytes_paths_and_text_arrive_whole(account: Account, tmp_path: Path, arrived: Arrived) -> None:
    """Bytes, a `Path` and a data URI in one column arrive as the same file."""
    content = bytes(range(256)) * 9
    (tmp_path / "a.bin").write_bytes(content)
    uri = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    quiet(blobs(content, tmp_path / "a.bin", uri), account, file_name="a.bin")
    assert {entry["file"]["sha256"] for entry in arrived()} == {sha(content)}
    assert sorted(entry["file"]["kind"] for entry in arrived()) == ["binary", "binary", "data-uri"]


def test_base64_text_is_decoded_by_the_service(account: Account, arrived: Arrived) -> None:
    """`file_kind="base64"` sends text as it is, and the service decodes it."""
    text = base64.b64encode(b"some bytes").decode()
    quiet(pd.DataFrame({"file": [text]}), account, file_kind="base64", file_name="a.bin")
    assert (arrived()[0]["file"]["kind"], arrived()[0]["file"]["sha256"]) == ("base64", sha(b"some bytes"))


def test_text_paths_live_below_the_root(account: Account, tmp_path: Path, arrived: Arrived) -> None:
    """With `root=`, text is a path in that folder, and names the file."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.txt").write_bytes(b"below")
    results = quiet(pd.DataFrame({"file": ["in/b.txt"]}), account, root=tmp_path, use_unique_file_name=False)
    assert (arrived()[0]["file"]["sha256"], results["ik_name"].tolist()) == (sha(b"below"), ["b.txt"])


def test_ways_out_of_the_root_send_nothing(account: Account, tmp_path: Path, arrived: Arrived) -> None:
    """`..`, an absolute path, a link and a `Path` that lead out of the root are refused."""
    root = tmp_path / "root"
    root.mkdir()
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"secret")
    (root / "link").symlink_to(secret)
    frame = blobs("../secret.txt", str(secret), "link", secret, f"file://{secret}")  # type: ignore[arg-type]
    results = quiet(frame, account, root=root, file_name="a.txt")
    assert (results["ik_error"].tolist(), arrived()) == (["file_not_allowed"] * 5, [])


def test_a_local_path_needs_a_root(account: Account, arrived: Arrived) -> None:
    """Without `root=`, text that is no URL is refused: a spreadsheet cannot publish a local file."""
    results = quiet(pd.DataFrame({"file": [__file__]}), account)
    assert (results["ik_error"].tolist(), arrived()) == (["file_not_allowed"], [])


@pytest.mark.parametrize("page", [Page(b"whole body", chunked=True), Page(b"late", wait=0.2)])
def test_files_fetched_here_arrive_whole(page: Page, account: Account, site: Site) -> None:
    """With `fetch="client"`, a chunked body and a slow one arrive whole."""
    url = site.put("/page.bin", page)
    with RawServer(answering(200, stored())) as server:
        quiet(pd.DataFrame({"file": [url]}), at(account, server.url), **HERE)
    assert server.requests[0].parts[-2].content == page.body
    assert server.requests[0].parts[-2].headers.count('filename="page.bin"') == 1


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (Page(b"", 404), "status 404"),
        (Page(b"", 503), "status 503"),
        (Page(b"half", cut=2), "cannot be downloaded"),
        (Page(b"", 302, headers=(("Location", "/loop"),)), "cannot be downloaded"),
    ],
    ids=["missing", "ill", "cut", "loop"],
)
def test_files_that_cannot_be_fetched_send_nothing(
    page: Page, words: str, account: Account, site: Site, arrived: Arrived
) -> None:
    """With `fetch="client"`, a URL that fails ends its row as `fetch_failed`, with the reason."""
    results = quiet(pd.DataFrame({"file": [site.put("/loop", page)]}), account, file_name="a", retries=0, **HERE)
    assert (results["ik_error"].tolist(), arrived()) == (["fetch_failed"], [])
    assert words in results["ik_message"].iloc[0]


def test_a_dead_host_is_a_row_of_its_own(account: Account, arrived: Arrived) -> None:
    """With `fetch="client"`, a host that nobody answers at fails its row alone."""
    frame = pd.DataFrame({"file": ["http://127.0.0.1:9/a.jpg", "data:;base64,YQ=="]})
    results = quiet(frame, account, **HERE, file_name="a", policy=ikpipe.Policy(first_wait=0.05))
    assert (results["ik_status"].tolist(), len(arrived())) == (["failed", "uploaded"], 1)


def test_fetched_files_obey_the_account_s_size(account: Account, site: Site, arrived: Arrived) -> None:
    """With `fetch="client"`, a download ends at the account's largest size, and nothing is sent."""
    small = ikpipe.Account(account.public_key, account.private_key, upload_url=account.upload_url, max_file_size=1000)
    results = quiet(pd.DataFrame({"file": [site.put("/long", Page(b"x" * 5000, chunked=True))]}), small, **HERE)
    assert (results["ik_error"].tolist(), arrived()) == (["fetch_failed"], [])
    assert "1,000 bytes" in results["ik_message"].iloc[0]
