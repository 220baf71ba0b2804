"""What the tests in a browser share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page


@pytest.fixture
def own_page(page: Page) -> Iterator[None]:
    """Close the page after the test, with the listeners and scripts that the test gave it; others use it again."""
    yield
    page.close()
