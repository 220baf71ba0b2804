"""The script and the style sheet of the uploader, joined from the files below `static/`."""

import re
from graphlib import TopologicalSorter
from pathlib import Path

_STATIC = Path(__file__).parent / "static"
_STYLES = (  # later rules win over earlier ones
    *("base", "toolbar", "notices", "list", "gallery", "editor", "dialogs", "footer", "responsive"),
)
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([^"]+)";\n', re.MULTILINE)
_STRIPPED = re.compile(
    rf"{_IMPORT.pattern}|^export (?!default )|^ *//.*\n|^ */\*\*(?:(?!\*/)[\s\S])*\*/\n",
    re.MULTILINE,
)


def script() -> str:
    """Return the modules below `static/` joined into one, since anywidget loads a single module.

    Each module comes after those that it imports. All share one scope, so a name at the top of a module must be unique.
    Comment lines are removed, since a notebook that saves the state of its widgets stores the script.

    Raise `graphlib.CycleError` if modules import each other.
    """
    modules = {path.name: path.read_text(encoding="utf-8") for path in sorted(_STATIC.glob("*.js"))}
    order = TopologicalSorter({name: _IMPORT.findall(text) for name, text in modules.items()}).static_order()
    return "".join(_STRIPPED.sub("", modules[name]) for name in order)


def style() -> str:
    """Return the joined style sheets."""
    return "\n".join((_STATIC / f"{name}.css").read_text(encoding="utf-8") for name in _STYLES)
