"""Which files of a folder belong to a sync: patterns as rclone's `--include` and `--exclude` have them. Pure.

A pattern is a glob: ``*`` and ``?`` match within a level of a path, ``**`` matches slashes too, ``[a-z]`` is a class of
characters, ``{a,b}`` are alternatives, ``{{…}}`` is a regular expression. It is compared with the end of a path, or
with the whole path if it starts with a slash; one that ends with a slash means a folder with everything in it.

The first pattern that matches decides: those of files to include are first, then those to exclude. With patterns to
include, everything else is excluded. A folder that cannot have any included file is not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from unicodedata import normalize

from ikpipe.errors import Error, MappingError, keyword, quoted
from ikpipe.request.values import stored_folder, stored_name

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"!-\~",
    "lower": "a-z",
    "print": r" -\~",
    "punct": r"!-/:-@\[-`{-\~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
"""Names of classes within brackets, as Go's regular expressions have them, which rclone uses."""
_NAMED = re.compile(r"\[:(\^?)(\w+):\]")
_SPECIAL = re.compile(r"(\\.)|([\[&|~])", re.DOTALL)
_TOO_HARD = re.compile(r"\{[^{}]*(\*\*|/)[^{}]*\}|\{\{|\}\}|\{[^{}]*\{")
"""Patterns of which rclone does not know the folders either: alternatives with slashes, and regular expressions."""
_STARS = {1: "[^/]*", 2: "(?s:.*)"}  # names can have line breaks


class _PatternError(Error):
    """What is wrong with a pattern."""


class PathFilter:
    """Whether files and folders belong to a sync; paths are relative, with slashes.

    `include` and `exclude` are patterns. With `stored`, a path of the library also matches a pattern for the name from
    which it was made by replacing characters. Raise `MappingError` if a pattern is not valid.
    """

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = (), *, stored: bool = False) -> None:
        self._files: list[tuple[bool, re.Pattern[str]]] = []
        self._folders: list[tuple[bool, re.Pattern[str]]] = []
        self._stored = stored
        self._read: dict[str, bool] = {}
        for name, patterns in (("include", include), ("exclude", exclude)):
            for pattern in patterns:
                try:
                    self._add(normalize("NFC", pattern), includes=name == "include")
                except (_PatternError, re.error) as error:
                    words = f"The pattern is not valid: {error}."
                    raise MappingError(words, about=keyword(name, pattern)) from None
        if include:
            self._add("/**", includes=False)

    def _add(self, pattern: str, *, includes: bool) -> None:
        of_folder = pattern.endswith("/")
        of_file = not of_folder
        if of_folder and not includes:
            pattern += "**"
        if "**" in pattern:
            of_folder = of_file = True
        compiled = compile_pattern(pattern, stored=self._stored)
        if of_file:
            self._files.append((includes, compiled))
            if includes or pattern == "*":
                self._folders += [
                    (includes, compile_pattern(one, stored=self._stored)) for one in folder_patterns(pattern)
                ]
        if of_folder:
            self._folders.append((includes, compiled))

    def has_folder(self, path: str) -> bool:
        """Whether a folder is read, if those above it are."""
        if path not in self._read:
            self._read[path] = _decide(self._folders, f"{path}/")
        return self._read[path]

    def has_file(self, path: str) -> bool:
        """Whether a file is included, if its folder is read."""
        return _decide(self._files, path)

    def has(self, path: str) -> bool:
        """Whether a file is included, and all folders above it are read."""
        at = path.find("/")
        while at >= 0:
            if not self.has_folder(path[:at]):
                return False
            at = path.find("/", at + 1)
        return self.has_file(path)


def _decide(rules: Iterable[tuple[bool, re.Pattern[str]]], path: str) -> bool:
    if not path.isascii():
        path = normalize("NFC", path)
    return next((includes for includes, pattern in rules if pattern.search(path)), True)


def folder_patterns(pattern: str) -> list[str]:
    """Return patterns for the folders that can have files which a pattern matches."""
    if _TOO_HARD.search(pattern):
        return ["/**"]
    pattern, found = re.sub("/{2,}", "/", pattern), list[str]()
    while True:
        slash, stars = pattern.rfind("/"), pattern.rfind("**")
        at = max(slash, stars)
        if at < 0:
            return found or ["/**"]
        one = f"{pattern[:at]}{'**' if stars > slash else ''}/"
        pattern = pattern[:at]
        if found[-1:] != [one]:
            found.append(one)


