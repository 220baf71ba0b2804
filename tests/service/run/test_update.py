"""`update`: files of the library are changed in place, row by row, and only what differs is sent."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars
import pyarrow as pa
import pytest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

_FOLDERS = count()
SOON = ikpipe.Policy(first_wait=0.01, changes=0, look_ups=0)


@pytest.fixture
def folder() -> str:
    """Return a folder that no other test uses."""
    return f"/update/{next(_FOLDERS)}"


@pytest.fixture
def results(account: Account, folder: str) -> pd.DataFrame:
    """Upload three files with tags."""
    frame = pd.DataFrame({"file": [b"1", b"2", b"3"], "sku": [*"abc"]}, index=[*"xyz"])
    options = {"file_name": "{sku}.txt", "folder": folder, "use_unique_file_name": False, "progress": False}
    return ikpipe.upload(frame, account, tags=["old", "sale"], **options)


@pytest.fixture(scope="module")
def shop(emulator: Emulator) -> Account:
    """Create the account's metadata fields."""
    frame = pd.DataFrame({"brand": ["x"], "price": [1]})
    ikpipe.create_metadata_fields(frame, emulator.account, columns=["brand", "price"], dry_run=False)
    return emulator.account


@pytest.fixture
def writes(emulator: Emulator) -> Callable[[], list[str]]:
    """Give the requests that changed something since the test asked last."""
    since = [len(emulator.log())]

    def ask() -> list[str]:
        entries = emulator.log()[since[0] :]
        since[0] += len(entries)
        return [
            f"{entry['method']} {entry['path'].rpartition('/')[2]}" for entry in entries if entry["method"] != "GET"
        ]

    return ask


def change(frame: Any, account: Account, **options: Any) -> Any:
    """Update without waiting and drawing."""
    return ikpipe.update(frame, account, **{"policy": SOON, "progress": False, **options})


def files(account: Account, folder: str, *columns: str) -> list[Any]:
    """Return details of the files below a folder, in the order of their names."""
    found = ikpipe.files(account, search=f'path : "{folder}/"').sort_values("name")
    rows = found[[*columns]].astype(object).where(found[[*columns]].notna(), None).to_numpy().tolist()
    return [row[0] if len(columns) == 1 else tuple(row) for row in rows]


def outcomes(changed: pd.DataFrame) -> list[tuple[str, Any]]:
    """Return how rows ended, and what their messages say."""
    return list(zip(changed["ik_change"], changed["ik_change_message"], strict=True))


def test_only_what_differs_is_sent(
    results: pd.DataFrame, account: Account, folder: str, writes: Callable[[], list[str]]
) -> None:
    """The same call again sends nothing, in whatever order the tags are."""
    writes()
    changed = change(results, account, tags=["old", "new"], description="{sku} of {ik_size} bytes")
    assert outcomes(changed) == [("done", "Changed: tags, description.")] * 3
    assert files(account, folder, "description") == ["a of 1 bytes", "b of 1 bytes", "c of 1 bytes"]
    assert writes() == ["PATCH details"] * 3
    again = change(results, account, tags="new,old", description="{sku} of {ik_size} bytes")
    assert set(again["ik_change"]) == {"unchanged"}
    assert writes() == []


def test_a_dry_run_changes_nothing(
    results: pd.DataFrame, account: Account, folder: str, writes: Callable[[], list[str]]
) -> None:
    """It says what would be."""
    writes()
    changed = change(results, account, add_tags="new", folder=f"{folder}/b", dry_run=True)
    assert changed["ik_change"].tolist() == ["planned"] * 3
    assert changed["ik_change_message"]["x"] == f"Would change: tag new is added, path {folder}/b/a.txt."
    assert writes() == []


