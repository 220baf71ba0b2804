"""Which account applies: the environment, IMAGEKIT_PROFILE, the default profile; and that it is logged."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest

from ikpipe import Account, AccountError
from ikpipe.request import profiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "private_9f2cVerySecret"
TWO = f"""
[shop]
public_key = "public_s"
private_key = "{KEY}"

[default]
public_key = "public_d"
private_key = "{KEY}"
"""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start without variables, and with an empty configuration folder."""
    for name in [name for name in os.environ if name.startswith("IMAGEKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Path]:
    """Write a configuration file that only its owner can read."""

    def write(text: str) -> Path:
        path = tmp_path / "ikpipe" / "config.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    return write


def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the keys of a third account in the environment."""
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", "public_e")
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", KEY)


def test_the_default_profile(config: Callable[[str], Path]) -> None:
    """Without anything else, the profile "default" is used."""
    config(TWO)
    assert Account.from_env().public_key == "public_d"


def test_default_profile_names_another(config: Callable[[str], Path]) -> None:
    """`default_profile` names the profile that is used instead."""
    config(f'default_profile = "shop"\n{TWO}')
    assert Account.from_env().public_key == "public_s"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('default_profile = "shopp"', r"default_profile: .* has no profile \[shopp\] \(did you mean 'shop'\?\)"),
        ("default_profile = 3", "default_profile is not the name of a profile"),
    ],
)
def test_a_wrong_default_profile(line: str, words: str, config: Callable[[str], Path]) -> None:
    """It is an error, and no other profile is used instead."""
    config(f"{line}\n{TWO}")
    with pytest.raises(AccountError, match=words):
        Account.from_env()


def test_imagekit_profile_names_one(config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """`IMAGEKIT_PROFILE` comes before the default profile."""
    config(TWO)
    monkeypatch.setenv("IMAGEKIT_PROFILE", "shop")
    assert Account.from_env().public_key == "public_s"


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_imagekit_profile_is_not_set(
    name: str, config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the other variables."""
    config(TWO)
    monkeypatch.setenv("IMAGEKIT_PROFILE", name)
    assert Account.from_env().public_key == "public_d"


def test_a_profile_that_imagekit_profile_misspells(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable."""
    config(TWO)
    monkeypatch.setenv("IMAGEKIT_PROFILE", "shp")
    with pytest.raises(AccountError, match=r"^IMAGEKIT_PROFILE: .* no profile \[shp\] \(did you mean 'shop'\?\)"):
        Account.from_env()


def test_keys_of_the_environment_come_before_the_default_profile(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration file is not even read, so it may be broken."""
    config("[broken")
    keys(monkeypatch)
    assert Account.from_env().public_key == "public_e"


def test_imagekit_profile_and_keys_are_ambiguous(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever was used, files could go to the wrong account."""
    config(TWO)
    keys(monkeypatch)
    monkeypatch.setenv("IMAGEKIT_PROFILE", "shop")
    with pytest.raises(AccountError, match=r"IMAGEKIT_PROFILE \(shop\) and IMAGEKIT_PUBLIC_KEY and .* both set"):
        Account.from_env()
    assert Account.from_env("default").public_key == "public_d"


def test_a_named_profile_comes_first(config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes nothing from the environment: its key must not go to an address of another account."""
    config(TWO)
    keys(monkeypatch)
    monkeypatch.setenv("IMAGEKIT_API_URL", "https://elsewhere.example")
    account = Account.from_env("shop")
    assert (account.public_key, account.api_url) == ("public_s", "https://api.imagekit.io")


def test_an_address_without_keys_is_reported(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A variable that has no effect is a warning, once."""
    path = config(TWO)
    monkeypatch.setenv("IMAGEKIT_API_URL", "https://elsewhere.example")
    with caplog.at_level(logging.WARNING, "ikpipe"):
        for _ in range(2):
            assert Account.from_env().api_url == "https://api.imagekit.io"
    assert caplog.messages == [
        f"IMAGEKIT_API_URL is not used, since the account comes from the profile [default] of {path}."
    ]


def test_a_private_key_alone_is_not_completed_by_a_profile(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be of another account than the default profile."""
    config(TWO)
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", KEY)
    with pytest.raises(AccountError, match=r"The environment has no public key\. Set IMAGEKIT_PUBLIC_KEY too"):
        Account.from_env()


def test_the_account_is_logged_once(config: Callable[[str], Path], caplog: pytest.LogCaptureFixture) -> None:
    """With its public key and its source, and without its private key."""
    path = config(TWO)
    with caplog.at_level(logging.INFO, "ikpipe"):
        for _ in range(2):
            Account.from_env("shop")
    assert caplog.messages == [f"Account public_s from the profile [shop] of {path}."]
    assert KEY not in caplog.text


def test_the_environment_is_logged_as_a_source(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As for a profile."""
    keys(monkeypatch)
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", "public_logged")
    with caplog.at_level(logging.INFO, "ikpipe"):
        Account.from_env()
    assert caplog.messages == ["Account public_logged from the environment."]


def test_without_an_account_the_profiles_are_listed(config: Callable[[str], Path]) -> None:
    """A file with profiles, none of which is the default, is the likeliest reason."""
    config('[shop]\npublic_key = "public_s"\n[test]\npublic_key = "public_t"\n')
    with pytest.raises(AccountError, match=r"Choose a profile with profile='shop' \(shop, test\), or run `ikpipe conf"):
        Account.from_env()


def test_whether_an_account_is_set_up(config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """By any of the sources."""
    assert not profiles.is_set_up()
    config(TWO)
    assert profiles.is_set_up()
    config("")
    assert not profiles.is_set_up()
    monkeypatch.setenv("IMAGEKIT_PROFILE", "shop")
    assert profiles.is_set_up()


def test_without_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without any home folder can use the environment, and hears why there are no profiles."""
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for a user who has no entry in the system
    with pytest.raises(AccountError, match=r"No ImageKit account is set up\. There is no home folder"):
        Account.from_env()
    with pytest.raises(AccountError, match="Set HOME or XDG_CONFIG_HOME"):
        Account.from_env("shop")
    keys(monkeypatch)
    assert Account.from_env().public_key == "public_e"


def test_a_configuration_folder_that_is_a_file(tmp_path: Path) -> None:
    """It has no profiles."""
    (tmp_path / "ikpipe").write_text("", encoding="utf-8")
    with pytest.raises(AccountError, match="No ImageKit account is set up"):
        Account.from_env()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_configuration_folder_of_somebody_else(config: Callable[[str], Path]) -> None:
    """It is named as a possible reason, as in a container that runs as another user."""
    path = config(TWO)
    path.parent.chmod(0)
    try:
        with pytest.raises(AccountError, match=r"set up\. .*config.toml cannot be read: Permission denied"):
            Account.from_env()
    finally:
        path.parent.chmod(0o700)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("keyring = true\nprivate_key = 'private_x'", "either in the file .* or in the keyring"),
        ("keyring = 'yes'", "either in the file"),
    ],
)
def test_a_wrong_keyring_setting(lines: str, words: str, config: Callable[[str], Path]) -> None:
    """It is an error before the keyring is asked."""
    config(f"[shop]\npublic_key = 'public_s'\n{lines}\n")
    with pytest.raises(AccountError, match=words):
        Account.from_env("shop")


def test_settings_do_not_show_a_key(config: Callable[[str], Path]) -> None:
    """Neither the whole nor a part of it."""
    config(TWO)
    settings = profiles.account_settings("shop")
    assert KEY not in repr(settings)
    assert KEY not in repr(settings.values)


def test_a_profile_has_the_settings_of_an_account() -> None:
    """And one for the keyring."""
    assert {*profiles.SETTINGS} == {*Account.__dataclass_fields__, "keyring"}
