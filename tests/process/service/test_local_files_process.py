"""Local files in a process without privileges or with few descriptors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]


pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, permissions and descriptors of another kind")


CHECK = """
import os, sys, pandas as pd, ikpipe
ikpipe.check(pd.DataFrame({"file": ["a.bin"]}), root=sys.argv[1])  # has everything loaded, which others may not read
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
print(ikpipe.check(pd.DataFrame({"file": ["a.bin", "b.bin", "c/d.bin"]}), root=sys.argv[1])["code"].tolist())
"""


def test_a_file_of_mode_000_is_found_by_check(tmp_path: Path) -> None:
    """By a user whom permissions apply to."""
    (tmp_path / "c").mkdir()
    for name in ("a.bin", "b.bin", "c/d.bin"):
        (tmp_path / name).write_bytes(b"x")
    for folder in [tmp_path, *tmp_path.parents]:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    (tmp_path / "b.bin").chmod(0)
    (tmp_path / "c").chmod(0)
    ran = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", CHECK, str(tmp_path)], capture_output=True, text=True, check=False
    )
    (tmp_path / "c").chmod(0o700)
    assert ran.stdout == "['file_unreadable', 'file_unreadable']\n", ran.stderr


def test_a_root_behind_a_closed_folder_is_an_error_of_the_mapping(tmp_path: Path) -> None:
    """Nobody may look there: it is no folder for this user, and no traceback."""
    (tmp_path / "closed" / "root").mkdir(parents=True)
    (tmp_path / "closed" / "root" / "a.bin").write_bytes(b"x")
    code = CHECK.replace("if os.getuid() == 0:", "os.chmod(os.path.dirname(sys.argv[1]), 0)\nif os.getuid() == 0:", 1)
    ran = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", code, str(tmp_path / "closed" / "root")], capture_output=True, text=True, check=False
    )
    (tmp_path / "closed").chmod(0o700)
    assert "is not a folder" in ran.stderr.splitlines()[-1]


RUN = """
import json, resource, sys
import pandas as pd, ikpipe
about = json.loads(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (about["limit"], about["limit"]))
account = ikpipe.Account(about["public"], about["private"], upload_url=about["upload"], api_url=about["api"])
frame = pd.DataFrame({"file": [f"{row}.bin" for row in range(about["rows"])]})
results = ikpipe.upload(frame, account, root=about["root"], progress=False, **about["options"])
print(results["ik_status"].value_counts().to_dict(), set(results["ik_message"].dropna()))
"""


@pytest.mark.parametrize(
    ("limit", "rows", "size", "options"),
    [
        (256, 600, 100, {}),
        (256, 300, 300_000, {}),
        (256, 400, 100, {"concurrency": 300}),
        (64, 100, 100, {}),
        pytest.param(256, 5_000, 100, {}, marks=pytest.mark.soak),
    ],
)
def test_a_low_limit_of_open_files(
    limit: int, rows: int, size: int, options: dict[str, Any], tmp_path: Path, emulate: Callable[..., Emulator]
) -> None:
    """With 256 open files, hundreds of files are uploaded; so are large ones, and with a concurrency that is too much.

    The service takes its time, so that many in flight do best.
    """
    account = emulate(latency=0.2).account
    for row in range(rows):
        (tmp_path / f"{row}.bin").write_bytes(b"%d" % row * (size // 5))
    about = {
        "limit": limit,
        "rows": rows,
        "root": str(tmp_path),
        "options": options,
        "public": account.public_key,
        "private": str(account.private_key),
        "upload": account.upload_url,
        "api": account.api_url,
    }
    ran = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", RUN, json.dumps(about)], capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.stdout == f"{{'uploaded': {rows}}} set()\n", ran.stderr[-2000:]
