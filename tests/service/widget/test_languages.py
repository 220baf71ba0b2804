"""The language files of the page: each has all texts, each text is used, and no other file has any."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ikpipe.errors import CODES
from ikpipe.request.result import SETTLED
from ikpipe.widget import assets, reasons

STATIC = Path(assets.__file__).parent / "static"
COMMENT = re.compile(r"//[^\n]*|/\*[\s\S]*?\*/")
LITERAL = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`")
NO_TEXT = {  # keys, file names and types of others that look like a text
    *("Backspace", "Delete", "End", "Enter", "Enter ", "Escape", "Home", "Tab"),
    *("Boolean", "Date", "Number", "Textarea"),
    *("Files", "Thumbs.db", "noopener noreferrer", "without progress"),
}
SELECTOR = re.compile(r"[a-z]+(\[[^\]]*\])?(, [a-z]+(\[[^\]]*\])?)+")


def names(language: str) -> dict[str, list[str]]:
    """Return the names of a language's texts, with those in each group."""
    found: dict[str, list[str]] = {}
    for line in (STATIC / "languages" / f"{language}.js").read_text("utf-8").splitlines():
        if match := re.match(r"  (\w+)[:,]", line):
            found[match[1]] = re.findall(r"[{,] (\w+):", line) if re.search(r": \{ \w+:", line) else []
        elif match := re.match(r"    (\w+):", line):
            found[[*found][-1]].append(match[1])
    return found


ENGLISH = names("en")


@pytest.mark.parametrize("language", assets.LANGUAGES)
def test_every_language_has_all_texts(language: str) -> None:
    """In the same order."""
    assert list(names(language).items()) == list(ENGLISH.items())


def test_every_text_is_used() -> None:
    """Otherwise it would be translated for nothing."""
    scripts = "".join(path.read_text("utf-8") for path in STATIC.glob("*.js"))
    # a name that a script computes, such as that of a layout, is in it as a value
    used = {*re.findall(r"STRINGS\s*\.(\w+)", scripts), *re.findall(r'"(\w+)"', scripts)}
    assert [name for name in ENGLISH if name not in used] == []


def test_no_text_is_elsewhere() -> None:
    """A script has no words of its own that a person could read."""
    found = [
        f"{path.name}: {literal}"
        for path in sorted(STATIC.glob("*.js"))
        for literal in LITERAL.findall(COMMENT.sub("", path.read_text("utf-8")))
        if is_text(literal[1:-1])
    ]
    assert found == []


def is_text(literal: str) -> bool:
    """Whether a literal looks like words for people: a capitalized word, or several words that are no code."""
    shown = re.sub(r"\$\{[^{}]*\}", "", literal)
    if literal in NO_TEXT or SELECTOR.fullmatch(shown):
        return False
    several = len(re.findall(r"[A-Za-z]{2,}", shown)) > 1 and " " in shown
    return bool(re.search(r"(^|[\s>])[A-Z][a-z]+\b", shown)) or (several and not re.search(r"\bik-|[:.#\[<=(/]", shown))


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("Upload", True),
        ("choose files again", True),
        ("${n} of them", True),
        ("<b>Done</b>", True),
        ("ik-row ik-head", False),
        ("input, textarea", False),
        ("pointerdown", False),
        ("https://example.com/a b", False),
    ],
)
def test_a_text_is_recognized(literal: str, *, expected: bool) -> None:
    """By its words."""
    assert is_text(literal) is expected


def test_every_status_has_a_label() -> None:
    """Also those that only the page knows."""
    working = {"ready", "queued", "sending", "processing", "cancelling"}
    assert SETTLED | working | {"invalid", "failed", "unknown", "cancelled"} <= {*ENGLISH["states"]}


def test_every_code_has_a_sentence() -> None:
    """Either as the code of a result, or as the reason of a problem."""
    coded = {code for code, entry in CODES.items() if entry.status != "invalid"}
    assert coded - {*ENGLISH["errors"]} == set()
    assert {*ENGLISH["errors"]} - coded == {"file_lost", "file_gone"}
    assert {*ENGLISH["advice"]} == {*ENGLISH["errors"]} - {"file_lost"}


def test_every_reason_has_a_sentence() -> None:
    """All that the kernel can name, and no other."""
    assert {*ENGLISH["reasons"]} == reasons.NAMES
    assert {*ENGLISH["fixes"]} - reasons.NAMES == set()


def test_every_trouble_has_a_sentence() -> None:
    """The kernel's errors name their reasons."""
    source = "".join(path.read_text("utf-8") for path in STATIC.parent.glob("*.py"))
    named = {*re.findall(r'InvalidMessage\([^)]*?, "(\w+)"\)', source), "message", "failed", *reasons.RUN_REASONS}
    assert {*ENGLISH["troubles"]} == named
