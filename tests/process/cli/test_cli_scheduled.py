"""The files of the documentation for GitHub Actions, cron and systemd: each step is run as these run it."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from nights import gif
from shell import Completed, variables

import ikpipe

if TYPE_CHECKING:
    from ikpipe.emulator import Emulator

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
PLAIN = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
WORKFLOW = yaml.safe_load((EXAMPLES / "github_actions.yml").read_text(encoding="utf-8"))
STEPS = {step.get("name"): step for step in WORKFLOW["jobs"]["upload"]["steps"]}

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


def _catalog(folder: Path, rows: int = 3, broken: int = 0) -> Path:
    """Write a table with pictures; so many of its rows have no picture."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for row in range(rows - broken):
        (folder / "pictures" / f"{row}.gif").write_bytes(gif(row))
    table = "".join(f"s{row},{row}.gif\n" for row in range(rows))
    (folder / "products.csv").write_text(f"sku,picture\n{table}")
    return folder


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> Completed:
    done = subprocess.run(  # noqa: S603 - files of this project
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert "Traceback" not in done.stderr
    return Completed(done.returncode, done.stdout, done.stderr)


class Runner:
    """A machine of GitHub that runs the steps of the workflow in a folder."""

    def __init__(self, emulator: Emulator, folder: Path, **secrets: str) -> None:
        self.folder, self.summary = folder, folder / "step-summary.md"
        keys = variables(emulator) | secrets
        self.values = {f"{kind}.{name}": text for name, text in keys.items() for kind in ("vars", "secrets")}
        self.values |= {"github.workspace": str(folder), "github.run_id": "7", "github.run_attempt": "1"}
        addresses = {name: keys[name] for name in ("IMAGEKIT_UPLOAD_URL", "IMAGEKIT_API_URL")}
        programs = Path(sys.executable).parent
        self.environment = {
            "PATH": f"{programs}:{PLAIN['PATH']}",
            "NO_PROXY": "127.0.0.1",
            "GITHUB_RUN_ID": "7",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            **addresses,
            **self.filled(WORKFLOW["jobs"]["upload"]["env"]),
        }

    def filled(self, environment: dict[str, str]) -> dict[str, str]:
        """Return variables with the values of their expressions."""
        return {
            name: re.sub(r"\$\{\{ (\S+) }}", lambda found: self.values[found[1]], text)
            for name, text in environment.items()
        }

    def step(self, name: str) -> Completed:
        """Run a step, as GitHub does with and without `shell:`."""
        environment = self.environment | self.filled(STEPS[name].get("env", {}))
        shell = {"python": ["python", "-c"], None: ["bash", "-e", "-c"]}[STEPS[name].get("shell")]
        return _run([*shell, STEPS[name]["run"]], self.folder, environment)

    def night(self) -> int:
        """Run the upload and what follows it, and return the status of the upload."""
        status = self.step("Upload").status
        assert self.step("Show the summary") == (0, "", "")
        return status


def _counts(folder: Path) -> Any:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))["counts"]


def test_a_workflow_uploads_once(emulate: Any, tmp_path: Path) -> None:
    """The next night with the same table, and a run that is started again, send nothing."""
    emulator = emulate()
    runner = Runner(emulator, _catalog(tmp_path))
    assert runner.night() == 0
    assert _counts(tmp_path) == {"uploaded": 3}
    runner.environment["GITHUB_RUN_ID"] = "8"
    for _ in range(2):
        assert runner.night() == 0
        assert _counts(tmp_path) == {"unchanged": 3}
    assert sum(bool(entry.get("stored")) for entry in emulator.log()) == 3
    assert {path.name for path in (tmp_path / ".state").iterdir()} == {"ikpipe", "products.ikstate"}


def test_a_workflow_without_its_cache_sends_nothing_again(emulate: Any, tmp_path: Path) -> None:
    """A cache that GitHub removed costs comparisons, not uploads."""
    emulator = emulate()
    runner = Runner(emulator, _catalog(tmp_path))
    runner.night()
    shutil.rmtree(tmp_path / ".state")
    assert runner.night() == 0
    assert sum(bool(entry.get("stored")) for entry in emulator.log()) == 3


