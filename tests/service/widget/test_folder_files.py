"""Files of the uploader's root that a page adds by a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from browsers import Browser

import ikpipe

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Create a folder with files, hidden ones, and links that lead out of it."""
    root = tmp_path / "photos"
    for name in ("a.jpg", "b.png", "sub/c.jpg", "sub/deep/d.jpg", ".hidden.jpg", ".git/x.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"12345")
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/e.jpg").write_bytes(b"x")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "other").symlink_to(tmp_path / "other")
    return root


def match(browser: Browser, pattern: str, *, add: bool = False) -> dict[str, Any]:
    """Count the files that match, or add them."""
    request = len(browser.heard)
    browser.say(type="match_files", request=request, pattern=pattern, add=add)
    browser.wait(lambda: any(one.get("request") == request for one in browser.heard[request:]))
    return next(one for one in browser.heard[request:] if one.get("request") == request)


def start(account: ikpipe.Account, root: Path, **options: Any) -> ikpipe.Uploader:
    """Return an uploader of a folder, with one of its files in the list."""
    return ikpipe.Uploader(account, pd.DataFrame({"file": ["b.png"]}), root=root, **options)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("**/*.jpg", ["a.jpg", "sub/c.jpg", "sub/deep/d.jpg"]),
        ("*.jpg", ["a.jpg", "sub/c.jpg", "sub/deep/d.jpg"]),
        ("/*.jpg", ["a.jpg"]),
        ("sub/**/*.jpg", ["sub/c.jpg", "sub/deep/d.jpg"]),
        ("**/*", ["a.jpg", "sub/c.jpg", "sub/deep/d.jpg"]),
        ("*.{jpg,png}", ["a.jpg", "sub/c.jpg", "sub/deep/d.jpg"]),
        ("*.gif", []),
    ],
)
def test_a_pattern_matches_files_below_the_root(
    pattern: str, names: list[str], account: ikpipe.Account, root: Path
) -> None:
    """But no hidden ones, and none that a link leads to outside; those of the list are counted."""
    with Browser(start(account, root)) as browser:
        answer = match(browser, pattern)
    assert answer["names"] == names
    assert (answer["files"], answer["bytes"], answer["ids"]) == (len(names), 5 * len(names), [])
    assert answer["listed"] == (pattern in ("**/*", "*.{jpg,png}"))


def test_files_are_added_below_the_folder(account: ikpipe.Account, root: Path) -> None:
    """Their folders become upload folders; adding them twice adds nothing, and a page can remove them."""
    uploader = start(account, root, folder="/in")
    with Browser(uploader) as browser:
        assert match(browser, "*.jpg", add=True)["ids"] == ["r1", "r2", "r3"]
        assert match(browser, "**/*.jpg", add=True)["ids"] == []
        assert [row["folder"] for row in browser.rows.values()] == ["/in", "/in", "/in/sub", "/in/sub/deep"]
        assert {row["state"] for row in browser.rows.values()} == {"ready"}
        browser.say(type="remove", ids=["r0", "r1"])
    assert uploader.frame["file"].tolist() == ["b.png", "sub/c.jpg", "sub/deep/d.jpg"]


@pytest.mark.parametrize(
    "pattern", ["", "../*.jpg", "sub/../../*", "{{.*}}", "[", "*" * 11, "/" + "a" * 200, "/etc/../*"]
)
def test_an_invalid_pattern_is_an_error(pattern: str, account: ikpipe.Account, root: Path) -> None:
    """Also a regular expression, which can take for ever."""
    with Browser(start(account, root)) as browser:
        assert match(browser, pattern, add=True)["type"] == "error"
        assert len(browser.rows) == 1


@pytest.mark.parametrize("pattern", ["/etc/*", "/etc/passwd", "/**/secret.jpg", "other/*", "**/e.jpg"])
def test_nothing_outside_the_root_matches(pattern: str, account: ikpipe.Account, root: Path) -> None:
    """A slash at the start means the root."""
    with Browser(start(account, root)) as browser:
        assert match(browser, pattern, add=True)["files"] == 0


def test_without_a_root_there_is_no_folder(account: ikpipe.Account) -> None:
    """Python decides what a page can read."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        assert match(browser, "*")["reason"] == "message"
    assert uploader.settings["root"] == ""


def test_a_page_knows_the_name_of_the_folder_alone(account: ikpipe.Account, root: Path) -> None:
    """And not where it is."""
    assert start(account, root).settings["root"] == "photos"
