"""Fixtures of the command line's tests: commands in this process, tables with images."""

from __future__ import annotations

import base64
import csv
import os
from typing import TYPE_CHECKING, Any

import pytest
from shell import Completed, variables

from ikpipe.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start each test in an empty folder, at 80 columns, and without an account."""
    for name in [name for name in os.environ if name.startswith("IMAGEKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ikp(capsys: pytest.CaptureFixture[str]) -> Callable[..., Completed]:
    """Run a command in this process."""

    def run(*words: str) -> Completed:
        capsys.readouterr()
        status = main(words)
        return Completed(status, *capsys.readouterr())

    return run


@pytest.fixture
def sign_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Emulator], None]:
    """Set the environment for an emulator's account."""

    def use(emulator: Emulator) -> None:
        for name, value in variables(emulator).items():
            monkeypatch.setenv(name, value)

    return use


@pytest.fixture
def signed_in(sign_in: Callable[[Emulator], None], emulator: Emulator) -> None:
    """Set the environment for the shared emulator's account."""
    sign_in(emulator)


@pytest.fixture
def pictures(picture: Callable[..., bytes]) -> Callable[[int], list[str]]:
    """Return the given number of images as data URIs."""

    def draw(count: int) -> list[str]:
        return [f"data:image/png;base64,{base64.b64encode(picture(colour)).decode()}" for colour in range(count)]

    return draw


@pytest.fixture
def table(tmp_path: Path, pictures: Callable[[int], list[str]]) -> Callable[..., str]:
    """Write a CSV with the given number of rows: a SKU, an image and other columns; `None` means no image."""

    def write(count: int, name: str = "in.csv", **columns: list[str | None]) -> str:
        every: dict[str, list[Any]] = {
            "sku": [f"{at:05}" for at in range(count)],
            "picture": pictures(count),
            **columns,
        }
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(every)
            writer.writerows(zip(*every.values(), strict=True))
        return name

    return write
