"""An account's keys and addresses: where they come from, what is refused, and that no secret shows."""

from __future__ import annotations

import copy
import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from ikpipe import Account, AccountError
from ikpipe.request.account import API_URL, UPLOAD_URL, Secret

if TYPE_CHECKING:
    from pathlib import Path

KEY = "private_9f2cVerySecret"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take all of IMAGEKIT_* away, and put the configuration folder where the test can write."""
    for name in [name for name in os.environ if name.startswith("IMAGEKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Give the configuration file, which does not exist yet."""
    (tmp_path / "ikpipe").mkdir()
    return tmp_path / "ikpipe" / "config.toml"


# Secrets


def test_no_secret_shows() -> None:
    """Neither the private key nor a header's value is in an account's `repr`."""
    account = Account("public_a", KEY, headers={"Cookie": "hunter2"})
    assert KEY not in repr(account)
    assert "hunter2" not in repr(account)
    assert "'***'" in repr(account)


def test_a_secret_is_its_text() -> None:
    """A secret works like the text that it hides."""
    assert Secret(KEY) == KEY
    assert Secret(KEY).encode() == KEY.encode()


def test_a_copied_account_hides_its_key_too() -> None:
    """Copies, also those that travel to another process, show as little, and sign the same."""
    account = Account("public_a", KEY)
    for twin in (copy.deepcopy(account), pickle.loads(pickle.dumps(account))):  # noqa: S301 - our own bytes
        assert twin == account
        assert KEY not in repr(twin)


def test_swapped_keys_are_refused_without_showing_them() -> None:
    """A private key given as the public one would travel in every token, so it is an error that does not repeat it."""
    with pytest.raises(AccountError, match="swapped") as caught:
        Account(KEY, "public_a")
    assert KEY not in str(caught.value)


# Keys as people paste them


