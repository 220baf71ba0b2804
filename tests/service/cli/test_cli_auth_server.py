"""`ikpipe auth-server`: the seed's authentication endpoint, on a port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from shell import Ikp


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "Set who may sign"),
        (["--anybody", "--callers", "x"], "Set who may sign"),
        (["--anybody", "--may", "fileNam"], "did you mean 'file_name'"),
        (["--anybody", "--force", "is_private_file=perhaps"], "must be true or false"),
        (["--anybody", "--lifetime", "4000"], "1 to 3,600"),
        (["--anybody", "--origin", "*"], "is not valid"),
        (["--anybody", "--headers", "X-Team,Cookie"], "headers: 'Cookie' is not valid"),
        (["--anybody", "--headers", "*"], "without values, such as 'X-CSRF-Token'"),
        (["--callers", "nobody.txt"], "No such file"),
        (["--allow", "nobody:here"], "No module named"),
        (["--allow", "json:loads"], "ikpipe.auth.Allow"),
        (["--allow", "json"], "MODULE:NAME"),
        (["--allow", "json:nothing"], "no attribute"),
        (["--allow", "json:loads", "--anybody"], "cannot be combined"),
    ],
)
@pytest.mark.usefixtures("signed_in")
def test_bad_options(ikp: Ikp, options: list[str], words: str) -> None:
    """One line says what is wrong, with status 2; nothing is served."""
    ran = ikp("auth-server", *options)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert words in ran.err


def test_it_needs_a_key(ikp: Ikp) -> None:
    """Without an account, status 3."""
    assert ikp("auth-server", "--anybody").status == 3


@pytest.mark.usefixtures("signed_in")
def test_missing_extra(ikp: Ikp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uvicorn, the line to type is named."""
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    ran = ikp("auth-server", "--anybody")
    assert ran.status == 2
    assert "pip install 'ikpipe[server]'" in ran.err
