"""Downloads to a file system that is full."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from doubles import Page

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from doubles import Site

    from ikpipe import Account

    Arrived = Callable[[], list[dict[str, Any]]]


RUN = """
import sys, pandas as pd, ikpipe
public, private, upload, api, *urls = sys.argv[1:]
account = ikpipe.Account(public, private, upload_url=upload, api_url=api)
results = ikpipe.upload(pd.DataFrame({"file": urls}), account, file_name="a.bin", fetch="client",
                        fetch_hosts=["127.0.0.1"], progress=False, policy=ikpipe.Policy(first_wait=0.02))
print(results["ik_status"].eq("uploaded").sum(), results["ik_message"].dropna().tolist())
"""


def test_a_small_file_system_is_one_rows_trouble(account: Account, site: Site, tmp_path: Path) -> None:
    """The same with a real file system of 1 MB, where this process may make one."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:  # noqa: S603
        pytest.skip("no file system can be mounted here")
    try:
        urls = [site.put(f"/mount/{row}", bytes(20_000)) for row in range(300)]
        site.put("/mount/7", Page(bytes(4_000_000), chunked=True))
        keys = [account.public_key, str(account.private_key), account.upload_url, account.api_url]
        ran = subprocess.run(  # noqa: S603
            [sys.executable, "-c", RUN, *keys, *urls],
            env={**os.environ, "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)  # noqa: S603, S607
    assert ran.stdout.startswith("299 ")
    assert str(tmp_path) in ran.stdout
