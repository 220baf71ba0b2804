"""All files of a folder of the library and below it, from a listing that is complete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from ikpipe.errors import Error
from ikpipe.existing.listed_files import DetailsFile, Listing
from ikpipe.existing.requests import PacedRequests
from ikpipe.service.library import FILES, page_of

AT_ONCE = 4  # requests at the same time
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
    details = DetailsFile()
    listing = Listing(folder, details, "as_given", _ANY, tree=True)
    listing.searches = _ANY
    pages: dict[int, list[tuple[bool, Kept | None]]] = {}
    try:
        while not listing.complete:
            if (affordable := listing.affordable) <= 0:
                words = f"The folder {folder or '/'} of the library changed again and again while it was listed."
                raise Error(words, fix="Repeat the command once nothing else changes the folder.")
            first = listing.pages
            numbers = range(first, first + min(AT_ONCE, first or 1, affordable))
            asked = [reads.send(FILES, listing.query(number)) for number in numbers]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            for error in answers:
                if isinstance(error, BaseException):
                    raise error
            for number, page in zip(numbers, map(page_of, answers), strict=True):
                if number == listing.pages and not listing.complete:
                    files = [one for one in (page[1:] if number else page) if _is_below(one, folder)]
                    pages[number] = [read(one) for one in files]
                listing.add(number, page)
    finally:
        details.close()
    found = [one for number in range(listing.pages) for one in pages[number]]
    return LibraryTree([kept for _, kept in found if kept is not None], sum(counts for counts, _ in found))


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
