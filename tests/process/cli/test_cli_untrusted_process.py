"""Tables that somebody else wrote, in a process with an environment of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from shell import process, variables
from untrusted_tables import OK, table_of

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Write a file that nobody means to publish."""
    path = tmp_path / "secret"
    path.write_text("do not publish")
    return path


@pytest.mark.parametrize("command", ["upload", "retry"])
def test_a_path_in_a_table_is_not_published(command: str, secret: Path, arrived: Arrived, emulator: Emulator) -> None:
    """A process of its own, such a table, no `--root`: the rows break a rule, and nothing is sent."""
    name = table_of(
        [secret, [secret], (secret,), {secret: secret}, Path("/etc/passwd"), str(secret), f"file://{secret}"]
    )
    with process(command, name, "-o", "out.csv", "--set", "file_name=a.txt", **variables(emulator)) as ran:
        ran.communicate(timeout=60)
    assert (ran.returncode, arrived()) == (1, [])
    assert set(ikpipe.read_results("out.csv")["ik_status"]) == {"invalid"}


def test_the_mapping_of_results_is_shown(arrived: Arrived, emulator: Emulator) -> None:
    """What is taken from the file is said on standard error."""
    mapping = {"columns": {"tags": ["label"]}, "root": None, "fetch": "server", "parameters": {"file_name": "a.txt"}}
    name = table_of([OK], ikpipe={"mapping": mapping})
    ikpipe.write_results(ikpipe.read_results(name).assign(label="x"), name)
    with process("retry", name, "-o", "out.csv", **variables(emulator)) as ran:
        _, err = ran.communicate(timeout=60)
    assert "ikpipe: Mapping taken from the results: tags ← label, file_name = a.txt" in err.splitlines()
    assert (ran.returncode, arrived()[0]["fields"]["tags"]) == (0, "x")
