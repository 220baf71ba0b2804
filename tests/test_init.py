"""`import ikpipe` is light, and gives every public name when it is first used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ikpipe

HEAVY = ["pandas", "numpy", "httpx", "jwt", "asyncio", "starlette", "uvicorn", "ipywidgets", "dask", "tqdm", "sqlite3"]


def fresh(code: str) -> str:
    """Run code in a fresh process, and give what it prints."""
    return subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_the_import_loads_nothing_heavy() -> None:
    """None of the libraries behind it, in a fresh process."""
    loaded = fresh("import sys, ikpipe; print(*{name.partition('.')[0] for name in sys.modules})").split()
    assert not set(HEAVY) & set(loaded)


def test_an_account_needs_nothing_heavy() -> None:
    """Keys can be read without waiting for pandas."""
    assert fresh("import sys, ikpipe; ikpipe.Account; ikpipe.Error; print('pandas' in sys.modules)").strip() == "False"


@pytest.mark.parametrize("name", ikpipe.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Each name of `__all__` can be had, and a function's or class's own name is the same."""
    thing = getattr(ikpipe, name)
    assert getattr(thing, "__name__", name).rpartition(".")[2] == name
    assert thing.__doc__


def test_the_public_names_are_listed() -> None:
    """`dir` shows them, and nothing of the inside."""
    assert dir(ikpipe) == sorted(ikpipe.__all__)


CONTRACT = (
    "upload aupload check retry upload_file aupload_file sign url files write_results read_results Account Uploader"
)


@pytest.mark.parametrize("name", CONTRACT.split())
def test_the_contracts_names_are_there(name: str) -> None:
    """What notebooks and pipelines are written against."""
    assert name in ikpipe.__all__


def test_a_name_that_there_is_not() -> None:
    """An `AttributeError`, as of any module."""
    with pytest.raises(AttributeError, match="module 'ikpipe' has no attribute 'uplaod'"):
        _ = ikpipe.uplaod


def test_the_uploader_names_its_extra() -> None:
    """Where anywidget is not installed, the error has the line to type."""
    code = (
        "import sys; sys.modules['anywidget'] = None\n"
        "import ikpipe\n"
        "try: ikpipe.Uploader\n"
        "except ikpipe.MissingExtra as error: print(error)"
    )
    assert "pip install 'ikpipe[widget]'" in fresh(code)
