"""`ikpipe completion`: what the Tab key does in bash, zsh and fish, and the manual page."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from shell import process

if TYPE_CHECKING:
    from shell import Ikp

READY, PROMPT = "ready> ", "PS1=re''ady'> '"  # what is shown, and what is typed for it
START = {
    "bash": f"bash --norc --noprofile -i;{PROMPT}; . ./_ikpipe",
    "zsh": f"zsh -f -i;{PROMPT}; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D",
}


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, shell: str) -> None:
        words, _, setting = START[shell].partition(";")
        self._main, side = pty.openpty()
        settings = {**os.environ, "TERM": "dumb", "LC_ALL": "C.UTF-8", "HOME": str(Path.cwd())}
        streams = {"stdin": side, "stdout": side, "stderr": side}
        self._process = subprocess.Popen(words.split(), **streams, env=settings, start_new_session=True)  # noqa: S603 - a shell of the system
        os.close(side)
        os.write(self._main, f"stty cols 200; {setting}\n".encode())
        self._read(READY)

    def complete(self, line: str, until: str) -> str:
        """Type a line and the Tab key, and return what is shown until a text is; then leave the line."""
        os.write(self._main, f"{line}\t".encode())
        shown = self._read(until)
        os.write(self._main, b"\x15\n")
        self._read(READY)
        return shown

    def _read(self, until: str) -> str:
        """Return what is shown until a text is, or for some seconds."""
        shown, end = "", time.monotonic() + 10
        while until not in shown and select.select([self._main], [], [], max(0.0, end - time.monotonic()))[0]:
            shown += os.read(self._main, 10_000).decode(errors="replace")
        return shown

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._main)


CASES = [
    ("ikpipe upl", "ikpipe upload"),
    ("ikpipe auth", "ikpipe auth-server"),
    ("ikpipe upload --on-ex", "--on-existing"),
    ("ikpipe upload in.csv -o out.csv --on-existing re", "--on-existing replace"),
    ("ikpipe completion fi", "completion fish"),
    ("ikpipe upload prod", "products.csv"),
    ("ikpipe upload in.csv -o prod", "products.csv"),
    ("ikpipe upload in.csv --root pic", "pictures/"),
    ("ikpipe check my", "my\\ table.csv"),
    ("ikpipe sync pic", "pictures/"),
]


def run(*words: str, text: str = "") -> str:
    """Return the output of a program that has nothing to complain of."""
    settings = {**os.environ, "HOME": str(Path.cwd())}
    ran = subprocess.run(words, input=text, capture_output=True, text=True, check=True, env=settings, timeout=60)  # noqa: S603 - ours
    assert ran.stderr == ""
    return ran.stdout


@pytest.fixture(autouse=True)
def files() -> None:
    """Write what can be completed."""
    for name in ("products.csv", "my table.csv"):
        Path(name).touch()
    Path("pictures").mkdir()


@pytest.mark.parametrize("shell", START)
def test_the_tab_key(ikp: Ikp, shell: str) -> None:
    """It completes commands, options, their values, files and folders."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    Path("_ikpipe").write_text(ikp("completion", shell).out, encoding="utf-8")
    terminal = Terminal(shell)
    shown = {line: terminal.complete(line, expected) for line, expected in CASES}
    terminal.close()
    assert {line: shown[line] for line, expected in CASES if expected not in shown[line]} == {}


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_the_tab_key_of_fish(ikp: Ikp) -> None:
    """It lists what a line could go on with."""
    Path("ikpipe.fish").write_text(ikp("completion", "fish").out, encoding="utf-8")
    asked = "\n".join(f"complete -C '{line}' | string replace -r '\\t.*' ''; echo ---" for line, _ in CASES)
    out = run("fish", "--no-config", "-c", f"source ikpipe.fish\n{asked}")
    listed = [part.split("\n") for part in out.split("---\n")]
    for (line, expected), found in zip(CASES, listed, strict=False):
        assert re.split(r"(?<!\\) ", expected)[-1].replace("\\", "") in found, (line, found)


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_page(ikp: Ikp) -> None:
    """It has no mistake that groff warns of, and each option, with its hyphens as they are typed."""
    out = run("groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-P-c", text=ikp("completion", "man").out)
    text = re.sub(r".\x08", "", out)
    assert "--on-existing replace|skip|error|sync" in text
    assert "--set 'file_name={sku}.jpg'" in text


def test_a_reader_that_is_gone() -> None:
    """The script may be piped into a program that ends early."""
    with process("completion", "zsh") as running:
        running.stdout.close()
        assert (running.stderr.read(), running.wait()) == ("", 0)


def test_a_shell_that_is_not_supported(ikp: Ikp) -> None:
    """The error names those that are."""
    ran = ikp("completion", "zhs")
    assert (ran.status, "(did you mean 'zsh'?)" in ran.err) == (2, True)
