"""Build a release and check it, up to the upload: `make release`.

Writes the wheel, the source distribution and their bill of materials to ``dist/``. Each Python that is named (default:
the one that runs this) installs the wheel into an empty environment, without this clone, and runs the demo.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
NEEDED = {
    *("ikpipe/py.typed", "ikpipe/widget/static/main.js", "ikpipe/widget/static/languages/de.js"),
    *("ikpipe/widget/static/root.css", "ikpipe/cli/demo/data/catalog.csv", "ikpipe/cli/demo/data/ORIGINS.md"),
    *("ikpipe/docs/get-started.md", "ikpipe/docs/errors.md"),
}
"""Files that a wheel must have, besides its modules: the licenses of the demo's pictures are in ``ORIGINS.md``."""
UNWANTED = re.compile(r"(^|/)(tests|__pycache__|\.ipynb_checkpoints|node_modules)/|\.(pyc|ts|webp~)$")


def run(*command: object, **options: object) -> str:
    """Run a program, and return what it prints; end if it fails."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]  # noqa: S603 - our own
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    printed: str = done.stdout
    return printed


def check_version(version: str) -> None:
    """Check that the changelog has the version, with its date."""
    if not re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    ):
        sys.exit(f"CHANGELOG.md has no section for {version} with a date.")


def check_contents(wheel: Path, source: Path) -> None:
    """Check what is in the distributions."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "ikpipe").rglob("*.py")}
    with tarfile.open(source) as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    problems = [
        *(f"the wheel lacks {name}" for name in sorted((NEEDED | modules) - {*names})),
        *(f"the wheel has {name}" for name in names if UNWANTED.search(name)),
        *(f"the source distribution lacks {name}" for name in sorted(modules - sources)),
    ]
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        problems.append("the wheel lacks its license")
    if problems:
        sys.exit("\n".join(problems))
    print(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1e6:.1f} MB; {source.name}: {len(sources)} files")


def empty_environment(python: str, folder: str) -> Path:
    """Make an empty virtual environment in a folder, and return its interpreter."""
    run(python, "-m", "venv", f"{folder}/env")
    return Path(folder) / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def try_out(python: str, wheel: Path) -> None:
    """Install a wheel into an empty environment, far from this clone, and run the demo."""
    with tempfile.TemporaryDirectory() as folder:
        binaries = empty_environment(python, folder).parent
        run(binaries / "python", "-m", "pip", "install", "--quiet", f"{wheel}[emulator,widget]")
        version = run(binaries / "python", "--version").strip()
        run(binaries / "python", "-c", "import ikpipe; ikpipe.Uploader", cwd=folder)
        shown = run(binaries / "ikpipe", "demo", cwd=folder)
        uploaded = re.search(r"(\d+) uploaded", shown)
        if uploaded is None:
            sys.exit(f"The demo with {version} printed nothing of uploads:\n{shown}")
        print(f"{version}: installed alone; demo: {uploaded[0]}")


def main() -> None:
    """Build and check a release."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="*", default=[sys.executable], help="interpreters that try the wheel")
    options = parser.parse_args()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    check_version(version)
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST, ROOT)
    (wheel,), (source,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, source)
    check_contents(wheel, source)
    materials = DIST / f"ikpipe-{version}.cdx.json"
    with tempfile.TemporaryDirectory() as folder:
        python = empty_environment(sys.executable, folder)
        run(python, "-m", "pip", "install", "--quiet", f"{wheel}[all]")
        run(sys.executable, "-m", "cyclonedx_py", "environment", python, "--output-file", materials)
    for python in options.pythons:
        try_out(python, wheel)
    print(f"Ready in dist/: {wheel.name}, {source.name}, {materials.name}. Next: git tag v{version}, and twine upload.")


if __name__ == "__main__":
    main()
