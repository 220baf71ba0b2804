"""`ikpipe configure` without a terminal, and the profile that other commands use then."""

from __future__ import annotations

import io
import os
import stat
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from shell import variables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shell import Ikp

    from ikpipe.emulator import Emulator


@pytest.fixture(autouse=True)
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give the path of the configuration file, which does not exist yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "ikpipe" / "config.toml"


@pytest.fixture
def forget(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Remove the account from the environment."""

    def remove() -> None:
        for name in [name for name in os.environ if name.startswith("IMAGEKIT_")]:
            monkeypatch.delenv(name)

    return remove


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put text on standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def written(config: Path) -> dict[str, Any]:
    """Return the content of the configuration file."""
    return tomllib.loads(config.read_text(encoding="utf-8"))


@pytest.mark.usefixtures("signed_in")
def test_from_the_environment(ikp: Ikp, config: Path, emulator: Emulator, forget: Callable[[], None]) -> None:
    """The profile is the default one, private, and used by the next command."""
    ran = ikp("configure", "--from-env")
    assert (ran.status, ran.out) == (0, "")
    assert "ImageKit accepts the keys." in ran.err
    assert str(emulator.private_key) not in ran.err
    assert written(config) == {
        "default": {
            "public_key": emulator.public_key,
            "private_key": str(emulator.private_key),
            "url_endpoint": emulator.url_endpoint,
            "upload_url": emulator.upload_url,
            "api_url": emulator.url,
        }
    }
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    forget()
    assert ikp("files").status == 0


@pytest.mark.usefixtures("signed_in")
def test_the_environment_comes_first_as_long_as_it_is_set(ikp: Ikp) -> None:
    """Which is said, since the profile has no effect until then."""
    assert "As long as IMAGEKIT_PUBLIC_KEY and IMAGEKIT_PRIVATE_KEY are set" in ikp("configure", "--from-env").err


@pytest.mark.parametrize("form", ["{}={}", "export {}='{}'", 'set {}="{}"', "  {}={}   # of the emulator"])
def test_from_standard_input(
    form: str, ikp: Ikp, config: Path, emulator: Emulator, lines: Callable[[str], None]
) -> None:
    """As the emulator prints it, or as a file of variables has it."""
    text = "\n".join(form.format(name, value) for name, value in variables(emulator).items())
    lines(f"\ufeff# keys\nOTHER=1\n{text}\n")
    ran = ikp("configure", "--from-stdin", "--profile", "shop")
    assert ran.status == 0
    assert "Use it with: --profile shop" in ran.err
    assert written(config)["shop"]["private_key"] == str(emulator.private_key)
    assert ikp("files", "--profile", "shop").status == 0
    assert ikp("files").status == 3


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("", 3, "Standard input has no IMAGEKIT_PUBLIC_KEY. Nothing was written."),
        ("IMAGEKIT_PUBLIC_KEY=public_a", 3, "The private key is empty"),
        ("IMAGEKIT_PUBLIC_KEY=public_a\nIMAGEKIT_PRIVAT_KEY=private_hunter2", 2, "line 2: There is no variable"),
        ("IMAGEKIT_PUBLIC_KEY=private_hunter2\nIMAGEKIT_PRIVATE_KEY=public_a", 3, "swapped"),
        ("IMAGEKIT_PUBLIC_KEY='public_a\nIMAGEKIT_PRIVATE_KEY=private_hunter2 x'", 3, "quotation|character|apostrophe"),
    ],
)
def test_standard_input_that_is_wrong(
    text: str, status: int, words: str, ikp: Ikp, config: Path, lines: Callable[[str], None]
) -> None:
    """It is one error, which shows no key, and nothing is written."""
    lines(text)
    ran = ikp("configure", "--from-stdin")
    assert ran.status == status
    assert any(word in ran.err for word in words.split("|"))
    assert "hunter2" not in ran.err
    assert not config.exists()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("IMAGEKIT_PRIVATE_KEY", "private_wrong", "Private key: The media API rejected the private key"),
        ("IMAGEKIT_PUBLIC_KEY", "public_wrong", "The public key may be of another account"),
        ("IMAGEKIT_API_URL", "http://127.0.0.1:1", "Media API: http://127.0.0.1:1 cannot be reached"),
    ],
)
@pytest.mark.usefixtures("signed_in")
def test_an_account_that_is_refused_is_not_written(
    variable: str, value: str, words: str, ikp: Ikp, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what is wrong; `--no-check` writes it."""
    monkeypatch.setenv(variable, value)
    ran = ikp("configure", "--from-env")
    assert (ran.status, words in ran.err, "Nothing was written." in ran.err) == (3, True, True)
    assert not config.exists()
    assert ikp("configure", "--from-env", "--no-check").status == 0
    assert value in config.read_text(encoding="utf-8")


@pytest.mark.usefixtures("signed_in")
def test_a_url_endpoint_of_another_form(ikp: Ikp, config: Path) -> None:
    """It is bad input, and not the account's fault."""
    ran = ikp("configure", "--from-env", "--url-endpoint", "https://ik.imagekit.io/your_imagekit_id")
    assert (ran.status, "is not a URL endpoint" in ran.err) == (2, True)
    assert not config.exists()


@pytest.mark.usefixtures("signed_in")
def test_options_replace_addresses(ikp: Ikp, config: Path) -> None:
    """And are checked by their names."""
    assert ikp("configure", "--from-env", "--url-endpoint", "https://images.example/x").status == 0
    assert written(config)["default"]["url_endpoint"] == "https://images.example/x"
    ran = ikp("configure", "--from-env", "--yes", "--upload-url", "upload.example")
    assert (ran.status, "--upload-url is 'upload.example', which is not a valid" in ran.err) == (3, True)


@pytest.mark.usefixtures("signed_in")
def test_an_existing_profile_is_replaced_only_with_yes(ikp: Ikp, config: Path, emulator: Emulator) -> None:
    """Other profiles, comments and settings that are not of `configure` stay."""
    config.parent.mkdir(parents=True)
    before = '# mine\n[shop]\npublic_key = "public_old"\nmax_file_size = 5\n\n[test]\npublic_key = "public_t"  # t\n'
    config.write_text(before, encoding="utf-8")
    ran = ikp("configure", "--from-env", "--profile", "shop")
    assert (ran.status, "Add --yes to replace it." in ran.err) == (2, True)
    assert config.read_text(encoding="utf-8") == before
    assert ikp("configure", "--from-env", "--profile", "shop", "--yes").status == 0
    after = config.read_text(encoding="utf-8")
    assert after.startswith("# mine\n[shop]\n")
    assert after.endswith('[test]\npublic_key = "public_t"  # t\n')
    assert written(config)["shop"]["max_file_size"] == 5
    assert written(config)["shop"]["public_key"] == emulator.public_key


@pytest.mark.usefixtures("signed_in")
def test_the_default_profile_is_chosen(ikp: Ikp, config: Path, forget: Callable[[], None]) -> None:
    """By `--default`, for commands that name none."""
    assert ikp("configure", "--from-env", "--profile", "shop", "--default").status == 0
    assert written(config)["default_profile"] == "shop"
    forget()
    assert ikp("files").status == 0


@pytest.mark.usefixtures("signed_in")
def test_imagekit_profile_names_the_profile(ikp: Ikp, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for all commands."""
    monkeypatch.setenv("IMAGEKIT_PROFILE", "night")
    assert ikp("configure", "--from-env").status == 0
    assert [*written(config)] == ["night"]


def test_without_a_terminal_it_does_not_wait(ikp: Ikp, config: Path) -> None:
    """It is one error that names the ways that need none."""
    ran = ikp("configure")
    assert (ran.status, "--from-env, or --from-stdin" in ran.err) == (2, True)
    assert not config.exists()


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("name", ["default_profile", "a\nb"])
def test_a_name_that_no_profile_can_have(name: str, ikp: Ikp) -> None:
    """One that is a setting, or cannot be read."""
    ran = ikp("configure", "--from-env", "--profile", name)
    assert (ran.status, "cannot be the name of a profile" in ran.err) == (2, True)


@pytest.mark.usefixtures("signed_in")
def test_a_broken_file_is_left_alone(ikp: Ikp, config: Path) -> None:
    """It is an error before anything is asked."""
    config.parent.mkdir(parents=True)
    config.write_text("[shop", encoding="utf-8")
    ran = ikp("configure", "--from-env")
    assert (ran.status, "config.toml cannot be read" in ran.err) == (3, True)
    assert config.read_text(encoding="utf-8") == "[shop"


@pytest.mark.usefixtures("signed_in")
def test_the_keyring_needs_its_extra(ikp: Ikp, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the command that installs it."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    ran = ikp("configure", "--from-env", "--keyring")
    assert (ran.status, "pip install 'ikpipe[keyring]'" in ran.err) == (2, True)
    assert not config.exists()


@pytest.mark.parametrize("option", ["--private-key", "--key"])
def test_no_option_takes_the_private_key(option: str, ikp: Ikp) -> None:
    """Other users see the options of a process."""
    assert ikp("configure", option, "private_x").status == 2
