"""The edited table: `ikpipe.upload` uploads the same rows as the widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from browsers import Browser

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

FRAME = pd.DataFrame(
    {
        "sku": ["a1", "a2", "a3"],
        "image": [b"one", b"two", b"three"],
        "category": ["shoes", None, "hats"],
        "brand": ["x", "y", None],
        "price": [12.0, None, 13.0],
    }
)


def sent(arrived: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the uploads that arrived, sorted and without the suffixes of names."""
    fields = [{**one["fields"], "sha": one["file"]["sha256"]} for one in arrived()]
    for one in fields:
        one["fileName"] = one["fileName"].rpartition("_")[0] or one["fileName"]
    return sorted(fields, key=str)


@pytest.mark.parametrize(
    ("given", "column", "value"),
    [
        ({}, "folder", "/edited"),
        ({"folder": "/{brand}x/"}, "folder", "edited"),
        ({"columns": {"folder": "brand"}}, "folder", "edited"),
        ({"tags": ["all"]}, "tags", ["p", "q"]),
        ({"columns": {"tags": ["category", "brand"]}}, "tags", ["p", "q"]),
        ({"columns": {"tags": "category"}, "tags": ["all"]}, "tags", ["p"]),
        ({"file_name": "{sku}-{price}.jpg"}, "file_name", "new.jpg"),
        ({"columns": {"file_name": "sku"}}, "file_name", "new.jpg"),
        ({}, "description", "line one\nline two"),
        ({"is_private_file": True}, "is_private_file", False),
        ({}, "custom_coordinates", "1,2,3,4"),
        ({}, "custom_metadata.brand", "edited"),
        ({"columns": {"custom_metadata": ["brand", "category"]}}, "custom_metadata.brand", "edited"),
        ({"columns": {"custom_metadata": {"brand": "brand"}}}, "custom_metadata.category", "edited"),
        ({"custom_metadata": {"brand": "all", "category": "all"}}, "custom_metadata.brand", "edited"),
    ],
)
def test_frame_and_mapping_do_the_same(
    account: ikpipe.Account,
    emulate: Callable[..., Emulator],
    given: dict[str, Any],
    column: str,
    value: Any,
) -> None:
    """An edit overrides the mapping in its row only, and `upload` of frame and mapping sends the same."""
    from doubles import uploads_of

    emulator = emulate()
    for name in ("brand", "category"):
        emulator_field(emulator, name)
    given = {"file_name": "n.jpg", **given, "columns": {"file": "image", **given.get("columns", {})}}
    uploader = ikpipe.Uploader(emulator.account, FRAME, **given)
    with Browser(uploader) as browser:
        browser.edit(["r1"], column, value)
        assert not browser.errors()
        uploader.send()
        states = browser.wait_idle()
    assert states["r1"] == "uploaded", browser.rows["r1"]
    by_widget = sent(lambda: uploads_of(emulator))
    before = len(emulator.log())
    uploader.frame.pipe(ikpipe.upload, emulator.account, **uploader.mapping, progress=False)
    by_hand = sent(lambda: uploads_of(emulator, before))
    assert by_widget == by_hand
    wire = {"folder": "folder", "tags": "tags", "file_name": "fileName", "description": "description"}.get(column)
    if wire is not None:
        assert sum(one.get(wire) == (",".join(value) if wire == "tags" else value) for one in by_hand) == 1 or (
            wire == "fileName"
        )


def test_edits_of_an_ignored_column_are_sent(account: ikpipe.Account, arrived: Callable[[], Any]) -> None:
    """The other rows still have none of its values."""
    frame = FRAME.assign(tags=["secret", "secret", "secret"])
    uploader = ikpipe.Uploader(account, frame, columns={"file": "image"}, ignore=["tags"], file_name="{sku}.jpg")
    with Browser(uploader) as browser:
        browser.edit(["r1"], "tags", ["p", "q"])
        assert not browser.errors()
        uploader.send()
        browser.wait_idle()
    tags = {one["fields"]["fileName"][:2]: one["fields"].get("tags") for one in arrived()}
    assert tags == {"a1": None, "a2": "p,q", "a3": None}
    assert "ignore" not in uploader.mapping


