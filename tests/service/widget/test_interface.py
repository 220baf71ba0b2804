"""The uploader's Python interface: traits, attributes, `repr`, name and language."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
import traitlets
from browsers import Browser

import ikpipe
from ikpipe.widget import assets

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator


class Holder(traitlets.HasTraits):
    """Something that a trait can be linked to."""

    value = traitlets.Any()


@pytest.mark.parametrize("name", ["frame", "selection", "results"])
def test_the_tables_are_read_only_traits(account: ikpipe.Account, name: str) -> None:
    """They can be linked, and not set."""
    uploader = ikpipe.Uploader(account, pd.DataFrame({"file": [b"x"], "file_name": ["a.txt"]}))
    holder = Holder()
    traitlets.dlink((uploader, name), (holder, "value"), lambda table: [*table.columns])
    assert holder.value == [*getattr(uploader, name).columns]
    with pytest.raises(traitlets.TraitError, match=f'The "{name}" trait is read-only'):
        setattr(uploader, name, pd.DataFrame())


def test_a_linked_table_follows(account: ikpipe.Account) -> None:
    """As any trait's value."""
    uploader, holder = ikpipe.Uploader(account), Holder()
    traitlets.dlink((uploader, "results"), (holder, "value"), lambda table: [*table["ik_status"]])
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x", "b.txt": b"y"})
        uploader.send()
        browser.wait_idle()
        browser.wait(lambda: holder.value == ["uploaded", "uploaded"])
    assert holder.value == ["uploaded", "uploaded"]


def test_a_table_can_be_linked_both_ways(account: ikpipe.Account) -> None:
    """A link does not raise when it is made."""
    uploader, holder = ikpipe.Uploader(account, pd.DataFrame({"file": [b"x"]}), file_name="a.txt"), Holder()
    traitlets.link((uploader, "selection"), (holder, "value"))
    assert len(holder.value) == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder", r"has no attribute 'folder'. Pass it when you create the uploader: Uploader\(account, folder=…\)."),
        ("tags", r"Uploader\(account, tags=…\)"),
        ("decimal", r"Uploader\(account, decimal=…\)"),
        ("on_existing", r"Uploader\(account, on_existing=…\)"),
        ("name", r"Uploader\(account, name=…\)"),
        ("language", r"Uploader\(account, language=…\)"),
        ("selektion", r"has no attribute 'selektion' \(did you mean 'selection'\?\)."),
        ("foldr", r"has no attribute 'foldr' \(did you mean 'folder'\?\)."),
        ("xyzzy", r"has no attribute 'xyzzy'.$"),
    ],
)
def test_an_unknown_attribute_is_refused(account: ikpipe.Account, name: str, message: str) -> None:
    """Otherwise it would have no effect, without a word."""
    uploader = ikpipe.Uploader(account)
    with pytest.raises(AttributeError, match=message):
        setattr(uploader, name, "x")


def test_a_widget_s_own_traits_can_be_set(account: ikpipe.Account) -> None:
    """Such as its layout."""
    uploader = ikpipe.Uploader(account)
    uploader.layout.width = "50%"
    uploader.tooltip = "Pictures"
    assert uploader.tooltip == "Pictures"


def test_the_repr_counts(account: ikpipe.Account) -> None:
    """It has the name and the files by their states."""
    assert repr(ikpipe.Uploader(account)) == "Uploader(no files)"
    uploader = ikpipe.Uploader(account, name="Autumn")
    assert repr(uploader) == "Uploader('Autumn', no files)"
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x"})
        assert repr(uploader) == "Uploader('Autumn', 1 file: 1 ready)"
        browser.pick({"b.txt": b"x", "c.txt": b""})
        assert repr(uploader) == "Uploader('Autumn', 3 files: 1 invalid, 2 ready)"


def test_pages_get_the_name(account: ikpipe.Account) -> None:
    """It is their title; without one, there is none."""
    assert ikpipe.Uploader(account, name="Autumn").settings["name"] == "Autumn"
    assert ikpipe.Uploader(account).settings["name"] == ""