def test_the_frame_stays_as_it_is(results: pd.DataFrame, account: Account) -> None:
    """Index, order and columns are the input's; totals are in its attributes."""
    before = results.copy()
    changed = change(results, account, description="x")
    pd.testing.assert_frame_equal(results, before)
    pd.testing.assert_frame_equal(changed.drop(columns=["ik_change", "ik_change_message"]), before)
    assert changed.attrs["ikpipe"]["changes"] == {"done": 3}


@pytest.mark.parametrize("convert", [polars.from_pandas, pa.Table.from_pandas])
def test_other_libraries(results: pd.DataFrame, account: Account, convert: Callable[[Any], Any]) -> None:
    """A polars DataFrame and a pyarrow Table come back as what they are."""
    table = convert(results[["ik_file_id", "sku"]].reset_index(drop=True))
    changed = change(table, account, description="{sku}")
    assert type(changed) is type(table)
    assert (
        changed["ik_change"].to_pylist()
        if isinstance(changed, pa.Table)
        else changed["ik_change"].to_list() == (["done"] * 3)
    )


@pytest.mark.parametrize("column", ["ik_file_id", "fileId", "file_id", "ik_file_path", "filePath", "file_path"])
def test_files_are_named_by_id_or_path(results: pd.DataFrame, account: Account, folder: str, column: str) -> None:
    """By a column that `upload` or `files` returns."""
    kind = "ik_file_id" if "id" in column.lower() else "ik_file_path"
    change(pd.DataFrame({column: results[kind]}), account, description=column)
    assert files(account, folder, "description") == [column] * 3


def test_files_are_named_by_a_template(results: pd.DataFrame, account: Account, folder: str) -> None:
    """A path that is given explicitly takes precedence over the ids of the table."""
    other = results.assign(ik_file_id=results["ik_file_id"].to_numpy()[[1, 2, 0]])
    change(other, account, file_path=f"{folder}/{{sku}}.txt", description="{sku}")
    assert files(account, folder, "description") == ["a", "b", "c"]


def test_a_listing_is_changed_and_given_back(results: pd.DataFrame, account: Account, folder: str) -> None:
    """What `files` returns has columns like the parameters: only those that were changed differ."""
    listing = ikpipe.files(account, path=folder).sort_values("name")
    assert set(change(listing, account)["ik_change"]) == {"unchanged"}
    listing["tags"] = [["one"], ["old", "sale"], None]
    assert change(listing, account)["ik_change"].tolist() == ["done", "unchanged", "unchanged"]
    assert files(account, folder, "tags") == [["one"], ["old", "sale"], ["old", "sale"]]


def test_tags_are_added_and_removed_in_batches(
    results: pd.DataFrame, account: Account, folder: str, writes: Callable[[], list[str]]
) -> None:
    """One request for all files, and only for those that need it."""
    change(results.iloc[:1], account, add_tags="new")
    writes()
    changed = change(results, account, add_tags=["new"], remove_tags="sale,never")
    assert writes() == ["POST addTags", "POST removeTags"]
    assert changed["ik_change_message"]["x"] == "Changed: tag sale is removed."
    assert [sorted(tags) for tags in files(account, folder, "tags")] == [["new", "old"]] * 3


def test_tags_of_several_columns(results: pd.DataFrame, account: Account, folder: str) -> None:
    """As for uploads."""
    frame = results.assign(season=["a;b", None, "c"], kind=["d", "e", None])
    change(frame, account, columns={"add_tags": ["season", "kind"]}, tag_separator=";")
    new = [{*tags} - {"old", "sale"} for tags in files(account, folder, "tags")]
    assert new == [{"a", "b", "d"}, {"e"}, {"c"}]


