"""The uploader in a real JupyterLab, in a real browser, against the emulator."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from doubles import uploads_of
from editor_scenario import OPTIONS, STORED, ContentEditor, check_stored, make_folder, prepare
from labs import notebook
from nbconvert import HTMLExporter
from places import until
from scenario import ACCOUNT, UPLOADER, Files, check_arrived, check_results, prepared, stored
from screens import Screen, frames, jwts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from labs import Lab
    from playwright.sync_api import Page, WebSocketRoute

    from ikpipe.emulator import Emulator

SWIFT = "concurrency=2, policy=ikpipe.Policy(index_lag=2)"
LARGE = 300 * 1024 * 1024


@pytest.fixture
def start(lab: Lab, emulate: Callable[..., Emulator]) -> Callable[..., tuple[Emulator, Screen]]:
    """Open a notebook with an uploader in JupyterLab, with an emulator of its own."""

    def begin(*cells: str, subshells: bool = True, **rules: Any) -> tuple[Emulator, Screen]:
        emulator = emulate(**rules)
        account = prepared(emulator, lab.path.parent, f"{lab.path.stem}.json")
        lab.open(notebook(account, *(cells or [UPLOADER])))
        if not subshells:
            lab.panel("panel.sessionContext.session.kernel.commsOverSubshells = 'disabled'")
        lab.run_all()
        return emulator, Screen(lab.page).shown()

    return begin


@pytest.mark.usefixtures("own_page")
def test_the_whole_scenario(
    lab: Lab, start: Callable[..., tuple[Emulator, Screen]], files: Files, shot: Callable[[str], None]
) -> None:
    """Three files by the chooser, a folder by a drop, a paste: all arrive as they should, and `.results` says so.

    No socket frame, trait, saved notebook or export has the private key; no trait, notebook or export has a token.
    """
    noted = frames(lab.page)
    emulator, screen = start()
    shot("lab-empty")
    files.bring(screen)
    shot("lab-ready")
    screen.send(7)
    screen.up(7)
    shot("lab-up")
    check_arrived(emulator, files)
    lab.until_kernel("len(uploader.results) == 7")
    columns = '["ik_status", "ik_tags", "ik_custom_metadata"]'
    check_results(lab.value(f'uploader.results[{columns}].to_dict("records")'))
    check_secrets(lab, emulator, noted)


def check_secrets(lab: Lab, emulator: Emulator, noted: list[bytes]) -> None:
    """Hold that the key stayed in the kernel, and tokens in messages."""
    key = str(emulator.account.private_key)
    assert sum(map(len, noted)) > 100_000  # frames were noted
    assert any(jwts(frame.decode("utf-8", "replace")) for frame in noted)  # with the tokens in them
    assert not [frame for frame in noted if key.encode() in frame]
    text = lab.save()
    assert "application/vnd.jupyter.widget-state+json" in text  # what a widget gives away is in it
    export, _ = HTMLExporter().from_notebook_node(nbformat.reads(text, as_version=4))
    traits = lab.ask("print(uploader.get_state())")
    for kept in (text, export, traits):
        assert key not in kept
        assert not jwts(kept)


PEAK = "print(*[line for line in open('/proc/self/status') if line.startswith(('VmRSS', 'VmHWM'))])"


def test_a_large_file_does_not_pass_through_the_kernel(
    lab: Lab, start: Callable[..., tuple[Emulator, Screen]], files: Files, tmp_path: Path
) -> None:
    """300 MB arrive whole, and the kernel's memory grows by 5 MB at most."""
    emulator, screen = start(other_limit=2 * LARGE)
    screen.pick(files.picked)
    screen.send(3)
    screen.up(3)
    digest = large_file(tmp_path / "large.bin")
    lab.ask("import gc; gc.collect(); open('/proc/self/clear_refs', 'w').write('5')")
    before = memory(lab.ask(PEAK), "VmRSS")
    screen.pick([tmp_path / "large.bin"])
    screen.send(1)
    screen.up(4, 300)
    added = memory(lab.ask(PEAK), "VmHWM") - before
    print(f"the kernel's memory grew by {added / 1024:.1f} MB")  # noqa: T201 - a figure to be read
    assert digest in {entry["file"]["sha256"] for entry in stored(emulator)}
    assert added <= 5 * 1024


def large_file(path: Path) -> str:
    """Write a large file that nothing can make smaller; gives its hash."""
    digest, block = hashlib.sha256(), os.urandom(1 << 20)
    with path.open("wb") as file:
        for number in range(LARGE >> 20):
            part = number.to_bytes(8, "big") + block[8:]
            digest.update(part)
            file.write(part)
    return digest.hexdigest()


def memory(status: str, name: str) -> int:
    """Read a figure of a process' status, in kB."""
    return int(status.partition(f"{name}:")[2].split()[0])


def test_keys_stay_in_the_widget(lab: Lab, start: Callable[..., tuple[Emulator, Screen]], files: Files) -> None:
    """JupyterLab's shortcuts for cells do nothing while the widget has the keyboard, and work again after it."""
    _, screen = start()
    screen.pick(files.picked)
    screen.has("picked_2.png")
    cells = lab.cells()
    for target in (screen.button("Add files"), screen.root.locator("[data-id]").first):
        target.evaluate("(element) => element.focus()")
        for key in ("x", "b", "a", "m", "y"):
            lab.page.keyboard.press(key)
    assert lab.cells() == cells
    assert lab.panel("panel.content.widgets.every((cell) => cell.model.type === 'code')")
    lab.panel("(panel.content.node.focus(), panel.content.mode = 'command', panel.content.node.focus())")
    lab.page.locator(".jp-InputPrompt").first.click()
    lab.page.keyboard.press("b")
    until(lambda: lab.cells() == cells + 1, "a cell is inserted")


def test_the_dark_theme(
    lab: Lab, start: Callable[..., tuple[Emulator, Screen]], files: Files, shot: Callable[[str], None]
) -> None:
    """The widget follows JupyterLab's theme while it is shown."""
    _, screen = start()
    screen.pick(files.picked)
    screen.has("picked_2.png")
    light = lightness(screen)
    try:
        lab.do("apputils:change-theme", theme="JupyterLab Dark")
        until(lambda: lightness(screen) < 0.3, "the widget is dark")
        lab.page.locator("#jupyterlab-splash").wait_for(state="hidden")
        shot("lab-dark")
    finally:
        lab.do("apputils:change-theme", theme="JupyterLab Light")
    until(lambda: lightness(screen) == light, "the widget is light again")
    assert light > 0.8


LIGHTNESS = """(root) => {
    let one = root;
    while (getComputedStyle(one).backgroundColor === "rgba(0, 0, 0, 0)") one = one.firstElementChild || document.body;
    const [r, g, b] = getComputedStyle(one).backgroundColor.match(/[\\d.]+/g).map(Number);
    return (r + g + b) / 765;
}"""


def lightness(screen: Screen) -> float:
    """Give how light the widget's ground is, 0 to 1."""
    return float(screen.root.evaluate(LIGHTNESS))


def run_until(lab: Lab, file: Path, first: str = "") -> None:
    """Start a cell that runs until there is a file, after it has done something else."""
    code = f"{first}\nimport time, os\nwhile not os.path.exists({str(file)!r}): time.sleep(0.02)"
    lab.panel(f"(panel.sessionContext.session.kernel.requestExecute({{code: {json.dumps(code)}}}), null)")


def test_it_works_while_a_cell_runs(
    lab: Lab, start: Callable[..., tuple[Emulator, Screen]], files: Files, tmp_path: Path
) -> None:
    """Files are taken, signed and sent while a cell runs: JupyterLab lets widgets talk beside it."""
    emulator, screen = start()
    screen.pick(files.picked[:1])
    screen.has("picked_0.png")
    run_until(lab, tmp_path / "go")
    screen.pick(files.picked[1:])
    screen.send(3)
    screen.up(3)
    assert len(stored(emulator)) == 3
    (tmp_path / "go").touch()


def test_it_works_while_a_cell_runs_that_has_said_something(
    lab: Lab, start: Callable[..., tuple[Emulator, Screen]], files: Files, tmp_path: Path
) -> None:
    """What a running cell, or a thread, tells the page does not make the page's answers wait for that cell."""
    emulator, screen = start()
    screen.pick(files.picked[:1])
    screen.has("picked_0.png")
    run_until(lab, tmp_path / "go", "uploader.select(slice(None))")
    screen.has("1 selected")
    screen.pick(files.picked[1:])
    screen.send(3)
    screen.up(3)
    assert len(stored(emulator)) == 3
    (tmp_path / "go").touch()


@pytest.mark.usefixtures("own_page")
def test_a_cell_that_runs_before_the_line_beside_it_is_there(
    lab: Lab, start: Callable[..., tuple[Emulator, Screen]], files: Files, tmp_path: Path
) -> None:
    """What was said behind a cell is said again by the line beside it, and is done once: files are not there twice."""
    late = Late(lab.page)
    emulator, screen = start()
    screen.pick(files.picked[:1])
    screen.has("picked_0.png")
    run_until(lab, tmp_path / "go")
    screen.pick(files.picked[1:])
    screen.root.get_by_role("paragraph").filter(has_text="Python is running another cell").wait_for()
    late.come()
    screen.send(3)
    screen.up(3)
    (tmp_path / "go").touch()
    lab.until_kernel("len(uploader.results) == 3")
    assert len(lab.value("list(uploader.frame['file'])")) == len(stored(emulator)) == 3