@pytest.mark.parametrize(
    ("around", "words"),
    [
        ("{}\n", "a line end"),
        ("{}\r\n", "a line end"),
        (" {}\t", "spaces"),
        ("\ufeff{}", "a byte order mark"),
        ("ï»¿{}", "a byte order mark"),
        ("\udcef\udcbb\udcbf{}", "a byte order mark"),
        ('"{}"', "quotes"),
        ("'{}'", "quotes"),
        ("“{}”", "quotes"),
        ("\u200b{}", "invisible characters"),
        ('\ufeff"{}"\r\n', "a line end and a byte order mark and quotes"),
        ('" {} "', "quotes and spaces"),
    ],
)
@pytest.mark.parametrize("name", ["PUBLIC_KEY", "PRIVATE_KEY", "URL_ENDPOINT", "API_URL"])
def test_what_is_around_a_setting_is_removed(
    name: str, around: str, words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a warning that names the variable, and does not show it."""
    values = {"PUBLIC_KEY": "public_a", "PRIVATE_KEY": KEY, "URL_ENDPOINT": "https://ik.example/x"}
    values["API_URL"] = "https://api.example"
    there = {f"IMAGEKIT_{one}": around.format(value) if one == name else value for one, value in values.items()}
    monkeypatch.setattr("os.environ", {**os.environ, **there})
    account = Account.from_env()
    assert {one: getattr(account, one.lower()) for one in values} == values
    assert caplog.messages == [
        f"IMAGEKIT_{name} has {words} around its value, which ikpipe ignores. Set the value without them."
    ]


def test_a_key_given_in_python_is_put_right_too(caplog: pytest.LogCaptureFixture) -> None:
    """As it comes from a file."""
    assert Account("public_a", f"{KEY}\n").key() == KEY
    assert caplog.messages[0].startswith("private_key has a line end")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("private_a b", r"has a character that cannot be part of a key \(space, character 10 of 11\)"),
        ("private_a\nprivate_b", r"U\+000A, character 10"),
        ("private_ä", "latin small letter a with diaeresis, character 9 of 9"),
        ("private_а", "cyrillic small letter a"),  # noqa: RUF001 - that is the fault
        ("private_a\x00", r"U\+0000"),
        ('"private_a', "quotation mark, character 1 of 10"),
        ("private_a'", "apostrophe, character 10"),
        ("private_***", "is masked: reveal the key"),
        ("private_••••", "is masked"),
        ("IMAGEKIT_PRIVATE_KEY=private_a", "starts with the name of a variable"),
        ("public_b", "starts with 'public_': IMAGEKIT_PRIVATE_KEY has a public key"),
    ],
)
def test_what_is_no_key_is_refused_by_its_variable(key: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the service says that the keys do not fit, which they do."""
    monkeypatch.setattr("os.environ", {**os.environ, "IMAGEKIT_PUBLIC_KEY": "public_a", "IMAGEKIT_PRIVATE_KEY": key})
    with pytest.raises(AccountError, match=words) as caught:
        Account.from_env()
    assert "IMAGEKIT_PRIVATE_KEY" in str(caught.value)
    assert key not in str(caught.value)


def test_a_public_key_is_held_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own name."""
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", "public a")
    with pytest.raises(AccountError, match="IMAGEKIT_PUBLIC_KEY has a character"):
        Account.from_env()


def test_swapped_variables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not shown."""
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", KEY)
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", "public_a")
    with pytest.raises(AccountError, match=r"swapped.*IMAGEKIT_PUBLIC_KEY") as caught:
        Account.from_env()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", [KEY.encode(), 5, [KEY]])
def test_a_key_is_text(key: Any) -> None:
    """A file is opened without its mode, say."""
    with pytest.raises(AccountError, match=f"private_key is a {type(key).__name__}, not text"):
        Account("public_a", key)
    with pytest.raises(AccountError, match=f"public_key is a {type(key).__name__}, not text"):
        Account(key, KEY)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Cookie": "a\nX: b"}, "header 'Cookie' must be text of printable ASCII"),
        ({"Cookie": 5}, "header 'Cookie' must be text of printable ASCII"),
        ({"Cookie": "ä"}, "header 'Cookie' must be text of printable ASCII"),
        (["hunter2"], "not a list"),
        ("hunter2", "not a str"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused(headers: Any, words: str) -> None:
    """At once, and without showing them."""
    with pytest.raises(AccountError, match=words) as caught:
        Account("public_a", headers=headers)
    assert "hunter2" not in str(caught.value)


def test_a_header_s_line_end_is_removed() -> None:
    """A token that was read from a file has one."""
    assert Account("public_a", headers={"Authorization": "Bearer x\n"}).headers == {"Authorization": "Bearer x"}


@pytest.mark.skipif(os.name != "posix", reason="modes of another kind")
@pytest.mark.parametrize(("mode", "warned"), [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1), (0o644, 1), (0o620, 1)])
@pytest.mark.parametrize("secret", [f'private_key = "{KEY}"', 'headers.Cookie = "hunter2"', ""])
def test_a_file_with_a_key_that_others_can_read(
    secret: str, mode: int, warned: int, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Is named once, with the command that closes it; one without a key is nobody's secret."""
    config.write_text(f'[shop]\npublic_key = "public_s"\n{secret}\n', encoding="utf-8")
    config.chmod(mode)
    for _ in range(2):
        Account.from_env("shop")
    assert len(caplog.messages) == (warned if secret else 0)
    assert all(f"Run: chmod 600 {config}" in message for message in caplog.messages)


def test_a_profile_s_key_is_named_by_its_profile(config: Path) -> None:
    """A wrong one."""
    config.write_text('\ufeff[shop]\npublic_key = "public_s"\nprivate_key = "private_ä"\n', encoding="utf-8")
    config.chmod(0o600)
    with pytest.raises(AccountError, match=r"private_key of the profile \[shop\] has a character"):
        Account.from_env("shop")


# Rules


@pytest.mark.parametrize("key", ["", "  ", "\n"])
def test_an_empty_public_key_is_refused(key: str) -> None:
    """A public key must be there."""
    with pytest.raises(AccountError, match="public key is empty"):
        Account(key, KEY)


@pytest.mark.parametrize("key", ["", "  "])
def test_an_empty_private_key_is_refused(key: str) -> None:
    """A private key may be left out, but not be empty: that is a variable that was not set."""
    with pytest.raises(AccountError, match="private key is empty"):
        Account("public_a", key)


def test_a_private_key_may_be_left_out() -> None:
    """Where an endpoint signs, nobody needs the key; who asks for it hears that there is none."""
    account = Account("public_a", authentication_endpoint="https://shop.example/auth")
    with pytest.raises(AccountError, match="IMAGEKIT_PRIVATE_KEY"):
        account.key()


def test_defaults_are_the_services_addresses() -> None:
    """Without a word, the seed's endpoint and the media API are meant."""
    account = Account("public_a", KEY)
    assert (account.upload_url, account.api_url, account.url_endpoint) == (UPLOAD_URL, API_URL, None)
    assert UPLOAD_URL == "https://upload.imagekit.io/api/v2/files/upload"


def test_a_slash_at_the_end_does_not_matter() -> None:
    """Addresses are kept without the slash that people leave at their end."""
    assert (
        Account("public_a", url_endpoint="https://ik.imagekit.io/demo/").url_endpoint == "https://ik.imagekit.io/demo"
    )


@pytest.mark.parametrize("name", ["authentication_endpoint", "url_endpoint", "upload_url", "api_url"])
@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://a\tb",
        "http://a b",
        "http://xn--zz9999",
        "ik.imagekit.io/demo",
        "ftp://a",
        "http://",
        "http://[",
        "http://a:b",
    ],
)
def test_an_address_must_be_a_web_address(name: str, address: str) -> None:
    """Whatever is no http(s) URL with a host is an error that names the setting."""
    with pytest.raises(AccountError, match=f"{name} is .*not a valid http"):
        Account("public_a", **{name: address})


