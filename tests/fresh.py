"""Code in a fresh process."""

from __future__ import annotations

import subprocess
import sys


def fresh(code: str) -> str:
    """Run code in a fresh process, and give what it prints."""
    return subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout
