"""A notebook in a real JupyterLab, as a person has it before them: opened, run, asked, saved."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import nbformat
from places import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from places import Place
    from playwright.sync_api import Page, ViewportSize, WebError

# The notebook's panel, wherever the focus is.
PANEL = """const app = window.jupyterapp;
    const panel = app && [...app.shell.widgets("main")].find((one) => one.context && one.context.path === name);"""

READY = f"""(name) => Promise.race([new Promise((later) => setTimeout(later, 5000, false)), (async () => {{
    {PANEL}
    if (!panel) return false;
    await panel.context.ready;
    await panel.sessionContext.ready;
    const kernel = panel.sessionContext.session && panel.sessionContext.session.kernel;
    if (!kernel || kernel.connectionStatus !== "connected") return false;
    await kernel.info;
    app.shell.activateById(panel.id);
    return app.shell.currentWidget === panel && kernel.status === "idle";
}})()])"""

# Run in the kernel without a cell: what it printed, or its error.
ASK = f"""async ([name, code]) => {{
    {PANEL}
    const future = panel.sessionContext.session.kernel.requestExecute({{code, store_history: false}});
    let said = "", error = null;
    future.onIOPub = (message) => {{
        const {{content, header}} = message;
        if (header.msg_type === "stream") said += content.text;
        if (header.msg_type === "error") error = content.ename + ": " + content.evalue;
    }};
    await future.done;
    return {{said, error}};
}}"""


SIZE: ViewportSize = {"width": 1280, "height": 900}


@contextmanager
def without_errors(page: Page) -> Iterator[None]:
    """Hold that nothing in a page ends with an error that nobody caught."""
    errors: list[str] = []

    def note(error: WebError) -> None:
        if "ServiceWorker" not in str(error.error):  # of the application around us, whose server has ended
            errors.append(str(error.error))

    page.context.on("weberror", note)
    yield
    page.context.remove_listener("weberror", note)
    assert not errors


def notebook(*sources: str) -> nbformat.NotebookNode:
    """Make a notebook of code cells."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


class Lab:
    """One notebook, open in a JupyterLab.

    Parameters
    ----------
    page
        The browser's page.
    place
        The server.
    name
        The notebook's file name, of its own: servers are shared by tests.
    """

    def __init__(self, page: Page, place: Place, name: str) -> None:
        self.page, self._place, self._name = page, place, name

    @property
    def path(self) -> Path:
        """Where the notebook's file is."""
        return self._place.folder / self._name

    def open(self, content: nbformat.NotebookNode) -> None:
        """Write the notebook, open it alone, and wait until its kernel is there."""
        nbformat.write(content, self.path)
        self.page.goto(f"{self._place.url}/doc/tree/{quote(self._name)}?token={self._place.token}")
        self.idle()

    def idle(self) -> None:
        """Wait until the notebook is there and its kernel has nothing to do."""
        until(lambda: self.page.evaluate(READY, self._name), "the kernel is idle", 90)

    def do(self, command: str, **arguments: Any) -> None:
        """Carry out one of JupyterLab's commands."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)", [command, arguments]
        )

    def run_all(self) -> None:
        """Run all cells to their end; raise what one of them raised."""
        self.do("notebook:run-all-cells")
        self.idle()
        assert "Traceback" not in self.page.locator(".jp-Notebook").inner_text()

    def start_all(self) -> None:
        """Have all cells run, and go on."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def ask(self, code: str) -> str:
        """Run code in the kernel, in no cell, and give what it printed."""
        answer = self.page.evaluate(ASK, [self._name, code])
        assert not answer["error"], answer["error"]
        return str(answer["said"])

    def value(self, expression: str) -> Any:
        """Give the value of a Python expression that JSON can hold."""
        return json.loads(self.ask(f"import json; print(json.dumps({expression}, default=str))"))

    def save(self) -> str:
        """Save the notebook, and give its text."""
        self.do("docmanager:save")
        return self.path.read_text("utf-8")

    def cells(self) -> int:
        """Count the cells."""
        return int(self.panel("panel.content.widgets.length"))

    def panel(self, script: str) -> Any:
        """Give the value of a script's expression about the notebook's panel."""
        return self.page.evaluate(f"(name) => {{ {PANEL} return {script}; }}", self._name)

    def shut(self) -> None:
        """End the notebook's kernel."""
        for session in self._place.ask("GET", "/api/sessions"):
            if session["path"] == self._name:
                self._place.ask("DELETE", f"/api/sessions/{session['id']}")

    def kernel_id(self) -> str:
        """Name the kernel."""
        sessions = self._place.ask("GET", "/api/sessions")
        return next(str(session["kernel"]["id"]) for session in sessions if session["path"] == self._name)

    def until_kernel(self, condition: str) -> None:
        """Wait until an expression is true in the kernel."""
        until(lambda: self.value(f"bool({condition})"), condition)
