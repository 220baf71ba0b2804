"""`ikpipe configure` on a terminal: its questions, what is shown, and what is written."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from shell import variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ikpipe.emulator import Emulator

pexpect = pytest.importorskip("pexpect", reason="no terminals of this kind")

BACKEND = '''
import json, os
from keyring import backend

class Keyring(backend.KeyringBackend):
    """Keeps passwords in a file."""

    priority = 1

    def get_password(self, service, username):
        path = os.environ["FAKE_KEYRING_FILE"]
        return json.load(open(path)).get(username) if os.path.exists(path) else None

    def set_password(self, service, username, password):
        json.dump({username: password}, open(os.environ["FAKE_KEYRING_FILE"], "w"))

    def delete_password(self, service, username):
        raise NotImplementedError
'''


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give the path of the configuration file, and have a keyring in a file."""
    (tmp_path / "fake_keyring.py").write_text(BACKEND, encoding="utf-8")
    for name in [name for name in os.environ if name.startswith("IMAGEKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "fake_keyring.Keyring")
    monkeypatch.setenv("FAKE_KEYRING_FILE", str(tmp_path / "passwords.json"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "ikpipe" / "config.toml"


@pytest.fixture
def start(config: Path, emulator: Emulator) -> Iterator[Callable[..., Any]]:
    """Start the command on a terminal, with the addresses of the emulator."""
    running: list[Any] = []

    def run(*words: str) -> Any:
        addresses = ("--upload-url", emulator.upload_url, "--api-url", emulator.url)
        command = ["-m", "ikpipe", "configure", *addresses, *words]
        running.append(pexpect.spawn(sys.executable, command, encoding="utf-8", timeout=30, dimensions=(40, 200)))
        return running[-1]

    yield run
    for one in running:
        one.close(force=True)


def answer(terminal: Any, *answers: tuple[str, str]) -> None:
    """Wait for each question, and type its answer; a question about the private key hides what is typed."""
    for question, text in answers:
        terminal.expect_exact(question)
        if "Private key" in question:
            terminal.waitnoecho()
        terminal.sendline(text)


def ended(terminal: Any) -> tuple[int, str]:
    """Return the exit status, and what was printed since the last question."""
    terminal.expect(pexpect.EOF)
    terminal.close()
    return terminal.exitstatus, terminal.before


def profile(config: Path, name: str = "default") -> Any:
    """Return a profile of the file."""
    return tomllib.loads(config.read_text(encoding="utf-8"))[name]


def test_a_new_profile(start: Callable[..., Any], config: Path, emulator: Emulator) -> None:
    """It is asked for, checked, shown and written; the private key is never shown."""
    terminal = start()
    terminal.logfile_read = log = _Log()
    answer(
        terminal,
        ("Public key: ", emulator.public_key),
        ("Private key (not shown): ", str(emulator.private_key)),
        ("optional): ", emulator.url_endpoint),
        ("Write it? [Y/n]: ", ""),
    )
    status, rest = ended(terminal)
    assert (status, "Written." in rest) == (0, True)
    assert profile(config)["private_key"] == str(emulator.private_key)
    assert "ImageKit accepts the keys." in log.text
    assert "private_key = '***'" in log.text
    assert str(emulator.private_key) not in log.text


class _Log:
    """Keeps what a terminal shows."""

    text = ""

    def write(self, text: str) -> None:
        """Keep more of it."""
        self.text += text

    def flush(self) -> None:
        """Do nothing."""


def test_wrong_keys_are_asked_for_again(start: Callable[..., Any], config: Path, emulator: Emulator) -> None:
    """The message says what is wrong with them."""
    terminal = start()
    answer(
        terminal,
        ("Public key: ", str(emulator.private_key)),
        ("Private key (not shown): ", emulator.public_key),
        ("optional): ", ""),
    )
    terminal.expect_exact("the two keys are swapped")
    answer(
        terminal,
        ("Public key: ", emulator.public_key),
        ("Private key (not shown): ", str(emulator.private_key)),
        ("optional): ", ""),
        ("Write it? [Y/n]: ", "y"),
    )
    assert ended(terminal)[0] == 0
    assert profile(config)["public_key"] == emulator.public_key


def test_a_refused_key_is_written_only_on_request(start: Callable[..., Any], config: Path, emulator: Emulator) -> None:
    """The default answer is no, and nothing changes."""
    terminal = start()
    answer(
        terminal,
        ("Public key: ", emulator.public_key),
        ("Private key (not shown): ", "private_wrong"),
        ("optional): ", ""),
        ("Write it anyway? [y/N]: ", ""),
    )
    status, rest = ended(terminal)
    assert (status, "Nothing was written." in rest) == (3, True)
    assert not config.exists()


def test_an_existing_profile_is_the_default(start: Callable[..., Any], config: Path, emulator: Emulator) -> None:
    """Enter keeps each setting, and replacing is asked for."""
    config.parent.mkdir(parents=True)
    text = f'[default]\npublic_key = "{emulator.public_key}"\nprivate_key = "{emulator.private_key}"\n'
    config.write_text(f"# mine\n{text}url_endpoint = '{emulator.url_endpoint}'\nmax_file_size = 5\n", encoding="utf-8")
    terminal = start()
    answer(
        terminal,
        (f"Public key [{emulator.public_key}]: ", ""),
        ("Private key (not shown) [keep the stored one]: ", ""),
        (f"optional) [{emulator.url_endpoint}]: ", ""),
        ("Replace the profile [default]? [y/N]: ", "yes"),
    )
    assert ended(terminal)[0] == 0
    assert config.read_text(encoding="utf-8").startswith(f"# mine\n{text}")
    assert profile(config)["max_file_size"] == 5
    assert profile(config)["api_url"] == emulator.url


def test_the_key_in_the_keyring(start: Callable[..., Any], config: Path, emulator: Emulator) -> None:
    """The file has only that it is there; the next commands use it, and the next `configure` keeps it."""
    questions = [("Public key", emulator.public_key), ("Private key", str(emulator.private_key)), ("optional)", "")]
    terminal = start("--keyring")
    answer(terminal, *questions, ("Write it? [Y/n]: ", ""))
    assert ended(terminal)[0] == 0
    assert profile(config) == {
        "public_key": emulator.public_key,
        "keyring": True,
        "upload_url": emulator.upload_url,
        "api_url": emulator.url,
    }
    assert str(emulator.private_key) not in config.read_text(encoding="utf-8")
    ran = subprocess.run([sys.executable, "-m", "ikpipe", "whoami"], capture_output=True, text=True, check=False)
    assert (ran.returncode, "set (not shown)  (keyring)" in ran.stdout) == (0, True)
    terminal = start("--no-keyring")
    keep = [("Public key [", ""), ("[keep the stored one]: ", ""), ("optional)", ""), ("[default]? [y/N]: ", "y")]
    answer(terminal, *keep)
    assert ended(terminal)[0] == 0
    assert profile(config)["private_key"] == str(emulator.private_key)
    assert "keyring" not in profile(config)


@pytest.mark.parametrize("question", ["Public key: ", "Private key (not shown): ", "Write it? [Y/n]: "])
@pytest.mark.parametrize("how", ["interrupt", "end"])
def test_an_interrupt_writes_nothing(
    question: str, how: str, start: Callable[..., Any], config: Path, emulator: Emulator
) -> None:
    """Ctrl-C and Ctrl-D, at any question; the terminal shows again what is typed."""
    terminal = start()
    answers = [("Public key: ", emulator.public_key), ("Private key (not shown): ", str(emulator.private_key))]
    for asked, text in [*answers, ("optional): ", "")]:
        if asked == question:
            break
        answer(terminal, (asked, text))
    terminal.expect_exact(question)
    if "Private" in question:
        terminal.waitnoecho()
    if how == "interrupt":
        terminal.sendintr()
    else:
        terminal.sendeof()
    status, rest = ended(terminal)
    assert (status, "Nothing was written." in rest) == (130 if how == "interrupt" else 2, True)
    assert not config.exists()


def test_in_the_background_it_does_not_ask(config: Path) -> None:
    """A process there that reads from the terminal would be stopped."""
    command = f"set -m; {sys.executable} -m ikpipe configure & wait $!; echo status $?"
    terminal = pexpect.spawn("bash", ["-c", command], encoding="utf-8", timeout=30)
    terminal.expect("status 2")
    terminal.close(force=True)
    assert not config.exists()


def test_two_at_the_same_time(start: Callable[..., Any], config: Path, emulator: Emulator) -> None:
    """Both profiles are in the file."""
    terminals = [start("--profile", name) for name in ("a", "b")]
    answers = [("Public key", emulator.public_key), ("Private key", str(emulator.private_key)), ("optional)", "")]
    for terminal in terminals:
        answer(terminal, *answers)
    for terminal in terminals:
        answer(terminal, ("Write it? [Y/n]: ", ""))
    assert [ended(terminal)[0] for terminal in terminals] == [0, 0]
    assert {*tomllib.loads(config.read_text(encoding="utf-8"))} == {"a", "b"}


def test_variables_of_an_emulator_through_a_pipe(config: Path, emulator: Emulator) -> None:
    """Standard input need not be a terminal."""
    lines = "".join(f"export {name}={value}\n" for name, value in variables(emulator).items())
    command = [sys.executable, "-m", "ikpipe", "configure", "--from-stdin"]
    ran = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert (ran.returncode, ran.stdout) == (0, "")
    assert profile(config)["public_key"] == emulator.public_key
