"""What packages need, as their metadata says, and what is missing of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ikpipe.cli.doctor.installation import check_installation, faults, requirements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install packages of which only the metadata is there."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    def add(name: str, version: str, *needs: str) -> None:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        needed = "".join(f"Requires-Dist: {need}\n" for need in needs)
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}"
        (folder / "METADATA").write_text(text, encoding="utf-8")

    return add


@pytest.mark.parametrize(
    ("floor", "version", "fault"),
    [
        ("2.0", "2.0", None),
        ("2.0", "2", None),
        ("2.0", "2.0.1rc1", None),
        ("1.10", "1.9", "a 1.9 (at least 1.10)"),
        ("1.9", "1.10", None),
        ("25", "24.9.post1", "a 24.9.post1 (at least 25)"),
    ],
)
def test_versions_are_numbers(floor: str, version: str, fault: str | None, install: Callable[..., None]) -> None:
    """1.10 is newer than 1.9."""
    install("needy", "1", f"a>={floor}")
    install("a", version)
    [need] = requirements("needy")
    assert faults(need) == ([] if fault is None else [fault])


def test_what_an_extra_of_a_package_needs(install: Callable[..., None]) -> None:
    """Such as `httpx[socks]`; what only other systems need may be missing."""
    install("needy", "1", "b[socks]; extra == 'socks'", "other>=1; sys_platform == 'win32'")
    install("b", "1", "socksio==1.*; extra == 'socks'", "http2; extra == 'http2'")
    assert [faults(need) for need in requirements("needy")] == [["socksio"], []]


def test_extras_that_are_installed(install: Callable[..., None]) -> None:
    """One of which a package is missing is not; one that is too old is a warning."""
    install("ikpipe", "9", "a>=1", "b>=2; extra == 'old'", "a; extra == 'whole'", "c; extra == 'part'")
    install("a", "1")
    install("b", "1")
    found = check_installation()
    assert [(one.level, one.text) for one in found[1:]] == [
        ("ok", "ikpipe 9 and all packages that it needs are installed."),
        ("ok", "Installed: whole."),
        ("warning", "Too old for the extra old: b 1 (at least 2)."),
    ]


def test_a_package_that_is_missing(install: Callable[..., None]) -> None:
    """It is a problem, with the command that installs it."""
    install("ikpipe", "9", "a>=1")
    problem = check_installation()[1]
    assert (problem.level, problem.text) == ("problem", "Missing or too old: a.")


def test_without_metadata(install: Callable[..., None]) -> None:
    """As for a copy of the source."""
    assert [one.level for one in check_installation()] == ["ok", "warning"]
