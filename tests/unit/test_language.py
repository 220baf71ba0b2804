"""Everything that people read is plain, current technical English in American spelling."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = next(folder for folder in Path(__file__).parents if (folder / "pyproject.toml").exists())

WORDS = {  # a pattern, in which a space is any white space → what to write instead
    r"mend(s|ed|ing)?": "fix, fixed, needs attention",
    r"in doubt|doubt(s|ed|ful)": "unknown, unconfirmed",
    r"settles?|settled|settling": "confirm, confirmed",
    r"(is|are|was|were|not|already|yet|\d+|rows|files) up(?= already| yet|\s*([.,;:!?)\"'|]|\Z))": "uploaded",
    r"up already": "already uploaded",
    r"(look|looks|looked|looking) into the library|retry\W* looks|look-ups?": "search the library, lookup",
    r"where nobody can (look|search)": "if the library cannot be searched",
    r"the seed('s)?(?! of| for| that| makes)": "ImageKit's upload documentation",
    r"the wire|(on|over) wires?|a line of (our|your) own": "the request, the HTTP transport",
    r"(?<!there\s)(?<!none\s)(is|are|was|were) no (?!longer|one)\w+": "is not a valid …, is not a …",
    r"(go|goes|gone|going|went) on with": "resume, continue",
    r"cut off": "interrupted",
    r"begun": "started",
    r"taken up": "used",
    r"as many as do best": "automatic",
    r"at most so many|so many (at once|failures|rows|requests)": "the maximum number of",
    r"what to believe of": "override assumptions about",
    r"the run stopped first": "not sent: the run was stopped",
    r"(its|the) ending": "the file extension",
    r"fences?|never twice": "delivery guarantees",
    r"past one machine|what finishes later|signing for others|how it is made": "the standard heading",
    r"peers? (that|who|which) (is|are|was) gone|peer is gone": "a dead connection",
    r"worth another attempt": "retryable",
    r"plainly refused": "rejected",
    r"(tell|tells|told|telling) (rows|them|files|it|two|the two) apart|told apart": "uniquely identify, distinguish",
    r"beside": "next to, as columns, in addition to",
    r"a row a file": "one file per row",
    r"said": "stated, returned, set",
    r"lest|whilst|hence|thereof|therein|hitherto|heed(s|ed|ing)?|namesakes?|ere|nought|naught|thrice": "a current word",
}
AMERICAN = (
    r"\w*colour\w*|behaviours?|behavioural|favour\w*|honour\w*|neighbour\w*|centres?|centred|metres?|grey\w*|licences?|"
    r"catalogues?|dialogues?|programmes?|analys(e|ed|ing)|"
    r"(author|categor|custom|emphas|final|general|initial|maxim|minim|normal|optim|organ|recogn|serial|special|"
    r"standard|summar|synchron|util)is(e|es|ed|ing|ation)|"
    r"labell(ed|ing)|modell(ed|ing)|signall(ed|ing)|travell\w+|misspelt|spelt|learnt|burnt|artefacts?|judgement|fulfil|"
    r"enrol|cheques?|sceptic\w*|storeys?|tyres?|ageing"
)
PATTERN = re.compile(rf"\b(?<!-)({'|'.join([*WORDS, AMERICAN])})(?![\w-])".replace(" ", r"\s+"))  # of lower-case text
STARTS = re.compile(r"(Gives?|Tells?|Says?|Takes?)\b")

ALLOWED = {  # a text that may contain one of these words → the reason
    r'"(Begun|Settled)"': "tags of entries in journals of earlier versions",
    r"settled INTEGER": "a column of journals",
}
ALLOWED_TEXT = re.compile("|".join(ALLOWED))
NAME = re.compile(
    r"[rbf]*(['\"`])[a-z_$]([\w.$-]*[\w$])?\1"
)  # an identifier as a string: a key, a status, a message type
CODE = re.compile(  # code, values, link targets, escapes, and the names of parameters in a NumPy section
    r"``[^`]+``|`[^`\n]+`|\$?\{[^{}\n]*\}|\]\([^)\s]*\)|\\[nt]|^ +[a-z_]\w*(, [a-z_]\w*)*$", re.MULTILINE
)
SCRIPT = re.compile(  # the comments and strings of JavaScript and CSS
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`", re.DOTALL
)
MARKS = re.compile(r"\A([rbfRBF]*(\"\"\"|['\"`])|#|//|/\*+)|(\"\"\"|['\"`]|\*/)\Z|^ *\*(?= )", re.MULTILINE)
TEXTS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def blank(match: re.Match[str]) -> str:
    """Return as many spaces as a match has characters, in the same lines."""
    return re.sub(r"\S", " ", match[0])


def only(source: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return a source with only its comments and strings; all other characters except white space become `|`.

    The marks of comments and strings become spaces, so that words are found that continue in the next line.
    """
    result, last = [], 0
    for start, end in spans:
        text = source[start:end]
        if not NAME.fullmatch(text):
            result += [re.sub(r"\S", "|", source[last:start]), MARKS.sub(blank, text)]
            last = end
    return "".join([*result, re.sub(r"\S", "|", source[last:])])


