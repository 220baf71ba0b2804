"""The page "Get started", carried out as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd

PAGE = Path(__file__).parents[2] / "docs" / "get-started.md"
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
OUTPUT = re.findall(r"^```\n(ikpipe: .*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[0]
NEEDS_MORE = ("pip install", "ikpipe configure")  # a network; an account of the reader's


def test_a_newcomer_follows_the_page(tmp_path: Path) -> None:
    """Each block runs in an empty folder, in the order of the page: three files are uploaded, and one row is wrong."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {"PATH": path, "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    printed = []
    for language, code in BLOCKS:
        if not code.startswith(NEEDS_MORE):
            words = ["bash", "-ec", code] if language == "bash" else [sys.executable, "-c", code]
            ran = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
            printed.append((ran.returncode, ran.stdout + ran.stderr))
    assert [status for status, _ in printed] == [0, 1, 1, 0]  # make it, check, upload, Python
    assert pd.read_csv(tmp_path / "results.csv")["ik_status"].tolist() == ["uploaded"] * 3 + ["invalid"]
    assert OUTPUT in printed[1][1]
    assert printed[3][1].count("uploaded") == 3
