"""What a command loads and how much memory it takes."""

from __future__ import annotations

import subprocess
import sys


def test_help_loads_nothing_heavy() -> None:
    """`ikpipe --help` loads no library that takes its time."""
    heavy = ("pandas", "numpy", "httpx", "jwt", "asyncio", "starlette", "uvicorn", "tqdm", "pyarrow", "urllib.request")
    code = f"import sys\nfrom ikpipe.cli import main\nmain(['--help'])\nprint({heavy!r} & sys.modules.keys())"
    code = code.replace(repr(heavy), repr(set(heavy)))
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert ran.stdout.splitlines()[-1] == "set()"


def test_memory_of_long_tables() -> None:
    """The program has Arrow take memory from the system: its own pool keeps what each part of a table needed."""
    code = "import sys; sys.argv = ['ikpipe', '--help']; from ikpipe import cli; cli.main(); import pyarrow; "
    code += "print(pyarrow.default_memory_pool().backend_name)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert ran.stdout.splitlines()[-1] == "system"
