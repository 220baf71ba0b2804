"""`import ikpipe` is light, and gives every public name when it is first used."""

from __future__ import annotations

import pytest

import ikpipe


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