@pytest.mark.parametrize(
    ("broken", "key", "status", "words"),
    [
        (1, {}, 1, "| invalid | 1 |"),
        (0, {"IMAGEKIT_PRIVATE_KEY": "private_of_another_account"}, 3, "rejected"),
        (None, {}, 2, "--root pictures"),
    ],
)
def test_a_step_fails_with_the_status_of_the_upload(
    broken: int | None, key: dict[str, str], status: int, words: str, emulate: Any, tmp_path: Path
) -> None:
    """The page of the run says why."""
    emulator = emulate()
    if broken is not None:
        _catalog(tmp_path, 3, broken)
    runner = Runner(emulator, tmp_path, **key)
    assert runner.night() == status
    assert words in runner.summary.read_text(encoding="utf-8")


def test_a_workflow_writes_its_key_nowhere(emulate: Any, tmp_path: Path) -> None:
    """Neither files, which are kept, nor the log of a step have it; no script has an expression in it."""
    emulator = emulate()
    runner = Runner(emulator, _catalog(tmp_path, 3, 1))
    done = runner.step("Upload")
    key = emulator.private_key
    assert key not in done.out + done.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    assert not [step for step in STEPS.values() if "${{" in step.get("run", "")]


def _script(folder: Path) -> str:
    """Copy the script that cron and systemd start to a folder, with the places of this machine, and return its path."""
    text = (EXAMPLES / "nightly.sh").read_text(encoding="utf-8").replace("/data/catalog", str(folder))
    script = folder / "nightly.sh"
    script.write_text(text.replace("/opt/ikpipe/bin/ikpipe", f"{sys.executable} -m ikpipe"))
    script.chmod(0o755)
    return str(script)


def test_a_line_of_cron(emulate: Any, tmp_path: Path) -> None:
    """Cron gives it HOME, a short PATH and /bin/sh, and takes % for the end of the line; the profile has the keys."""
    emulator = emulate()
    home, catalog = tmp_path / "home", _catalog(tmp_path / "catalog")
    home.mkdir()
    bare = PLAIN | {"HOME": str(home), "LOGNAME": "ikpipe", "SHELL": "/bin/sh"}
    configure = [sys.executable, "-m", "ikpipe", "configure", "--from-env", "--default"]
    assert _run(configure, home, bare | variables(emulator)).status == 0
    *_, line = (EXAMPLES / "nightly.crontab").read_text(encoding="utf-8").splitlines()
    command = line.split(maxsplit=5)[5]
    assert "%" not in command
    script = _script(catalog)
    for counts in ({"uploaded": 3}, {"unchanged": 3}):
        done = _run(["/bin/sh", "-c", command.replace("/data/catalog/nightly.sh", script)], home, bare)
        assert (done, _counts(catalog)) == ((0, "", ""), counts)  # cron mails what it prints
    assert len(ikpipe.files(emulator.account)) == 3


@pytest.mark.skipif(os.name != "posix", reason="systemd")
def test_a_service_of_systemd(emulate: Any, tmp_path: Path) -> None:
    """It has the keys of its file, no HOME, and a folder for its state; journals are there."""
    emulator = emulate()
    catalog = _catalog(tmp_path / "catalog")
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(EXAMPLES / "ikpipe.service")
    service = unit["Service"]
    name, _, place = service["Environment"].partition("=")
    environment = PLAIN | variables(emulator) | {name: place.replace("%S", str(tmp_path / "var" / "lib"))}
    script = _script(catalog)
    assert service["ExecStart"] == "/data/catalog/nightly.sh"
    assert _run([script], tmp_path, environment) == (0, "", "")
    assert (tmp_path / "var" / "lib" / service["StateDirectory"] / "journals").is_dir()
    assert _counts(catalog) == {"uploaded": 3}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """All of their settings exist."""
    shutil.copy(EXAMPLES / "ikpipe.timer", tmp_path)
    unit = (EXAMPLES / "ikpipe.service").read_text(encoding="utf-8").replace("/data/catalog/nightly.sh", "/bin/true")
    (tmp_path / "ikpipe.service").write_text(unit)
    done = _run(["systemd-analyze", "verify", "./ikpipe.service", "./ikpipe.timer"], tmp_path, PLAIN)
    assert (done.status, done.err) == (0, "")
