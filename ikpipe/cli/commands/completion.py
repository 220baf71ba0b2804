"""The command completion."""

from __future__ import annotations

import sys
from argparse import Namespace
from importlib.resources import files

from ikpipe.cli.exit_status import SUCCESS
from ikpipe.cli.options import Commands, add_command
from ikpipe.cli.standard_streams import discard_output

_FILES = {"bash": "ikpipe.bash", "zsh": "ikpipe.zsh", "fish": "ikpipe.fish", "man": "ikpipe.1"}

HELP = """\
examples:
  ikpipe completion bash > ~/.local/share/bash-completion/completions/ikpipe
  ikpipe completion zsh > ~/.zfunc/_ikpipe
  ikpipe completion fish > ~/.config/fish/completions/ikpipe.fish
  ikpipe completion man > ~/.local/share/man/man1/ikpipe.1

Write the output to the file of an example, whose folder must exist, and start a
new shell: the Tab key then completes commands, options, their values, and
files. Repeat this after an update of ikpipe. For bash, the package
bash-completion must be installed; without it, add this line to ~/.bashrc:
  eval "$(ikpipe completion bash)"
For zsh, ~/.zshrc needs these lines:
  fpath=(~/.zfunc $fpath)
  autoload -Uz compinit && compinit
`man ikpipe` shows the manual page.

exit status: 0 success, 2 bad options"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "print a script that completes commands in a shell, or the manual page"
    command = add_command(every, "completion", completion, "bash|zsh|fish|man", purpose, HELP)
    command.add_argument("shell", metavar="SHELL", choices=tuple(_FILES), help="bash, zsh or fish; or man")


def completion(options: Namespace) -> int:
    """`ikpipe completion bash|zsh|fish|man`."""
    # `python docs/generate.py` writes these files.
    text = (files("ikpipe.cli") / "shell" / _FILES[options.shell]).read_text(encoding="utf-8")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
    return SUCCESS