class Late:
    """Keeps back the kernel's answers about subshells: till then, JupyterLab's widgets wait for cells."""

    def __init__(self, page: Page) -> None:
        self._kept: list[tuple[WebSocketRoute, str | bytes]] = []
        page.route_web_socket(re.compile("/channels"), self._route)

    def _route(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if b"create_subshell_reply" in as_bytes(message):
                self._kept.append((socket, message))
            else:
                socket.send(message)

        server.on_message(pass_on)

    def come(self) -> None:
        """Let them come."""
        for socket, message in self._kept:
            socket.send(message)


def as_bytes(message: str | bytes) -> bytes:
    """Give a socket's message as bytes."""
    return message if isinstance(message, bytes) else message.encode()


def test_a_busy_kernel(lab: Lab, start: Callable[..., tuple[Emulator, Screen]], files: Files, tmp_path: Path) -> None:
    """Where widgets wait for cells, the widget says that it does, and goes on by itself when the cell has ended."""
    emulator, screen = start(subshells=False)
    screen.pick(files.picked[:1])
    screen.has("picked_0.png")
    run_until(lab, tmp_path / "go")
    screen.pick(files.picked[1:])
    waits = screen.root.get_by_role("paragraph").filter(has_text="Python is running another cell")
    waits.wait_for()
    (tmp_path / "go").touch()
    waits.wait_for(state="hidden")
    screen.send(3)
    screen.up(3)
    assert len(stored(emulator)) == 3


def test_a_notebook_closed_and_opened_again(
    lab: Lab, start: Callable[..., tuple[Emulator, Screen]], files: Files
) -> None:
    """In the same page: the rows are there, and the files that were picked before are sent."""
    emulator, screen = start()
    screen.pick(files.picked)
    screen.has("picked_2.png")
    lab.save()
    lab.panel("panel.close()")
    until(lambda: not lab.panel("Boolean(panel)"), "the notebook is closed")
    lab.do("docmanager:open", path=lab.path.name)
    lab.idle()
    screen = Screen(lab.page).shown()
    screen.send(3)
    screen.up(3)
    assert len(stored(emulator)) == 3


def test_a_kernel_restarted_while_it_sends(
    lab: Lab, start: Callable[..., tuple[Emulator, Screen]], files: Files
) -> None:
    """The page has the files still: "Resume" settles those that were on their way, and offers the others again.

    Each file is stored once, and `.results` says so.
    """
    emulator, screen = start(UPLOADER.replace("account,", f"account, {SWIFT},"), latency=1.5)
    screen.pick([*files.picked, *files.dropped])
    screen.send(6)
    until(lambda: len([one for one in uploads_of(emulator) if one.get("file")]) >= 2, "two are on their way")
    lab.panel("panel.sessionContext.restartKernel().then(() => null)")
    lab.run_all()
    screen = Screen(lab.page).shown()
    screen.button("Resume").click()
    sent_again = screen.button(re.compile(r"^Upload [1-6] files?$"))
    sent_again.wait_for()
    screen.idle()
    sent_again.click()
    screen.up(6)
    assert sorted(entry["file"]["sha256"] for entry in stored(emulator)) == sorted(files.expected.values())
    lab.until_kernel("len(uploader.results) == 6")
    assert set(lab.value("list(uploader.results['ik_status'])")) <= {"uploaded", "exists"}


def test_a_kernel_that_is_shut_down(lab: Lab, start: Callable[..., tuple[Emulator, Screen]], files: Files) -> None:
    """The widget says that it has stopped, and the file is offered when another one has run the cell."""
    _, screen = start()
    screen.pick(files.picked[:1])
    screen.has("picked_0.png")
    lab.panel("panel.sessionContext.shutdown().then(() => null)")
    screen.has("The kernel has stopped. Start it, then run this cell again to continue.")
    lab.panel("panel.sessionContext.startKernel().then(() => null)")
    lab.idle()
    lab.run_all()
    screen = Screen(lab.page).shown()
    screen.button("Resume").click()
    screen.button("Upload 1 file").wait_for()


@pytest.mark.usefixtures("own_page")
def test_the_work_of_a_content_editor(
    lab: Lab, emulate: Callable[..., Emulator], tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    """A folder of 40 pictures, three of them bad, with tags and metadata, a renamed file, and two reloads.

    No file is lost, and none is stored twice.
    """
    emulator = emulate()
    name = f"{lab.path.stem}.json"
    (lab.path.parent / name).write_text(json.dumps(prepare(emulator)))
    made = f"uploader = ikpipe.Uploader(account, policy=ikpipe.Policy(index_lag=2), **{OPTIONS!r})\nuploader"
    lab.open(notebook(ACCOUNT.format(name=name), made))
    lab.run_all()
    lab.until_kernel("len(uploader.settings['fields']) == 2")
    root = lab.page.get_by_role("region", name=OPTIONS["name"]).first

    def reload(rows: int) -> None:
        lab.save()
        lab.page.reload()
        lab.idle()
        root.get_by_role("button", name=f"All {rows}").wait_for()

    ContentEditor(lab.page, root).work(make_folder(tmp_path, picture), reload)
    check_stored(emulator)
    assert lab.value("len(uploader.results)") == STORED
