"""`metadata_fields` and `create_metadata_fields`: the account's fields, and those that a frame asks for."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pandas as pd
import polars
import pytest

import ikpipe
from ikpipe.frames.schemas import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

DAY = datetime.date(2026, 11, 23)
QUICK = ikpipe.Policy(changes=0)


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (pd.Series([True, False]), {"type": "Boolean"}),
        (pd.Series([True, None], dtype="boolean"), {"type": "Boolean"}),
        (pd.Series([True, None]), {"type": "Boolean"}),
        (pd.Series([1, 2]), {"type": "Number"}),
        (pd.Series([1.5, None]), {"type": "Number"}),
        (pd.Series([1, None], dtype="Int64"), {"type": "Number"}),
        (pd.Series([Decimal("1.5")]), {"type": "Number"}),
        (pd.Series([1, True]), {"type": "Text"}),
        (pd.Series(pd.to_datetime(["2026-11-23", None])), {"type": "Date"}),
        (pd.Series(pd.to_datetime(["2026-11-23"])).dt.tz_localize("UTC"), {"type": "Date"}),
        (pd.Series([DAY, None]), {"type": "Date"}),
        (pd.Series(["a", "b", None]), {"type": "Text"}),
        (pd.Series(["1", "2"]), {"type": "Text"}),
        (pd.Series(["a\nb"]), {"type": "Textarea"}),
        (pd.Series(["x" * 256]), {"type": "Textarea"}),
        (pd.Series([None, None]), {"type": "Text"}),
        (pd.Series([], dtype=float), {"type": "Text"}),
        (pd.Series(["b", "a", None, "b"], dtype="category"), {"type": "SingleSelect", "selectOptions": ["a", "b"]}),
        (pd.Series(pd.Categorical([2, 1])), {"type": "SingleSelect", "selectOptions": [1, 2]}),
        (pd.Series(pd.Categorical([DAY])), {"type": "SingleSelect", "selectOptions": ["2026-11-23"]}),
        (pd.Series([["a", "b"], ["b", "c"], None]), {"type": "MultiSelect", "selectOptions": ["a", "b", "c"]}),
        (pd.Series([np.array([1, 2])]), {"type": "MultiSelect", "selectOptions": [1, 2]}),
    ],
)
def test_a_column_asks_for_a_field(column: Any, wanted: dict[str, Any]) -> None:
    """By its dtype, or by what all of its cells are; numbers that are text stay text."""
    assert schema(column) == wanted


@pytest.fixture
def shop(emulate: Callable[..., Emulator]) -> Emulator:
    """Give an emulator whose account has some fields."""
    emulator = emulate()
    fields: dict[str, dict[str, Any]] = {
        "brand": {"type": "Text"},
        "price": {"type": "Number", "minValue": 0},
        "size": {"type": "SingleSelect", "selectOptions": ["S", "M"]},
    }
    for name, one in fields.items():
        httpx.post(
            f"{emulator.url}/v1/customMetadataFields",
            json={"name": name, "label": name.title(), "schema": one},
            auth=(emulator.private_key, ""),
        ).raise_for_status()
    return emulator


FRAME = pd.DataFrame(
    {
        "file": [b"1", b"2"],
        "brand": ["a\nb", "b"],
        "price": ["1", "2"],
        "size": pd.Categorical(["S", "L"]),
        "sale": [True, False],
        "since": [DAY, DAY],
        "colours": [["red"], ["red", "blue"]],
    }
)
COLUMNS = [*FRAME.columns[1:]]


def test_the_fields_are_a_frame(shop: Emulator) -> None:
    """A row a field; none is an empty frame with the same columns."""
    found = ikpipe.metadata_fields(shop.account)
    assert found.columns.tolist() == ["id", "name", "label", "type", "schema"]
    assert found[["name", "label", "type"]].to_numpy().tolist() == [
        ["brand", "Brand", "Text"],
        ["price", "Price", "Number"],
        ["size", "Size", "SingleSelect"],
    ]
    assert found["schema"][1] == {"type": "Number", "minValue": 0}


def test_an_account_without_fields(emulate: Callable[..., Emulator]) -> None:
    """An empty frame has the same columns."""
    found = ikpipe.metadata_fields(emulate().account)
    assert (len(found), found.columns.tolist()) == (0, ["id", "name", "label", "type", "schema"])


def test_it_shows_what_it_would_do(shop: Emulator) -> None:
    """By default nothing is created: what is there, what is in the way, and what would come."""
    found = ikpipe.create_metadata_fields(FRAME, shop.account, columns=COLUMNS)
    assert found[["name", "type", "ik_change"]].to_numpy().tolist() == [
        ["brand", "Textarea", "exists"],
        ["price", "Text", "exists"],
        ["size", "SingleSelect", "conflict"],
        ["sale", "Boolean", "planned"],
        ["since", "Date", "planned"],
        ["colours", "MultiSelect", "planned"],
    ]
    assert found["ik_change_message"].tolist()[1:3] == [
        "The field's type is Number. `check` reports cells that do not fit.",
        "The field has no option L.",
    ]
    assert len(ikpipe.metadata_fields(shop.account)) == 3


def test_it_does_what_it_showed(shop: Emulator) -> None:
    """What was planned is created, and rows with such metadata go up; a second time there is nothing left to do."""
    made = ikpipe.create_metadata_fields(FRAME, shop.account, columns=COLUMNS, dry_run=False, policy=QUICK)
    assert made["ik_change"].tolist() == ["exists", "exists", "conflict", "done", "done", "done"]
    schemas = ikpipe.metadata_fields(shop.account).set_index("name")["schema"]
    assert [schemas[name]["type"] for name in ("sale", "since", "colours")] == ["Boolean", "Date", "MultiSelect"]
    assert schemas["colours"]["selectOptions"] == ["red", "blue"]
    given = {"custom_metadata": ["sale", "since", "colours"]}
    results = ikpipe.upload(
        FRAME[["file", *given["custom_metadata"]]], shop.account, columns=given, file_name="a", progress=False
    )
    assert results["ik_status"].tolist() == ["uploaded"] * 2
    again = ikpipe.create_metadata_fields(FRAME, shop.account, columns=COLUMNS, dry_run=False, policy=QUICK)
    assert "done" not in set(again["ik_change"])


def test_columns_may_be_named_like_metadata(shop: Emulator) -> None:
    """Without `columns=`, those named `custom_metadata.FIELD` are meant; a field's name may be another's."""
    frame = FRAME.rename(columns={"sale": "custom_metadata.sale", "since": "customMetadata.since"})
    found = ikpipe.create_metadata_fields(frame, shop.account)
    assert found[["name", "column"]].to_numpy().tolist() == [
        ["sale", "custom_metadata.sale"],
        ["since", "customMetadata.since"],
    ]
    named = ikpipe.create_metadata_fields(FRAME, shop.account, columns={"on_sale": "sale"})
    assert named[["name", "column"]].to_numpy().tolist() == [["on_sale", "sale"]]


def test_a_schema_may_say_more(shop: Emulator) -> None:
    """What the user says goes over what the column says."""
    found = ikpipe.create_metadata_fields(
        FRAME.assign(n=[1, 2]),
        shop.account,
        columns=["n", "colours"],
        schemas={"n": {"minValue": 0}, "colours": {"type": "Textarea"}},
    )
    assert found["schema"].tolist() == [{"type": "Number", "minValue": 0}, {"type": "Textarea"}]


def test_a_field_of_another_type_is_in_the_way(shop: Emulator) -> None:
    """A type cannot be changed: that is said, and nothing done."""
    found = ikpipe.create_metadata_fields(FRAME.assign(brand=[1, 2]), shop.account, columns="brand", dry_run=False)
    assert found[["ik_change", "ik_change_message"]].iloc[0].tolist() == [
        "conflict",
        "The field's type is Text, but the column needs Number.",
    ]


def test_what_the_service_refuses_has_failed(shop: Emulator) -> None:
    """With its words; the other fields are created all the same."""
    found = ikpipe.create_metadata_fields(
        FRAME,
        shop.account,
        columns={"_internal_original_created_datetime": "since", "sale": "sale"},
        dry_run=False,
        policy=QUICK,
    )
    assert found["ik_change"].tolist() == ["failed", "done"]
    assert "already exists" in found["ik_change_message"].iloc[0]


def test_a_refused_key_is_an_account_error(shop: Emulator) -> None:
    """As everywhere."""
    wrong = ikpipe.Account(shop.public_key, "private_of_nobody=", api_url=shop.url)
    with pytest.raises(ikpipe.AccountError, match="cannot be authenticated"):
        ikpipe.create_metadata_fields(FRAME, wrong, columns="sale")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (None, "no columns with names such as custom_metadata.FIELD"),
        (["brnd"], "did you mean 'brand'"),
        ({"brand": "brnd"}, "did you mean 'brand'"),
    ],
)
def test_columns_that_are_not_there(columns: Any, words: str) -> None:
    """Before anything is asked of the service."""
    with pytest.raises(ikpipe.MappingError, match=words):
        ikpipe.create_metadata_fields(FRAME, ikpipe.Account("public_shop", "private_shop"), columns=columns)


def test_a_frame_of_another_library(shop: Emulator) -> None:
    """Polars' types are those of their cells."""
    frame = polars.DataFrame({"sale": [True, None], "n": [1, 2], "since": [DAY, None], "colours": [["a"], ["b"]]})
    found = ikpipe.create_metadata_fields(frame, shop.account, columns=frame.columns)
    assert found["type"].tolist() == ["Boolean", "Number", "Date", "MultiSelect"]