def compile_pattern(pattern: str, *, stored: bool = False) -> re.Pattern[str]:
    """Return a pattern as a regular expression, to search for in a path; `stored` is as for `PathFilter`.

    Raise `_PatternError` or `re.error` if it is not valid.
    """
    start = "^" if pattern.startswith("/") else "(?:^|/)"
    body = _Translation(pattern.removeprefix("/"), stored=stored).text()
    return re.compile(f"{start}{body}\\Z", re.ASCII)


class _Translation:
    """Translates one pattern, part by part from its start."""

    def __init__(self, pattern: str, *, stored: bool) -> None:
        self._pattern, self._stored = pattern, stored
        self._at = self._depth = 0
        # How parts that are longer than a character start → what reads them.
        self._longer: dict[str, Callable[[], str]] = {
            "{{": self._expression,
            "[": self._class,
            "]": self._unmatched,
            "*": self._stars,
            "\\": self._escaped,
        }

    def text(self) -> str:
        """Return the regular expression."""
        parts = []
        while self._at < len(self._pattern):
            parts.append(self._next())
        if self._depth:
            raise _PatternError("{ and } do not match")
        return "".join(parts)

    def _next(self) -> str:
        char, rest = self._pattern[self._at], self._pattern[self._at :]
        if (read := self._longer.get("{{" if rest.startswith("{{") else char)) is not None:
            return read()
        self._at += 1
        if char in "{}":
            return self._brace(char)
        if char == "," and self._depth:
            return "|"
        return "[^/]" if char == "?" else self._literal(char)

    def _literal(self, char: str) -> str:
        stored = stored_folder(char) if "/" in self._pattern[self._at :] else stored_name(char)
        either = self._stored and char not in ("/", stored)
        return f"(?:{re.escape(char)}|{re.escape(stored)})" if either else re.escape(char)

    def _escaped(self) -> str:
        self._at += 2
        if self._at > len(self._pattern):
            raise _PatternError("there is nothing after the last backslash")
        char = self._pattern[self._at - 1]
        return f"\\{char}" if char.isascii() and char.isalnum() else self._literal(char)

    def _brace(self, char: str) -> str:
        self._depth += 1 if char == "{" else -1
        if self._depth < 0:
            raise _PatternError("{ and } do not match")
        return "(?:" if char == "{" else ")"

    def _stars(self) -> str:
        stars = len(self._pattern) - self._at - len(self._pattern[self._at :].lstrip("*"))
        self._at += stars
        if stars not in _STARS:
            raise _PatternError("there are more than two stars in a row")
        return _STARS[stars]

    def _expression(self) -> str:
        """Return a regular expression in double braces; of several closing braces, the last two end it."""
        end = self._pattern.find("}}", self._at + 2)
        if end < 0:
            raise _PatternError("{{ and }} do not match")
        while self._pattern.startswith("}", end + 2):
            end += 1
        body = self._pattern[self._at + 2 : end]
        self._at = end + 2
        return f"(?:{body})"

    def _unmatched(self) -> str:
        raise _PatternError("[ and ] do not match")

    def _class(self) -> str:
        start, depth = self._at, 0
        while True:
            if self._at == len(self._pattern):
                return self._unmatched()
            depth += {"[": 1, "]": -1}.get(self._pattern[self._at], 0)
            self._at += 1
            if not depth:
                return f"[{self._class_body(self._pattern[start + 1 : self._at - 1])}]"

    def _class_body(self, body: str) -> str:
        parts, end = [], 0
        for named in _NAMED.finditer(body):
            if named[1] or named[2] not in _CLASSES:
                raise _PatternError(f"there is no class {quoted(named[0])}")
            parts += [_safe(body[end : named.start()]), _CLASSES[named[2]]]
            end = named.end()
        parts.append(_safe(body[end:]))
        replaced = self._stored and not body.startswith("^") and stored_name(body) != body
        return "".join(parts) + "_" * replaced


def _safe(body: str) -> str:
    r"""Return a part of a class without what Python may read as a set within it: ``[`` becomes ``\[``."""
    body = _SPECIAL.sub(lambda found: found[1] or f"\\{found[2]}", body)
    return re.sub("(?!^)--", r"-\\-", re.sub("^--", r"\\--", body))
