"""All files of a folder of the library and below it, from a listing that is complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from ikpipe.errors import Error
from ikpipe.run.existing.library_files import read_pages
from ikpipe.run.existing.listed_files import DetailsFile, Listing
from ikpipe.run.existing.requests import PacedRequests
from ikpipe.service.library import FILES, page_of

_ANY = 10**9  # pages that are worth it
Kept = TypeVar("Kept")


class LibraryTree(NamedTuple, Generic[Kept]):
    """What was kept of the files of a folder and below it, and the number of files that count."""

    kept: list[Kept]
    files: int


async def list_tree(
    reads: PacedRequests, folder: str, read: Callable[[Mapping[str, Any]], tuple[bool, Kept | None]]
) -> LibraryTree[Kept]:
    """List a folder with those below it.

    `folder` has no slash at its end; the root is empty. `read` returns for a file whether it counts, and what to keep
    of it; None keeps nothing. Raise `Error` if the library cannot be read, or changes while it is.
    """

    async def page(query: dict[str, str | int]) -> list[dict[str, Any]]:
        """Return a page of the listing."""
        return page_of(await reads.send(FILES, query))

    details = DetailsFile()
    try:
        listing = _TreeListing(folder, details, read)
        if not await read_pages(listing, page):
            words = f"The folder {folder or '/'} of the library changed again and again while it was listed."
            raise Error(words, fix="Try again when nothing else changes it.")
    finally:
        details.close()
    return LibraryTree([kept for _, kept in listing.found if kept is not None], sum(one for one, _ in listing.found))


class _TreeListing(Listing, Generic[Kept]):
    """A listing that is read in any case; `found` is what `read` returned for its files so far."""

    def __init__(
        self, folder: str, details: DetailsFile, read: Callable[[Mapping[str, Any]], tuple[bool, Kept | None]]
    ) -> None:
        super().__init__(folder, details, "as_given", _ANY, tree=True)
        self.searches = _ANY
        self.found: list[tuple[bool, Kept | None]] = []
        self._start, self._read_file = f"{folder}/", read

    def add(self, page: Sequence[Mapping[str, Any]]) -> bool:
        """Add the next page, as `Listing` does."""
        new = page if self._last is None else page[1:]
        if not super().add(page):
            self.found = []
            return False
        self.found += [self._read_file(file) for file in new if self._is_below(file)]
        return True

    def _is_below(self, file: Mapping[str, Any]) -> bool:
        return "fileId" in file and str(file.get("filePath")).startswith(self._start)