def test_pages_get_the_labels_of_metadata_fields(emulate: Callable[..., Emulator]) -> None:
    """People know fields by their labels."""
    emulator = emulate()
    account, schema = emulator.account, {"type": "Number", "minValue": 0, "maxValue": 10_000}
    field = {"name": "price", "label": "Price (EUR)", "schema": schema}
    reply = httpx.post(f"{account.api_url}/v1/customMetadataFields", json=field, auth=(str(account.key()), ""))
    reply.raise_for_status()
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.wait(lambda: uploader.settings["fields"])
        browser.pick({"a.txt": b"x"})
        browser.edit(["b0"], "custom_metadata.price", -5)
        problem = browser.rows["b0"]["problems"][0]
    assert uploader.settings["fields"][0] == {**schema, "name": "price", "label": "Price (EUR)"}
    assert problem["message"] == "Price (EUR) must be between 0 and 10,000, not -5."
    assert problem["reason"]["values"] == {"label": "Price (EUR)", "min": 0, "max": 10_000}


@pytest.mark.parametrize("language", ["de", "de-AT", "DE_de"])
def test_the_language_can_be_chosen(account: ikpipe.Account, language: str) -> None:
    """The script has it; other uploaders follow the notebook's."""
    uploader: Any = ikpipe.Uploader(account, language=language)
    assert 'const CHOSEN_LANGUAGE = "de";' in uploader.get_state()["_esm"]
    other: Any = ikpipe.Uploader(account)
    assert 'const CHOSEN_LANGUAGE = "";' in other.get_state()["_esm"]


@pytest.mark.parametrize("language", ["fr", "", "english", 3])
def test_an_unknown_language_is_refused(account: ikpipe.Account, language: Any) -> None:
    """The error names those that there are."""
    with pytest.raises(ikpipe.MappingError, match=r"^language=.+: Use one of en, de\.$"):
        ikpipe.Uploader(account, language=language)


def test_every_language_can_be_chosen() -> None:
    """The names are those of the files."""
    files = (path.stem for path in (Path(assets.__file__).parent / "static" / "languages").glob("*.js"))
    assert {*files} - {"chosen", "numbers"} == {*assets.LANGUAGES}


def test_a_change_of_the_tables_has_a_revision(account: ikpipe.Account) -> None:
    """A page sets the trait of this name to it: marimo runs dependent cells again if a page sets a trait."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        before = uploader.summary["revision"]
        browser.pick({"a.txt": b"x"})
        browser.wait(lambda: uploader.summary["revision"] > before)
        before = uploader.summary["revision"]
        browser.say(type="select", ids=["b0"])
        browser.wait(lambda: uploader.summary["revision"] > before)
        uploader.set_state({"revision": uploader.summary["revision"]})
    assert uploader.revision == uploader.summary["revision"]


def saved(uploader: Any) -> str:
    """Return the HTML that a saved notebook has."""
    data, _ = uploader._repr_mimebundle_()
    assert {*data} == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    return str(data["text/html"])


def test_a_saved_notebook_shows_the_rows(account: ikpipe.Account) -> None:
    """Where there are no widgets, such as on a code host: their names, states and details, as text."""
    names = ["a<b>.txt", *(f"{number}.txt" for number in range(30))]
    frame = pd.DataFrame({"file": [b"x"] * 31, "file_name": names})
    html = saved(ikpipe.Uploader(account, frame, name="Autumn & more", folder="/in", tags=["x", "y"]))
    assert "<strong>Autumn &amp; more</strong><br>31 files: 31 ready" in html
    assert "<td>a_b_.txt</td><td>/in</td><td>x, y</td><td>ready</td>" in html
    assert html.count("<td>/in</td>") == 20
    assert "and 11 more" in html


def test_a_saved_notebook_shows_no_key(account: ikpipe.Account) -> None:
    """Nor scripts or links, even if a name looks like one."""
    frame = pd.DataFrame({"file": [b"x"], "file_name": ["<script>.txt"], "description": ["d"]})
    html = saved(ikpipe.Uploader(account, frame))
    assert str(account.key()) not in html
    assert "<script" not in html
    assert "href" not in html


def test_a_saved_notebook_without_files_says_so(account: ikpipe.Account) -> None:
    """And how to go on."""
    assert saved(ikpipe.Uploader(account)) == (
        "<p><strong>ikpipe uploader</strong><br>No files</p><p><em>Run this cell to use the uploader.</em></p>"
    )


def test_a_large_table_is_not_validated_to_be_saved(account: ikpipe.Account) -> None:
    """A page does that later; only the number of rows is saved."""
    frame = pd.DataFrame({"file": [b"x"] * 3_000, "file_name": "a.txt"})
    html = saved(ikpipe.Uploader(account, frame))
    assert "3,000 files: 3,000 ready" in html
    assert "<table" not in html
