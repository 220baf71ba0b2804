"""What `import ikpipe` loads, in fresh processes."""

from __future__ import annotations

import pytest
from fresh import fresh

HEAVY = ["pandas", "numpy", "httpx", "jwt", "asyncio", "starlette", "uvicorn", "ipywidgets", "dask", "tqdm", "sqlite3"]


def test_the_import_loads_nothing_heavy() -> None:
    """None of the libraries behind it, in a fresh process."""
    loaded = fresh("import sys, ikpipe; print(*{name.partition('.')[0] for name in sys.modules})").split()
    assert not set(HEAVY) & set(loaded)


def test_an_account_needs_nothing_heavy() -> None:
    """Keys can be read without waiting for pandas."""
    assert fresh("import sys, ikpipe; ikpipe.Account; ikpipe.Error; print('pandas' in sys.modules)").strip() == "False"


def test_the_uploader_names_its_extra() -> None:
    """Where anywidget is not installed, the error has the line to type."""
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import ikpipe\n"
        "try: ikpipe.Uploader\n"
        "except ikpipe.MissingExtra as error: print(error)"
    )
    assert "pip install 'ikpipe[widget]'" in fresh(code)


@pytest.mark.parametrize("missing", ["starlette", "PIL"])
def test_the_emulator_names_its_extra(missing: str) -> None:
    """Where a library of the emulator is not installed, the error has the line to type."""
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "try: import ikpipe.emulator\n"
        "except ImportError as error: print(error)"
    )
    assert "pip install 'ikpipe[emulator]'" in fresh(code)
