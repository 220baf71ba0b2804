"""What a command loads and how much memory it takes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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


def test_the_garbage_collector_runs_seldom(tmp_path: Path) -> None:
    """Each time, it looks through what is imported: of a long table's processor time, a third was that."""
    (tmp_path / "in.csv").write_text("file,sku\n" + "https://a.example/1.jpg,1\n" * 20_000)
    code = "import gc, sys; sys.argv = ['ikpipe', 'check', 'in.csv']; from ikpipe import cli; cli.main(); "
    code += "print(sum(one['collections'] for one in gc.get_stats()))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)  # noqa: S603 - our own code
    assert int(ran.stdout) < 100, ran.stdout
