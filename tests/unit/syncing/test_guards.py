"""When nothing may be deleted."""

from __future__ import annotations

import pytest

from ikpipe.run.syncing.guards import obstacle, refusal


@pytest.mark.parametrize(
    ("folder", "rows", "going", "count", "refused"),
    [
        ("/a", 9, 0, 0, False),
        ("/a", 9, 1, 2, False),
        ("/a", 9, 2, 3, True),
        ("/a", 9, 1, 1, True),
        ("/a", 0, 0, 9, True),
        ("", 9, 0, 9, True),
        ("/a", 9, 50, 100, False),
        ("/a", 9, 51, 100, True),
    ],
)
def test_refusals(folder: str, rows: int, going: int, count: int, *, refused: bool) -> None:
    """With "all", nothing is refused; without deleting, there is nothing to refuse."""
    assert (refusal(folder, rows, going, count, delete=True) is not None) == refused
    assert refusal(folder, rows, going, count, delete="all") is None
    assert refusal(folder, rows, going, count, delete=False) is None


@pytest.mark.parametrize(
    ("errors", "statuses", "unread", "unknown", "word"),
    [
        (["The disk is away."], {}, 0, 0, "The disk is away."),
        ([], {"failed": 2, "uploaded": 9}, 0, 0, "2 failed"),
        ([], {"unknown": 1}, 0, 0, "1 unknown"),
        ([], {"cancelled": 1}, 0, 0, "1 cancelled"),
        ([], {"invalid": 1}, 1, 0, "1 file of the source could not be read"),
        ([], {"invalid": 1}, 0, 1, "1 invalid row has no known path"),
    ],
)
def test_obstacles(errors: list[str], statuses: dict[str, int], unread: int, unknown: int, word: str) -> None:
    """The reason is said."""
    assert word in str(obstacle(errors, statuses, unread, unknown))


def test_an_invalid_row_alone_is_no_obstacle() -> None:
    """It protects the file at its own target."""
    assert obstacle([], {"invalid": 3, "uploaded": 1, "unchanged": 1, "updated": 1}, 0, 0) is None
