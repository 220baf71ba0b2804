"""Patterns, as rclone translates and reads them; `tests/interop` compares them with the program."""

from __future__ import annotations

import pytest

from ikpipe import MappingError
from ikpipe.run.syncing.patterns import PathFilter, folder_patterns

MATCHES = [  # of rclone's tests and documentation: the pattern, what it matches, and what it does not
    ("potato", ["potato", "a/potato"], ["potatoes", "potato/a", "apotato"]),
    ("/potato", ["potato"], ["a/potato"]),
    ("potato?sausage", ["potatoXsausage"], ["potato/sausage", "potatosausage"]),
    ("potat[oa]", ["potato", "potata"], ["potatx"]),
    ("potat[[:alpha:]]or", ["potatQor"], ["potat1or"]),
    ("'.' '+' '(' ')' '|' '^' '$'", ["'.' '+' '(' ')' '|' '^' '$'"], []),
    ("*.jpg", ["a.jpg", "b/a.jpg", ".jpg"], ["a.jpg/b", "ajpg", "a.jpg\n"]),
    ("a{b,c,d}e", ["abe", "ade"], ["ae", "abce"]),
    ("potato**", ["potato", "potato/a/b"], ["a"]),
    ("potato**sausage", ["potatosausage", "potato/a/sausage"], ["potato"]),
    ("[\\[\\]]", ["[", "]"], ["a"]),
    ("a\\*b", ["a*b"], ["aXb"]),
    ("potato,sausage", ["potato,sausage"], ["potato"]),
    ("{{a+}}.txt", ["aaa.txt"], ["b.txt"]),
    ("\u00e9", ["e\u0301", "\u00e9"], ["e"]),
]


@pytest.mark.parametrize(("pattern", "matching", "others"), MATCHES, ids=[one[0] for one in MATCHES])
def test_matches(pattern: str, matching: list[str], others: list[str]) -> None:
    """A file is included if the pattern matches the end of its path."""
    chosen = PathFilter(include=[pattern])
    assert [path for path in [*matching, *others] if chosen.has_file(path)] == matching


@pytest.mark.parametrize(
    "pattern", ["***", "ab]c", "ab[c", "ab{{cd", "ab}c", "ab{c", "[a--b]", "a\\", "[[:no:]]", "[z-a]"]
)
def test_invalid_patterns(pattern: str) -> None:
    """The error names the option and the pattern."""
    with pytest.raises(MappingError, match="The pattern is not valid"):
        PathFilter(exclude=[pattern])


@pytest.mark.parametrize(
    ("pattern", "folders"),
    [
        ("*.jpg", ["/**"]),
        ("/*.jpg", ["/"]),
        ("/a//*.jpg", ["/a/", "/"]),
        ("a/b/", ["a/b/", "a/"]),
        ("a**b/c**d", ["a**b/c**/", "a**b/", "a**/"]),
        ("/var/spool/**/ncw", ["/var/spool/**/", "/var/spool/", "/var/", "/"]),
        ("a/{a,a*b,a**c}/d/", ["/**"]),
    ],
)
def test_folders(pattern: str, folders: list[str]) -> None:
    """What is not below these folders is not read."""
    assert folder_patterns(pattern) == folders


@pytest.mark.parametrize(
    ("include", "exclude", "path", "included"),
    [
        ([], [], "a/b", True),
        (["*.jpg"], [], "a/b.png", False),
        (["a/b.jpg"], ["a/**"], "a/b.jpg", True),
        (["a/b.jpg"], ["a/**"], "a/c.jpg", False),
        ([], ["dir/"], "x/dir/a", False),
        ([], ["dir"], "dir/a", True),
        ([], [".*", ".*/"], "a/.b/c", False),
        ([], ["*"], "a/b", False),
    ],
)
def test_the_first_pattern_decides(include: list[str], exclude: list[str], path: str, *, included: bool) -> None:
    """Those to include come first; with them, all other files are excluded."""
    assert PathFilter(include, exclude).has(path) == included


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("my photos/", "my_photos/a"),
        ("/v1.2/*.jpg", "v1_2/a.jpg"),
        ("a[+]b", "a_b"),
        ("a\\+b", "a_b"),
        ("{a b,c}", "a_b"),
    ],
)
def test_names_of_the_library(pattern: str, path: str) -> None:
    """A pattern for a name excludes the name that it becomes in the library, but no other local one."""
    assert not PathFilter(exclude=[pattern], stored=True).has(path)
    assert PathFilter(exclude=[pattern]).has(path)


def test_the_dot_of_a_file_name_is_kept() -> None:
    """So a pattern with it means no other name in the library."""
    assert PathFilter(exclude=["*.jpg"], stored=True).has("a_jpg")
