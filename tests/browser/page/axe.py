"""Accessibility by axe-core's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driver import Uploads


def violations(uploads: Uploads, only: list[str] | None = None) -> list[Any]:
    """Return the violations that axe-core reports, shortened."""
    from axe_playwright_python.sync_playwright import Axe

    rules = {"runOnly": only} if only else {"rules": {"target-size": {"enabled": True}}}  # of WCAG 2.2
    options = {"resultTypes": ["violations"], **rules}
    found = Axe().run(uploads.page, context=".ikpipe", options=options).response["violations"]
    return [
        (one["id"], [(node["html"][:200], node["failureSummary"][:300]) for node in one["nodes"][:3]]) for one in found
    ]
