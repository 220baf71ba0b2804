"""The command that a message suggests, read by a real shell."""

from __future__ import annotations

import subprocess
from typing import Any

from ikpipe.cli import mapping
from ikpipe.cli.next_command import retry_command
from ikpipe.cli.parser import parser
from ikpipe.run.prepare import collect_mapping


def next_command(*words: str, **run: Any) -> str:
    """Write the command that retries a run."""
    about = {"mapping": collect_mapping(run.pop("columns", None), None, None, "server", run)}
    return retry_command(parser().parse_args(["upload", "in.csv", *words]), about)


def test_the_next_command_is_quoted() -> None:
    """A shell takes the command apart into the very words, whatever is in them."""
    name = "a 'b' \"c\" $d `e` \\ *, f\ng"
    command = next_command("-o", "my $out.csv", columns={"tags": [name, "h"]}, file_name="{sku} $1.png")
    printed = subprocess.run(["sh", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True, check=True)  # noqa: S603, S607 - ours
    *words, _ = printed.stdout.split("\0")
    assert words[:5] == ["ikpipe", "retry", "my $out.csv", "-o", "my $out.csv"]
    options = parser().parse_args(words[1:])
    assert mapping.call_keywords(options) == {"columns": {"tags": [name, "h"]}, "file_name": "{sku} $1.png"}
