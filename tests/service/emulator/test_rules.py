"""The emulator's rules."""

from __future__ import annotations

import pytest

from ikpipe.emulator import Emulator, Rules


def test_unknown_rule_names_the_nearest() -> None:
    """A misspelled rule is a TypeError that suggests the right one."""
    with pytest.raises(TypeError, match=r"Unknown rule 'index_lags'\. Did you mean 'index_lag'"):
        Emulator(index_lags=3)


def test_rule_like_no_other() -> None:
    """Without a similar rule, there is no suggestion."""
    with pytest.raises(TypeError, match=r"Unknown rule 'zzz'\.$"):
        Rules.of(zzz=1)


def test_value_outside_the_choices() -> None:
    """A rule with choices accepts no other value."""
    with pytest.raises(ValueError, match="'used_token' must be one of 'invalid', 'used-before', not 'maybe'"):
        Emulator(used_token="maybe")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("index_lag", "1.5", 1.5),
        ("max_versions", "7", 7),
        ("upload_quota", "3", 3),
        ("upload_quota", "none", None),
        ("busy", "a*", "a*"),
        ("busy", "none", None),
        ("preflight", "false", False),
        ("account_disabled", "True", True),
        ("payload", "json", "json"),
        ("on_request", "tags,metadata", ("tags", "metadata")),
    ],
)
def test_rules_from_text(name: str, text: str, value: object) -> None:
    """A command line's text becomes a value of the rule's type."""
    assert getattr(Rules.from_text(**{name: text}), name) == value


@pytest.mark.parametrize(("name", "text"), [("preflight", "yes"), ("max_versions", "x"), ("payload", "xml")])
def test_text_that_fits_no_rule(name: str, text: str) -> None:
    """Text of another type is a ValueError."""
    with pytest.raises(ValueError, match=text):
        Rules.from_text(**{name: text})


def test_unknown_rule_in_text() -> None:
    """An unknown rule is a TypeError, from text as well."""
    with pytest.raises(TypeError, match="'index_lag'"):
        Rules.from_text(index_lagg="3")