def python_text(source: str) -> str:
    """Return the comments, docstrings and other strings of a module."""
    starts = [0, *(line.end() for line in re.finditer("\n", source))]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    places = ((token.start, token.end) for token in tokens if token.type in TEXTS)
    return only(source, ((starts[a - 1] + b, starts[c - 1] + d) for (a, b), (c, d) in places))


def text_of(path: Path) -> str:
    """Return the texts of a file, each word in its line. The lines of a notebook are those of all its cells."""
    source = ALLOWED_TEXT.sub(blank, path.read_text(encoding="utf-8"))
    if path.suffix == ".py":
        return python_text(source)
    if path.suffix in {".js", ".css"}:
        return only(source, (text.span() for text in SCRIPT.finditer(source)))
    if path.suffix == ".ipynb":
        cells = [(cell["cell_type"] == "code", "".join(cell["source"])) for cell in json.loads(source)["cells"]]
        return "\n".join(python_text(text) if is_code else text for is_code, text in cells)
    if path.name == "CHANGELOG.md":  # the top section only: releases are not rewritten
        return re.match(r"(?:.*\n)*?## .*\n(?:(?!## ).*\n)*", source)[0]
    return source


def unwanted(path: Path) -> list[str]:
    """Return the place and text of each unwanted word of a file."""
    text = CODE.sub(blank, text_of(path)).lower()
    return [
        f"{path.name}:{text.count(chr(10), 0, word.start()) + 1}: {' '.join(word[0].split())}"
        for word in PATTERN.finditer(text)
    ]


def files() -> list[Path]:
    """Return all files whose texts people read."""
    scripts = [path for ending in ("py", "js", "css") for path in (ROOT / "ikpipe").rglob(f"*.{ending}")]
    scripts.remove(ROOT / "ikpipe/widget/static/languages/de.js")  # German
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "notebooks").rglob("*.md")]
    return sorted([*scripts, *pages, *(ROOT / "docs").rglob("*.py"), *(ROOT / "notebooks").glob("*.ipynb")])


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_texts_use_standard_terms_in_american_spelling(path: Path) -> None:
    """No text has a word of `WORDS` or a British spelling; `WORDS` says what to write instead."""
    assert unwanted(path) == []


@pytest.mark.parametrize(
    "path", [path for path in files() if path.suffix == ".py"], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_docstrings_start_with_another_verb(path: Path) -> None:
    """A docstring starts with "Return", "Raise", "Whether" or the like, not with "Give", "Tell", "Say" or "Take"."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, kinds)]
    assert [
        f"{path.name}:{getattr(node, 'lineno', 1)}: {text[:50]}"
        for node in nodes
        if STARTS.match(text := ast.get_docstring(node) or "")
    ] == []


@pytest.mark.parametrize("text", ALLOWED)
def test_allowed_texts_are_used(text: str) -> None:
    """Each entry of `ALLOWED` occurs in a file."""
    assert any(re.search(text, path.read_text(encoding="utf-8")) for path in files())


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.py", "x = 1\n# The rows were mended.\n", 2),
        ("a.py", 'def f():\n    """Return rows.\n\n    They are in\n    doubt.\n    """\n', 4),
        ("a.py", 'raise ValueError(f"{path} is no URL")\n', 1),
        ("a.py", "x = 1\n# These rows are in\n# doubt.\n", 2),
        ("a.py", 'x = (\n    "These rows are in "\n    "doubt."\n)\n', 2),
        ("a.js", "const a = 1; // the colour\n", 1),
        ("a.js", "const a = {\n  title: `${n} files up`,\n};\n", 2),
        ("a.css", "a {}\n/* a grey\n   line */\n", 2),
        ("a.md", "# Title\n\nThe catalogue.\n", 3),
        ("a.ipynb", '{"cells": [{"cell_type": "markdown", "source": ["# A\\n", "A row a file."]}]}', 2),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": ["a = 1  # said"]}]}', 1),
        ("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n- Rows begun.\n\n## [1.0.0]\n\n- Rows begun.\n", 5),
    ],
)
def test_unwanted_words_are_found(tmp_path: Path, name: str, content: str, line: int) -> None:
    """A planted word is found in each kind of file, in its line."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert [place.split(":")[:2] for place in unwanted(path)] == [[name, str(line)]]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.py", 'row.mend("seed", settled=True, colour="mend")\n'),
        ("a.py", '"""Set `look-up` and ``the seed``; there is no URL, and the row is no longer sent."""\n'),
        ("a.py", 'raise ValueError(f"{settled} is not a valid URL")\n'),
        ("a.py", 'class A:\n    """Keep it.\n\n    Parameters\n    ----------\n    said, begun\n        A.\n    """\n'),
        ("a.js", 'send({ type: "settled", mend: problem.mend, text: `${settled} rows` });\n'),
        ("a.js", "/* Files are uploaded. */ a(`is`, `no URL`)\n"),
        ("a.md", "The file is uploaded [as described](read-on.md#the-wire) up to `cut off` 3 rows.\n"),
    ],
)
def test_identifiers_are_not_checked(tmp_path: Path, name: str, content: str) -> None:
    """Names in code, keys, code in texts and the targets of links are not texts."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert unwanted(path) == []
