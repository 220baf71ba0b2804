"""The uploader's joined script and style sheet."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from ikpipe.widget import assets

STATIC = Path(assets.__file__).parent / "static"
MODULES = {path.name: path.read_text("utf-8") for path in STATIC.rglob("*.js")}


def test_nothing_is_imported_by_the_joined_script() -> None:
    """A notebook loads one module, which cannot import others."""
    assert re.findall(r"^\s*import\b.*", assets.script(), re.MULTILINE) == []


def test_the_joined_script_exports_the_widget_alone() -> None:
    """Its only export is what anywidget asks for."""
    assert re.findall(r"^export.*", assets.script(), re.MULTILINE) == ["export default { initialize, render };"]


def test_every_module_is_in_the_joined_script() -> None:
    """A class of each module that has one is in the script once."""
    classes = [name for text in MODULES.values() for name in re.findall(r"^export class (\w+)", text, re.MULTILINE)]
    assert {
        name: len(re.findall(rf"^class {name}\b", assets.script(), re.MULTILINE)) for name in classes
    } == dict.fromkeys(classes, 1)


def test_names_at_the_top_of_modules_are_unique() -> None:
    """In the joined script, all modules share one scope."""
    names = Counter(re.findall(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", assets.script(), re.MULTILINE))
    assert [name for name, count in names.items() if count > 1] == []


def test_no_import_renames_what_it_imports() -> None:
    """The joined script has no imports that could give a thing another name."""
    imports = [line for text in MODULES.values() for line in re.findall(r"^import\b[^;]*;", text, re.MULTILINE)]
    assert [
        line
        for line in imports
        if not re.fullmatch(r'import \{(?: \w+,?|\s)+\} from "\.(?:/languages)?/[\w-]+\.js";', line)
    ] == []


def test_the_joined_script_has_no_lines_of_comments() -> None:
    """Notebooks that save the state of widgets store the script, where comments are of no use."""
    assert re.findall(r"^\s*(?://.*|/\*.*\*/|\* .*)$", assets.script(), re.MULTILINE) == []


def test_every_style_sheet_is_in_the_joined_one() -> None:
    """A file that is missing in the list of style sheets would have no effect."""
    joined = assets.style()
    assert [path.name for path in STATIC.glob("*.css") if path.read_text("utf-8") not in joined] == []


def test_rules_for_classes_of_the_root_apply_to_it() -> None:
    """Rules are nested in that of the root: without `&`, they apply to what is in the root, and not to the root."""
    named = re.findall(r"root\.classList\.toggle\(\"([\w-]+)\"", "".join(MODULES.values()))
    assert named
    rules = re.compile(rf"^.*(?<!&)\.(?:{'|'.join(named)})\b.*", re.MULTILINE)
    assert rules.findall(assets.style()) == []


def test_rules_below_the_root_do_not_name_it() -> None:
    """They are nested in its rule, where ``.ikpipe .ik-title`` would match nothing."""
    sheets = [path for path in STATIC.glob("*.css") if path.stem != "root"]
    assert [path.name for path in sheets if ".ikpipe " in path.read_text("utf-8")] == []
