"""What `make docs` checks in the built site: links, and that nothing is loaded from elsewhere."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

CHECK = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "site" / "check.py"))
GOOD = (
    '<a href="b.html#there">x</a> <a href="#here">x</a> <a href="https://a.example/">x</a> <a href="folder/">x</a>'
    '<h1 id="here">x</h1> <img src="data:,x"> <script src="s.js"></script> <link rel="canonical" href="https://a.example/">'
)


def check(site: Path, page: str, style: str = "") -> list[str]:
    """Return what is wrong with a site of two pages, of which this is one."""
    (site / "folder").mkdir()
    (site / "folder" / "index.html").write_text("", "utf-8")
    (site / "a.html").write_text(page, "utf-8")
    (site / "b.html").write_text('<h2 id="there">x</h2>', "utf-8")
    (site / "s.css").write_text(style, "utf-8")
    found: list[str] = CHECK["problems"](site, CHECK["pages_of"](site))
    return found


def test_a_good_site(tmp_path: Path) -> None:
    """Links to pages, headings, folders and other sites, and what is loaded from the site."""
    assert check(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    "page",
    [
        '<a href="c.html">x</a>',
        '<a href="b.html#here">x</a>',
        '<a href="#there">x</a>',
        '<script src="https://a.example/s.js"></script>',
        '<link rel="stylesheet" href="//a.example/s.css">',
        '<img src="http://a.example/i.png">',
    ],
)
def test_what_is_wrong_is_found(page: str, tmp_path: Path) -> None:
    """Missing pages and headings, and scripts, styles and pictures from elsewhere."""
    assert len(check(tmp_path, page)) == 1


@pytest.mark.parametrize(
    "style", ['@import "https://a.example/s.css";', "a { background: url(https://a.example/f.woff2) }"]
)
def test_styles_load_nothing_from_elsewhere(style: str, tmp_path: Path) -> None:
    """Neither other styles nor fonts."""
    assert len(check(tmp_path, "", style)) == 1
