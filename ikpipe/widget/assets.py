"""The script and the style sheet of the uploader, joined from the files below `static/`."""

import json
import posixpath
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from ikpipe.errors import MappingError, keyword

_STATIC = Path(__file__).parent / "static"
_STYLES = (  # later rules win over earlier ones
    *("base", "toolbar", "notices", "problems", "list", "gallery", "editor", "dialogs", "footer", "responsive"),
)
LANGUAGES = ("en", "de")
_CHOSEN = "languages/chosen.js"
_IMPORT = re.compile(r'^import \{[^}]*\} from "(\.{1,2}/[^"]+)";\n', re.MULTILINE)
_STRIPPED = re.compile(
    rf"{_IMPORT.pattern}|^export (?!default )|^ *//.*\n|^ */\*\*(?:(?!\*/)[\s\S])*\*/\n",
    re.MULTILINE,
)


@cache
def script(language: str = "") -> str:
    """Return the modules below `static/` joined into one, since anywidget loads a single module.

    `language` is a code such as ``de``; without it, the page chooses. Each module comes after those that it imports.
    All share one scope, so a name at the top of a module must be unique. Comment lines are removed, since a notebook
    that saves the state of its widgets stores the script.

    Raise `graphlib.CycleError` if modules import each other.
    """
    paths = sorted(_STATIC.rglob("*.js"))
    modules = {path.relative_to(_STATIC).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    modules[_CHOSEN] = f"const CHOSEN_LANGUAGE = {json.dumps(language)};\n"
    order = TopologicalSorter({name: _imports(name, text) for name, text in modules.items()}).static_order()
    return "".join(_STRIPPED.sub("", modules[name]) for name in order)


def language_code(language: str) -> str:
    """Return the code of a language that there are texts in: ``de`` for ``de-AT``. Raise `MappingError` for others."""
    code = str(language).lower().replace("_", "-").partition("-")[0]
    if code not in LANGUAGES:
        raise MappingError(f"Use one of {', '.join(LANGUAGES)}.", about=keyword("language", language))
    return code


def _imports(name: str, text: str) -> list[str]:
    """Return the modules that a module imports, by their paths below `static/`."""
    return [posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in _IMPORT.findall(text)]


def style() -> str:
    """Return the joined style sheets; their rules are nested in that of the widget's root, and apply nowhere else."""
    root, *others = ((_STATIC / f"{name}.css").read_text(encoding="utf-8") for name in ("root", *_STYLES))
    return "\n".join([root, ".ikpipe {", *others, "}\n"])
