"""Tokens of several processes."""

from __future__ import annotations

import subprocess
import sys


def test_eight_real_processes_keep_apart() -> None:
    """Eight processes that sign 500 equal rows each make 4,000 different tokens."""
    code = (
        "from ikpipe.request.token import LocalSigner; from ikpipe import Account\n"
        "signer = LocalSigner(Account('public_abc', 'private_0123456789abcdef0123456789abcdef'))\n"
        "print(*(signer.sign({'fileName': 'a.jpg'}).text for _ in range(500)))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own code
        for _ in range(8)
    ]
    tokens = [token for process in processes for token in process.communicate()[0].split()]
    assert len(tokens) == len(set(tokens)) == 4000
