"""Tables that were dropped in a page: their columns, and their rows."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from browsers import Browser

import ikpipe

if TYPE_CHECKING:
    from pathlib import Path


def read(browser: Browser, content: str | bytes, name: str = "products.csv", part: int = 700_000) -> dict[str, Any]:
    """Send a table in parts, and return what its columns are."""
    content = content.encode() if isinstance(content, str) else content
    for at in range(0, len(content), part):
        browser.say(type="table_part", key="t", data=base64.b64encode(content[at : at + part]).decode())
    browser.say(type="read_table", request="r", key="t", name=name)
    return browser.last("table")


def add(browser: Browser, content: str | bytes, uses: list[str] | None = None, **options: Any) -> dict[str, Any]:
    """Add the rows of a table; by default, its columns are what they seem to be."""
    table = read(browser, content, **options)
    uses = uses or [column["use"] for column in table["columns"]]
    browser.say(type="add_table", request="a", key="t", uses=uses, step="s")
    return browser.last("table_added")


def pick(browser: Browser, *names: str, path: str = "") -> None:
    """Add files."""
    files = [{"key": f"{path}{name}", "name": name, "path": path, "size": 5, "type": "image/png"} for name in names]
    browser.say(type="add", request="p", files=files)


@pytest.mark.parametrize(
    ("header", "row", "uses"),
    [
        ("file,fileName,tags,folder", "a.png,b,x,/y", ["file", "file_name", "tags", "folder"]),
        ("Image URL,Tags,Price", "https://a.example/x.jpg,x,1", ["file", "tags", ""]),
        ("File Name,Folder,description", "a.png,/x,y", ["file_name", "folder", "description"]),
        (
            "file,custom_metadata.brand,customMetadata.price",
            "a.png,A,1",
            ["file", "custom_metadata.brand", "custom_metadata.price"],
        ),
        ("picture,season,sku", "a.png,x,1", ["file", "tags", ""]),
        ("file,file,webhook_url,use_unique_file_name", "a.png,b.png,https://x,false", ["file", "", "", ""]),
    ],
)
def test_columns_are_guessed_by_the_rules_of_frames(
    header: str, row: str, uses: list[str], account: ikpipe.Account
) -> None:
    """By the uploader's own mapping, then by names; what sets who is notified, or how names are made, is never used."""
    frame = pd.DataFrame({"picture": [b"x"], "season": ["autumn"], "file_name": ["x.txt"]})
    mapped = {"frame": frame, "columns": {"tags": ["season"], "file": "picture"}}
    uploader = ikpipe.Uploader(account, **(mapped if "season" in header else {}))
    with Browser(uploader) as browser:
        table = read(browser, f"{header}\n{row}\n")
    assert [column["use"] for column in table["columns"]] == uses
    assert table["rows"] == 1
    assert table["columns"][0]["example"] == row.split(",", maxsplit=1)[0]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("file;description\na.png;Grün\n".encode(), "a.csv"),
        ("file\tdescription\na.png\tGrün\n".encode(), "a.tsv"),
        ("\ufefffile,description\r\na.png,Grün\r\n".encode(), "a.csv"),
        ("file,description\na.png,Grün\n".encode("utf-16"), "a.csv"),
    ],
)
def test_encodings_and_separators_are_those_of_the_reader(content: bytes, name: str, account: ikpipe.Account) -> None:
    """As for `ikpipe upload`."""
    with Browser(ikpipe.Uploader(account)) as browser:
        columns = read(browser, content, name, part=7)["columns"]
    assert [(column["name"], column["example"]) for column in columns] == [("file", "a.png"), ("description", "Grün")]


def test_rows_with_urls_become_rows(account: ikpipe.Account) -> None:
    """With their details; each refused row is named as a spreadsheet numbers it."""
    content = (
        "file,file_name,folder,tags,custom_metadata.brand\n"
        'https://a.example/x y.jpg,one.jpg,/f,"red, blue",A\n'
        "data:text/plain;base64,eA==,x.txt,,,\n"
        ",nothing.jpg,,,\n"
        "https://a.example/two.jpg,,,,\n"
    )
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        added = add(browser, content)
        assert added["ids"] == ["r0", "r1"]
        assert (added["joined"], added["waiting"], added["refused"]) == (0, 0, 2)
        assert added["named"] == [{"row": 3, "text": "data:text/plain;base64"}, {"row": 4, "text": ""}]
        row = browser.rows["r0"]
        assert (row["name"], row["folder"], row["tags"], row["metadata"]) == (
            "one.jpg",
            "/f",
            ["red", "blue"],
            {"brand": "A"},
        )
        browser.say(type="remove", ids=["r1"])
        assert len(browser.rows) == 1
    assert uploader.frame["file"].tolist() == ["https://a.example/x%20y.jpg"]


@pytest.mark.parametrize(
    "file",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "secret.txt",
        "../secret.txt",
        "s3://bucket/secret.txt",
        "browser://s/b0/secret.txt",
    ],
)
def test_a_path_is_never_read(file: str, account: ikpipe.Account, tmp_path: Path) -> None:
    """Not even below the root of the uploader."""
    (tmp_path / "secret.txt").write_bytes(b"x")
    uploader = ikpipe.Uploader(account, pd.DataFrame({"file": ["secret.txt"]}), root=tmp_path)
    with Browser(uploader) as browser:
        added = add(browser, f"file,description\n{file},x\n")
        assert added["ids"] == []
    assert len(uploader.frame) == 1


