"""The Java that Spark runs on."""

from __future__ import annotations

import re
import subprocess
from importlib import import_module
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

from ikpipe.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Mapping

_LEAST = {3: 8, 4: 17}
"""PySpark's version → the Java that it needs at least: what its classes are compiled for."""
_PATIENCE = 30  # s that it may take to say its version


def check_java(environment: Mapping[str, str]) -> None:
    """See that there is a Java that the installed PySpark runs on: Spark itself only says that its gateway is gone.

    Parameters
    ----------
    environment
        Where Spark looks: at ``JAVA_HOME`` if that is set, else in ``PATH``.

    Raises
    ------
    MissingExtra
        There is none, or it is too old; the message has the line to type.
    """
    home = environment.get("JAVA_HOME")
    java = which(Path(home, "bin", "java")) if home else which("java", path=environment.get("PATH", ""))
    version: Any = import_module("pyspark").__version__
    least = _LEAST.get(int(version.partition(".")[0]), max(_LEAST.values()))
    mend = (
        "type: apt install openjdk-17-jre-headless (or get one from https://adoptium.net), or name one with JAVA_HOME"
    )
    if java is None or not (said := _said(java)):
        where = f"JAVA_HOME={home!r} has" if home else "there is"
        raise MissingExtra(f"Spark {version} needs Java {least} or newer, and {where} none: {mend}.")
    if said < least:
        raise MissingExtra(f"Spark {version} needs Java {least} or newer, and {java} is Java {said}: {mend}.")


def _said(java: str) -> int:
    """Ask a Java for its version; 0: it does not run."""
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=_PATIENCE, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    return int(found[1]) if found else 0