def test_custom_metadata(shop: Account, results: pd.DataFrame, folder: str, writes: Callable[[], list[str]]) -> None:
    """Key by key, in the types of the account's fields; an empty cell leaves a value as it is."""
    frame = results.assign(**{"custom_metadata.brand": ["Nike", None, "Puma"], "price": ["1.50", "2", None]})
    changed = change(frame, shop, columns={"custom_metadata": {"price": "price"}})
    assert set(changed["ik_change"]) == {"done"}
    assert files(shop, folder, "customMetadata") == [{"brand": "Nike", "price": 1.5}, {"price": 2}, {"brand": "Puma"}]
    writes()
    unset = change(results, shop, unset=["custom_metadata.brand"])
    assert unset["ik_change"].tolist() == ["done", "unchanged", "done"]
    assert files(shop, folder, "customMetadata") == [{"price": 1.5}, {"price": 2}, {}]
    assert writes() == ["PATCH details"] * 2


def test_details_are_removed(shop: Account, results: pd.DataFrame, folder: str) -> None:
    """All that a file can be without; a row can set one and remove another."""
    change(results, shop, description="x", custom_metadata={"brand": "Nike", "price": 1})
    changed = change(results, shop, unset="tags,custom_metadata,description")
    assert set(changed["ik_change"]) == {"done"}
    assert files(shop, folder, "tags", "customMetadata", "description") == [(None, {}, None)] * 3
    change(results, shop, description="y", unset=["custom_coordinates"])
    assert files(shop, folder, "description") == ["y"] * 3


def test_coordinates_of_an_image(account: Account, folder: str, picture: Callable[..., bytes]) -> None:
    """They are set, changed and removed."""
    frame = pd.DataFrame({"file": [picture()]})
    image = ikpipe.upload(frame, account, file_name="x.png", folder=folder, progress=False)
    for given, kept in (({"custom_coordinates": [0, 0, 2, 2]}, "0,0,2,2"), ({"unset": ["custom_coordinates"]}, None)):
        assert change(image, account, **given)["ik_change"].tolist() == ["done"]
        assert files(account, folder, "customCoordinates") == [kept]


@pytest.mark.parametrize(("drafts", "outcome"), [(True, "done"), (False, "failed")])
def test_publication(emulate: Callable[..., Emulator], outcome: str, *, drafts: bool) -> None:
    """An account that may unpublish does; elsewhere the service's refusal is the row's."""
    account = emulate(drafts=drafts).account
    stored = ikpipe.upload(pd.DataFrame({"file": [b"1"]}), account, file_name="a.txt", progress=False)
    assert change(stored, account, is_published=False)["ik_change"].tolist() == [outcome]
    assert change(stored, account, is_published=not drafts)["ik_change"].tolist() == ["unchanged"]


def test_privacy_can_only_be_uploaded(results: pd.DataFrame, account: Account, writes: Callable[[], list[str]]) -> None:
    """The same value is no change; another one fails before anything of the row is sent, and says what to do."""
    writes()
    assert set(change(results, account, is_private_file="no")["ik_change"]) == {"unchanged"}
    changed = change(results, account, is_private_file=True, description="x")
    assert set(changed["ik_change"]) == {"failed"}
    assert "Upload the file again with is_private_file" in changed["ik_change_message"].iloc[0]
    assert writes() == []


@pytest.mark.parametrize("by", ["ik_file_id", "ik_file_path"])
def test_files_are_renamed_and_moved(results: pd.DataFrame, account: Account, folder: str, by: str) -> None:
    """They keep their ids; the same call again finds them by id, and by path says that they are not there."""
    frame = results[[by, "sku"]]
    changed = change(frame, account, file_name="{sku}{sku}.txt", folder=f"{folder}/{{sku}}")
    assert set(changed["ik_change"]) == {"done"}
    moved = dict(files(account, folder, "filePath", "fileId"))
    assert moved == {
        f"{folder}/{sku}/{sku}{sku}.txt": one for sku, one in zip("abc", results["ik_file_id"], strict=True)
    }
    again = change(frame, account, file_name="{sku}{sku}.txt", folder=f"{folder}/{{sku}}")
    assert set(again["ik_change"]) == {"unchanged" if by == "ik_file_id" else "absent"}