def test_rows_of_files_in_the_list_give_them_details(account: ikpipe.Account) -> None:
    """As one step, which can be undone; a name in another case is the same, an empty cell changes nothing."""
    with Browser(ikpipe.Uploader(account)) as browser:
        pick(browser, "A.png", "b.png")
        browser.say(type="edit", request="e", ids=["b1"], column="description", value="kept")
        added = add(browser, "file,description,tags\na.png,First,x\nb.png,,y\n")
        assert (added["joined"], added["waiting"]) == (2, 0)
        assert [row["description"] for row in browser.rows.values()] == ["First", "kept"]
        assert [row["tags"] for row in browser.rows.values()] == [["x"], ["y"]]
        browser.say(type="undo", request="u")
        assert "tags" not in browser.rows["b0"]
        assert "description" not in browser.rows["b0"]


def test_rows_wait_for_files_that_are_picked_later(account: ikpipe.Account) -> None:
    """Each file gets the row with its folder, if there is one; other pages know how many wait."""
    with Browser(ikpipe.Uploader(account)) as browser:
        added = add(browser, "file,description\nred/a.png,Red\nblue/a.png,Blue\nC:\\pictures\\b.png,B\nc.png,C\n")
        assert (added["joined"], added["waiting"]) == (0, 4)
        assert browser.last("waiting") == {
            "type": "waiting",
            "files": 4,
            "names": ["red/a.png", "blue/a.png", "C:/pictures/b.png"],
        }
        pick(browser, "a.png", path="all/blue")
        pick(browser, "a.png", "b.png")
        assert [row["description"] for row in browser.rows.values()] == ["Blue", "Red", "B"]
        browser.say(type="hello", view="w")
        assert browser.last("waiting")["files"] == 1
        browser.say(type="forget_waiting")
        assert browser.last("waiting")["files"] == 0
        pick(browser, "c.png")
        assert "description" not in browser.rows["b3"]


def test_columns_can_be_changed(account: ikpipe.Account) -> None:
    """Several columns of tags are joined."""
    with Browser(ikpipe.Uploader(account, tag_separator=";")) as browser:
        add(browser, "x,y,z\nhttps://a.example/a.png,r;s,t\n", ["file", "tags", "tags"])
        assert browser.rows["r0"]["tags"] == ["r", "s", "t"]


@pytest.mark.parametrize("content", [b"", b'file,file_name\n"a', b"\x00\x01\x02"])
def test_what_is_not_a_table_is_an_error(content: bytes, account: ikpipe.Account) -> None:
    """With what is wrong, and without a path of this machine."""
    with Browser(ikpipe.Uploader(account)) as browser:
        browser.say(type="table_part", key="t", data=base64.b64encode(content).decode())
        browser.say(type="read_table", request="r", key="t", name="products.csv")
        errors = browser.all("error")
        tables = browser.all("table")
        assert (errors and errors[-1]["request"] == "r") or tables[-1]["rows"] == 0


@pytest.mark.parametrize(
    "message",
    [
        {"type": "table_part", "key": "t", "data": "no base64!"},
        {"type": "table_part", "key": "t", "data": "A" * 1_000_004},
        {"type": "table_part", "key": 1, "data": ""},
        {"type": "add_table", "request": "x", "key": "t", "uses": ["file", "webhook_url"]},
        {"type": "add_table", "request": "x", "key": "t", "uses": ["file", "file"]},
        {"type": "add_table", "request": "x", "key": "t", "uses": ["tags"]},
        {"type": "add_table", "request": "x", "key": "other", "uses": ["file"]},
        {"type": "add_table", "request": "x", "key": "t", "uses": ["file", "use_unique_file_name"]},
    ],
)
def test_an_invalid_message_adds_nothing(message: dict[str, Any], account: ikpipe.Account) -> None:
    """Pages are not trusted."""
    with Browser(ikpipe.Uploader(account)) as browser:
        read(browser, "file,x\nhttps://a.example/a.png,1\n")
        browser.say(**message)
        assert browser.last("error")["reason"] == "message"
        assert browser.rows == {}


def test_a_table_has_a_limit(account: ikpipe.Account) -> None:
    """Of 32 MB: beyond, it is forgotten."""
    with Browser(ikpipe.Uploader(account)) as browser:
        data = base64.b64encode((b"a," + b"b" * 9_997 + b"\n") * 70).decode()
        for _ in range(50):
            browser.say(type="table_part", key="t", data=data)
        browser.say(type="read_table", request="r", key="t", name="a.csv")
        assert browser.last("table")["rows"] * 10_000 < 32_000_000


def test_another_encoding_is_chosen_after_an_error(account: ikpipe.Account) -> None:
    """The table is not sent again for it."""
    content = "file,description\na.png,Grün\n".encode("cp1252")
    with Browser(ikpipe.Uploader(account)) as browser:
        browser.say(type="table_part", key="t", data=base64.b64encode(content).decode())
        browser.say(type="read_table", request="r", key="t", name="products.csv")
        assert "products.csv" in browser.last("error")["message"]
        browser.say(type="read_table", request="q", key="t", name="products.csv", encoding="cp1252")
        assert browser.last("table")["columns"][1]["example"] == "Grün"