# Where it comes from


def test_the_environment_gives_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the six variables fills its own setting."""
    values = {
        "PUBLIC_KEY": "public_a",
        "PRIVATE_KEY": KEY,
        "URL_ENDPOINT": "https://ik.example/x",
        "UPLOAD_URL": "https://up.example/u",
        "API_URL": "https://api.example",
        "AUTHENTICATION_ENDPOINT": "https://auth.example/sign",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"IMAGEKIT_{name}", value)
    account = Account.from_env()
    assert {name: getattr(account, name.lower()) for name in values} == values


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable means the default."""
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", "public_a")
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", "")
    monkeypatch.setenv("IMAGEKIT_API_URL", "")
    assert Account.from_env() == Account("public_a")


def test_without_an_account_it_says_what_to_set() -> None:
    """Nothing set is an error that names the variables and the emulator."""
    with pytest.raises(AccountError, match=r"IMAGEKIT_PUBLIC_KEY and IMAGEKIT_PRIVATE_KEY.*--emulator"):
        Account.from_env()


def test_a_profile_is_read(config: Path) -> None:
    """A table of the configuration file has the constructor's names."""
    config.write_text(f'[shop]\npublic_key = "public_s"\nprivate_key = "{KEY}"\nmax_file_size = 5\n', encoding="utf-8")
    assert Account.from_env("shop") == Account("public_s", KEY, max_file_size=5)


def test_a_profiles_headers_are_read(config: Path) -> None:
    """A table of headers goes to the authentication endpoint, and does not show."""
    config.write_text('[shop]\npublic_key = "public_s"\nheaders = {Cookie = "hunter2"}\n', encoding="utf-8")
    account = Account.from_env("shop")
    assert account.headers == {"Cookie": "hunter2"}
    assert "hunter2" not in repr(account)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "does not exist"),
        ("[shops]\n", r"no profile \[shop\] \(did you mean 'shops'\?\)"),
        ("shop = 3\n", r"no profile \[shop\]"),
        ("[shop\n", "cannot be read"),
        ("[shop]\nprivat_key = 'x'\n", r"no setting 'privat_key' \(did you mean 'private_key'\?\)"),
        ("[shop]\n", r"profile \[shop\] of .* has no public key"),
    ],
)
def test_a_wrong_profile_says_so(text: str | None, words: str, config: Path) -> None:
    """A missing file or table, broken TOML, a misspelt setting: each is an `AccountError`."""
    if text is not None:
        config.write_text(text, encoding="utf-8")
    with pytest.raises(AccountError, match=words):
        Account.from_env("shop")


def test_broken_toml_does_not_show_a_key(config: Path) -> None:
    """What the reader of TOML says of a broken file has no secret of it."""
    config.write_text(f"[shop]\nprivate_key = {KEY}\n", encoding="utf-8")
    with pytest.raises(AccountError) as caught:
        Account.from_env("shop")
    assert KEY not in str(caught.value)


def test_a_profile_may_lie_anywhere_but_must_be_readable(config: Path) -> None:
    """A configuration file that is a folder is an `AccountError` too."""
    config.mkdir()
    with pytest.raises(AccountError, match="cannot be read"):
        Account.from_env("shop")
