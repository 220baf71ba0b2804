"""Change the details of a file in the media library; a request can be repeated without harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ikpipe.errors import Error
from ikpipe.run.existing.differences import Differences
from ikpipe.run.existing.requests import PacedRequests
from ikpipe.service.library import details_path


async def update_details(changes: PacedRequests, file: Mapping[str, Any], different: Differences) -> dict[str, Any]:
    """Change the details of a file; return all of its details as they are then.

    `changes` sends requests. `different` are the details to change: those with bodies of their own take a request each
    [sdk]. Raise `Error` if a request is rejected or gets no answer, `ApiError` with 404 if there is no such file.
    """
    published = different.published
    bodies = [different.changes, {} if published is None else {"publish": {"isPublished": published}}]
    details = dict(file)
    for body in filter(None, bodies):
        answer = await changes.send(details_path(str(file["fileId"])), content=body, method="PATCH")
        if not isinstance(answer, dict):
            raise Error("The media API sent invalid details of a file.")
        details |= answer
    return details
