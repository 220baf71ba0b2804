"""Check the versions of Python and of the packages that ikpipe needs."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib import metadata
from typing import NamedTuple

from ikpipe.errors import listed
from ikpipe.service.findings import Finding

_LISTED = 40  # packages or extras in a line
_REQUIREMENT = re.compile(r"([\w.-]+)\s*(?:\[([\w,\s-]+)\])?\s*\(?([^;)]*)\)?\s*;?(.*)")
_FLOOR = re.compile(r">=\s*([\w.]+)")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([\w-]+)['\"]")


class Requirement(NamedTuple):
    """A package that is needed, with its lowest version ("" is any), extras of its own, and the extra it is part of."""

    name: str
    floor: str
    extras: tuple[str, ...]
    part_of: str | None
    conditional: bool
    """Whether it is only needed on some systems or versions of Python."""


def check_installation() -> list[Finding]:
    """Return what is installed, and what is missing or too old."""
    about = "Python"
    python = Finding("ok", about, f"{platform.python_version()} ({platform.system()}, {platform.machine()}).")
    try:
        version, needs = metadata.version("ikpipe"), [*requirements("ikpipe")]
    except metadata.PackageNotFoundError:
        words = "ikpipe is not installed as a package, so the versions of its dependencies are not known."
        return [python, Finding("warning", "Packages", words, "Install it with pip.")]
    missing = [fault for need in needs if need.part_of is None for fault in faults(need)]
    packages = Finding("ok", "Packages", f"ikpipe {version} and all packages that it needs are installed.")
    if missing:
        fix = "Run: pip install --upgrade ikpipe"
        packages = Finding("problem", "Packages", f"Missing or too old: {listed(missing, _LISTED)}.", fix)
    return [python, packages, *_extras(needs)]


def _extras(needs: list[Requirement]) -> list[Finding]:
    """Return which extras are installed; a package of one that is too old is a problem of that extra."""
    complete, findings = [], []
    for extra in sorted({str(need.part_of) for need in needs if need.part_of not in (None, "all")}):
        own = [need for need in needs if need.part_of == extra]
        wrong = [fault for need in own for fault in faults(need)]
        if not wrong:
            complete.append(extra)
        elif old := [fault for fault in wrong if " " in fault]:
            words = f"Too old for the extra {extra}: {listed(old, _LISTED)}."
            findings.append(Finding("warning", "Extras", words, f"Run: pip install --upgrade 'ikpipe[{extra}]'"))
    installed = listed(complete, _LISTED) if complete else "none"
    return [Finding("ok", "Extras", f"Installed: {installed}."), *findings]


def requirements(package: str) -> Iterator[Requirement]:
    """Yield what a package needs, from its metadata."""
    for line in metadata.requires(package) or ():
        match = _REQUIREMENT.fullmatch(line.strip())
        if match is None:
            continue
        name, extras, versions, marker = match.groups()
        floor, part_of = _FLOOR.search(versions), _EXTRA.search(marker)
        own = tuple(extra.strip() for extra in (extras or "").split(",") if extra.strip())
        conditional = any(word in marker for word in ("python_version", "sys_platform", "platform_", "os_name"))
        yield Requirement(name, floor[1] if floor else "", own, part_of[1] if part_of else None, conditional)


def faults(need: Requirement) -> list[str]:
    """Return what is missing (by its name), and what is too old (with both versions)."""
    try:
        version = metadata.version(need.name)
    except metadata.PackageNotFoundError:
        return [] if need.conditional else [need.name]
    if need.floor and _numbers(version) < _numbers(need.floor):
        return [f"{need.name} {version} (at least {need.floor})"]
    inner = (one for one in requirements(need.name) if one.part_of in need.extras) if need.extras else ()
    return [fault for one in inner if not one.extras for fault in faults(one)]


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version's release."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(number) for number in release[0].split(".")] if release else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