def emulator_field(emulator: Emulator, name: str) -> None:
    """Create a metadata field."""
    import httpx

    account = emulator.account
    httpx.post(
        f"{account.api_url}/v1/customMetadataFields",
        json={"name": name, "label": name, "schema": {"type": "Text"}},
        auth=(str(account.key()), ""),
    ).raise_for_status()


def test_the_input_is_never_changed(account: ikpipe.Account) -> None:
    """Edits are in another frame, with the input's labels and dtypes."""
    frame = FRAME.set_index("sku")
    before = frame.copy(deep=True)
    uploader = ikpipe.Uploader(account, frame, columns={"file": "image"}, file_name="n.jpg")
    with Browser(uploader) as browser:
        browser.edit(["r0"], "folder", "/x")
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(uploader.frame[list(frame.columns)], before)
    assert uploader.frame["folder"].tolist() == ["/x", None, None]


def test_null_resets_an_edit(account: ikpipe.Account) -> None:
    """The row has the values of the mapping again."""
    uploader = ikpipe.Uploader(account, FRAME, columns={"file": "image", "folder": "brand"}, file_name="n.jpg")
    with Browser(uploader) as browser:
        browser.edit(["r0"], "folder", "/x")
        assert browser.rows["r0"]["folder"] == "/x"
        browser.edit(["r0"], "folder", None)
        assert browser.rows["r0"]["folder"] == "x"
    assert "folder" not in uploader.frame.columns


def test_numbers_look_as_in_the_whole_table(account: ikpipe.Account) -> None:
    """A number is formatted by all rows of its column: 12, although a missing cell made it 12.0."""
    uploader = ikpipe.Uploader(account, FRAME, columns={"file": "image"}, file_name="{price}.jpg")
    with Browser(uploader) as browser:
        assert browser.rows["r0"]["name"] == "12.jpg"
        browser.pick({"a.txt": b"x"})
        browser.edit(["r0"], "folder", "/x")
        assert browser.rows["r0"]["name"] == "12.jpg"
    other = ikpipe.Uploader(
        account, FRAME.assign(price=[12.0, 1.5, None]), columns={"file": "image"}, file_name="{price}.j"
    )
    with Browser(other) as browser:
        browser.edit(["r0"], "folder", "/x")
        assert browser.rows["r0"]["name"] == "12.0.j"


def test_picked_files_are_rows_below_the_inputs(account: ikpipe.Account) -> None:
    """Their cells represent the files, sizes and types have columns, and labels continue those of the input."""
    uploader = ikpipe.Uploader(account, FRAME, columns={"file": "image"}, file_name="n.jpg", folder="/all")
    with Browser(uploader) as browser:
        browser.pick({"trip/a.png": b"xyz"})
    frame = uploader.frame
    assert list(frame.index) == [0, 1, 2, 3]
    assert frame.iloc[3][["size", "type", "folder"]].tolist() == [3, "image/png", "/all/trip"]
    assert frame.iloc[3]["file"].startswith("browser://")
    assert frame["sku"].tolist()[:3] == ["a1", "a2", "a3"]


def test_only_a_browser_can_upload_a_picked_file(account: ikpipe.Account) -> None:
    """`upload` cannot read the file of such a cell: the row is invalid."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick({"a.png": b"xyz"})
    results = uploader.frame.pipe(ikpipe.upload, account, **uploader.mapping, progress=False)
    assert results[["ik_status", "ik_error"]].to_numpy().tolist() == [["invalid", "bad_url"]]


def test_files_below_a_root_are_rows(account: ikpipe.Account, tmp_path: Any) -> None:
    """Without a frame, the rows are the folder's files, in their subfolders and without hidden ones."""
    (tmp_path / "trip").mkdir()
    (tmp_path / "a.txt").write_bytes(b"a")
    (tmp_path / "trip" / "b.txt").write_bytes(b"b")
    (tmp_path / ".hidden").write_bytes(b"c")
    uploader = ikpipe.Uploader(account, root=tmp_path, folder="/all")
    with Browser(uploader) as browser:
        assert [(row["name"], row["folder"], row["source"]) for row in browser.rows.values()] == [
            ("a.txt", "/all", "file"),
            ("b.txt", "/all/trip", "file"),
        ]
        uploader.send()
        assert set(browser.wait_idle().values()) == {"uploaded"}
