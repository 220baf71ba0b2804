"""Check the built site: python docs/site/check.py [--external].

Each link inside of it leads to a page and a heading that exist, and no page loads anything from elsewhere, so that the
site works without a network. `--external` lists the addresses of other sites that pages link to.
"""  # noqa: INP001 - a script

from __future__ import annotations

import re
import sys
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(__file__).parents[2] / "build" / "docs" / "site"
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src"}
"""Tags that load something → the attribute with its address."""
RELATIONS = {"stylesheet", "preload", "preconnect", "icon", "modulepreload"}
IMPORTED = re.compile(r"(?:url\(|@import )\s*[\"']?((?:https?:)?//[^\"')]+)")


class Page(HTMLParser):
    """What a page has: the ids of its elements, its links, and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record what an element refers to."""
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values.get("id", ""), values.get("name", "") if tag == "a" else ""}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and RELATIONS & set(values.get("rel", "").split()):
            self.loaded.append(values.get("href", ""))
        elif tag in LOADING:
            self.loaded.append(values.get(LOADING[tag], ""))


def pages_of(site: Path) -> dict[Path, Page]:
    """Return the pages of a site by their paths."""
    return {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}


def problems(site: Path, pages: dict[Path, Page]) -> list[str]:
    """Return what is wrong with a site."""
    found = list[str]()
    for path, page in pages.items():
        name, inside = path.relative_to(site), [link for link in page.links if not urlsplit(link).scheme]
        found += [f"{name}: the link {link} leads nowhere" for link in inside if not _leads(path, link, pages)]
        found += [f"{name}: loads {address}" for address in page.loaded if _elsewhere(address)]
    for path in site.rglob("*.css"):
        found += [f"{path.relative_to(site)}: loads {address}" for address in IMPORTED.findall(path.read_text("utf-8"))]
    return found


def _leads(path: Path, address: str, pages: dict[Path, Page]) -> bool:
    """Whether a link leads to a file and, in a page, to an element with its id."""
    parts = urlsplit(address)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    target = target / "index.html" if target.is_dir() else target
    return target.exists() and (target not in pages or unquote(parts.fragment) in {"", *pages[target].ids})


def _elsewhere(address: str) -> bool:
    """Whether an address is of another site."""
    return address.startswith("//") or urlsplit(address).scheme in ("http", "https")


def main() -> int:
    """Print what is wrong, or the addresses of other sites, and return the exit status."""
    pages = pages_of(SITE)
    if "--external" in sys.argv:
        external = defaultdict(list)
        for path, page in pages.items():
            for address in filter(_elsewhere, page.links):
                external[address].append(path.relative_to(SITE).as_posix())
        for address, places in sorted(external.items()):
            sys.stdout.write(f"{address}  {places[0]}\n")
        return 0
    found = problems(SITE, pages)
    sys.stdout.write("".join(f"{line}\n" for line in found) or f"{len(pages)} pages: all links lead somewhere\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