def test_path_sets_folder_and_name(results: pd.DataFrame, account: Account, folder: str) -> None:
    """As for uploads."""
    change(results, account, path=f"{folder}/{{sku}}/{{sku|upper}}.txt")
    assert files(account, folder, "filePath") == [f"{folder}/{sku}/{sku.upper()}.txt" for sku in "abc"]


def test_new_names_are_adjusted(results: pd.DataFrame, account: Account, folder: str) -> None:
    """As those of uploads, and the row says so; a file whose name equals that is not renamed."""
    changed = change(results, account, file_name="{sku} 1.txt")
    assert "is sent as" in changed["ik_change_message"]["x"]
    assert files(account, folder, "name") == ["a_1.txt", "b_1.txt", "c_1.txt"]
    assert set(change(results, account, file_name="{sku} 1.txt")["ik_change"]) == {"unchanged"}


def test_no_file_is_replaced(
    results: pd.DataFrame, account: Account, folder: str, writes: Callable[[], list[str]]
) -> None:
    """Where a file has the new path, nothing of the row is sent."""
    frame, before = results.iloc[:1], files(account, folder, "filePath", "fileId", "description")
    writes()
    changed = change(frame, account, file_name="b.txt", description="x")
    assert outcomes(changed) == [("failed", f'There is a file at "{folder}/b.txt" already; it is not replaced.')]
    assert writes() == []
    assert files(account, folder, "filePath", "fileId", "description") == before


def test_two_rows_get_one_path(results: pd.DataFrame, account: Account, folder: str) -> None:
    """The later row fails."""
    changed = change(results, account, file_name="x.txt", folder=f"{folder}/b")
    assert changed["ik_change"].tolist() == ["done", "failed", "failed"]
    assert changed["ik_change_message"]["y"] == f'Row "x" has the path "{folder}/b/x.txt" already.'


def test_two_rows_name_one_file(results: pd.DataFrame, account: Account) -> None:
    """The later row fails, also if one names it by id and the other by path."""
    frame = pd.DataFrame(
        {
            "fileId": [results["ik_file_id"]["x"], None, results["ik_file_id"]["y"]],
            "filePath": [None, results["ik_file_path"]["x"], None],
        }
    )
    changed = change(frame, account, description="x")
    assert changed["ik_change"].tolist() == ["done", "failed", "done"]
    assert changed["ik_change_message"][1].startswith("Row 0 changes the same file.")


def test_rows_without_a_file(results: pd.DataFrame, account: Account) -> None:
    """No id, no file of that id, no file at that path, nothing to change."""
    ids = [None, "65f0c1d2e3a4b5c6d7e8f901", "no-id", results["ik_file_id"]["x"]]
    frame = pd.DataFrame({"file_id": ids, "description": ["x", "x", "x", None]})
    assert change(frame, account)["ik_change"].tolist() == ["none", "absent", "absent", "none"]
    frame = pd.DataFrame({"file_path": ["/not/there.txt", results["ik_file_path"]["x"][1:]]})
    assert change(frame, account, description="x")["ik_change"].tolist() == ["absent", "done"]


def test_an_empty_frame(account: Account) -> None:
    """It has the two columns too."""
    changed = change(pd.DataFrame({"ik_file_id": pd.Series([], dtype=str)}), account, description="x")
    assert changed.columns.tolist() == ["ik_file_id", "ik_change", "ik_change_message"]


def test_more_rows_than_a_search_takes(account: Account, folder: str) -> None:
    """Searches are shared: 50 rows by id take three of 20, and one request tags all."""
    frame = pd.DataFrame({"file": [str(n).encode() for n in range(60)]})
    stored = ikpipe.upload(frame, account, file_name="x.txt", folder=folder, progress=False)
    changed = change(stored, account, add_tags="new")
    assert set(changed["ik_change"]) == {"done"}
    assert files(account, folder, "tags") == [["new"]] * 60
