"""Custom metadata fields: their schemas, and the values in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, refused

if TYPE_CHECKING:
    from collections.abc import Callable

BASIC = {"id", "name", "label", "schema"}
RESERVED = "_internal_original_created_datetime"
SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "Text", "minLength": 2, "maxLength": 4},
    "area": {"type": "Textarea"},
    "number": {"type": "Number", "minValue": 1, "maxValue": 9.5},
    "date": {"type": "Date", "minValue": "2026-01-01", "maxValue": "2026-12-31T00:00:00Z"},
    "boolean": {"type": "Boolean"},
    "single": {"type": "SingleSelect", "selectOptions": ["red", 1, True]},
    "multi": {"type": "MultiSelect", "selectOptions": ["red", "blue"]},
}


@pytest.fixture(scope="module")
def fields(client: Client) -> None:
    """Create a field of each type."""
    for name, schema in SCHEMAS.items():
        assert client.add_field(name, **schema).status_code == 201


def upload(client: Client, **metadata: Any) -> Any:
    """Upload a file with metadata."""
    return client.upload(customMetadata=json.dumps(metadata), responseFields="customMetadata")


@pytest.mark.usefixtures("fields")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", "ab"),
        ("text", "abcd"),
        ("area", ""),
        ("number", 1),
        ("number", 9.5),
        ("date", "2026-01-01"),
        ("date", "2026-12-31T23:00:00.000Z"),
        ("boolean", False),
        ("single", "red"),
        ("single", 1),
        ("multi", []),
        ("multi", ["red", "blue"]),
    ],
)
def test_value_that_fits(client: Client, name: str, value: object) -> None:
    """A valid value is stored unchanged."""
    assert upload(client, **{name: value}).json()["customMetadata"] == {name: value}


@pytest.mark.usefixtures("fields")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unknown", "x"),
        ("text", "a"),
        ("text", "abcde"),
        ("text", 12),
        ("area", None),
        ("number", 0.99),
        ("number", 9.6),
        ("number", "5"),
        ("number", True),
        ("date", "2025-12-31"),
        ("date", "2027-01-01"),
        ("date", "31.12.2026"),
        ("date", "2026-02-30"),
        ("date", 20260101),
        ("boolean", "true"),
        ("boolean", 1),
        ("single", "green"),
        ("single", 1.0),
        ("multi", "red"),
        ("multi", ["red", "green"]),
    ],
)
def test_value_that_does_not_fit(client: Client, name: str, value: object) -> None:
    """An unknown field or an invalid value is rejected, and the message names it."""
    status, message = refused(upload(client, **{name: value}))
    assert status == 400
    assert name in message


@pytest.mark.parametrize("rule", ["always", "when-sent"])
def test_required_field(start: Callable[..., Client], rule: str) -> None:
    """A required field must have a value, in every upload or if metadata is sent."""
    client = start(required_fields=rule)
    client.add_field("brand", type="Text", isValueRequired=True, defaultValue="none")
    assert upload(client, brand="Nike").status_code == 200
    assert upload(client).status_code == 400
    assert client.upload().status_code == (400 if rule == "always" else 200)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        {"type": "Colour"},
        {"type": ["Text"]},
        {"type": "Text", "minValue": 1},
        {"type": "SingleSelect"},
        {"type": "MultiSelect", "selectOptions": []},
        {"type": "Number", "defaultValue": "x"},
        {"type": "Text", "isValueRequired": True},
        {"type": "Number", "maxValue": "x"},
        {"type": "Number", "minValue": None},
        {"type": "Text", "minLength": "x"},
        {"type": "Text", "maxLength": -1},
        {"type": "Textarea", "maxLength": True},
        {"type": "Date", "minValue": ["x"]},
        {"type": "Date", "maxValue": 5},
        {"type": "SingleSelect", "selectOptions": [["a"]]},
    ],
    ids=str,
)
def test_schema_that_can_not_be(client: Client, schema: object) -> None:
    """A field with an invalid schema is rejected."""
    body = {"name": "bad", "label": "Bad", "schema": schema}
    assert client.api("POST", "/v1/customMetadataFields", json=body).status_code == 400


def test_default_can_be_left_out_by_a_rule(start: Callable[..., Client]) -> None:
    """`required_default=False` accepts a required field without a default."""
    assert start(required_default=False).add_field("brand", type="Text", isValueRequired=True).status_code == 201


def test_field_needs_a_name_and_label_of_its_own(client: Client) -> None:
    """A name or label that is taken, missing or reserved is rejected."""
    assert client.add_field("own", type="Text").status_code == 201
    body = {"name": "other", "label": "own", "schema": {"type": "Text"}}
    assert client.api("POST", "/v1/customMetadataFields", json=body).status_code == 400
    statuses = [client.add_field(name, type="Number").status_code for name in ("own", "", RESERVED)]
    assert statuses == [400, 400, 400]


def test_fields_are_listed(start: Callable[..., Client]) -> None:
    """Fields are listed as in their responses, in the order of their creation."""
    client = start()
    made = [client.add_field(name, type="Text").json() for name in ("b", "a")]
    assert client.api("GET", "/v1/customMetadataFields").json() == made


def test_field_is_changed(start: Callable[..., Client]) -> None:
    """Label and schema can change, the type cannot, and values must match the new schema."""
    client = start()
    field = client.add_field("brand", type="Text", maxLength=9).json()
    client.add_field("other", type="Text")
    path = f"/v1/customMetadataFields/{field['id']}"
    changed = client.api("PATCH", path, json={"label": "Brand", "schema": {"maxLength": 3, "type": "Date"}}).json()
    assert changed == {**field, "label": "Brand", "schema": {"type": "Text", "maxLength": 3}}
    assert upload(client, brand="Nike").status_code == 400
    for bad in ({"label": "other"}, {"schema": "x"}, {"schema": {"minValue": 3}}):
        assert client.api("PATCH", path, json=bad).status_code == 400


def test_field_is_deleted(start: Callable[..., Client]) -> None:
    """A deleted field accepts no values and is in no response, and its name stays taken."""
    client = start()
    path = f"/v1/customMetadataFields/{client.add_field('brand', type='Text').json()['id']}"
    assert client.api("DELETE", path).status_code == 204
    assert upload(client, brand="Nike").status_code == 400
    assert client.api("DELETE", path).status_code == 404
    assert client.api("PATCH", path, json={}).status_code == 404
    assert client.add_field("brand", type="Text").status_code == 400


def test_deleted_fields_can_be_listed(start: Callable[..., Client]) -> None:
    """`includeDeleted=true` lists deleted fields as well, in the order of their creation."""
    client = start()
    made = [client.add_field(name, type="Text").json() for name in ("b", "a")]
    client.api("DELETE", f"/v1/customMetadataFields/{made[0]['id']}")
    for value, found in (("true", made), ("false", made[1:]), ("", made[1:])):
        assert client.api("GET", "/v1/customMetadataFields", params={"includeDeleted": value}).json() == found


def test_description_of_a_field(start: Callable[..., Client]) -> None:
    """A description is set with the field, changed alone, removed by an empty one, and has 500 characters at most."""
    client = start()
    body = {"name": "a", "label": "A", "schema": {"type": "Text"}, "description": "x" * 500}
    field = client.api("POST", "/v1/customMetadataFields", json=body).json()
    path = f"/v1/customMetadataFields/{field['id']}"
    assert field == body | {"id": field["id"]}
    for bad in ("x" * 501, 1, ["a"]):
        status, message = refused(client.api("PATCH", path, json={"description": bad}))
        assert (status, message.split(".")[0]) == (400, "Your request contains invalid description parameter")
    assert client.api("PATCH", path, json={"description": "new"}).json()["description"] == "new"
    assert client.api("PATCH", path, json={"description": ""}).json() == {key: field[key] for key in BASIC}


@pytest.mark.parametrize("body", [{}, [], {"label": ""}, {"label": 1}])
def test_change_of_a_field_without_content(client: Client, body: object) -> None:
    """A change needs a label or a schema [spec]."""
    path = f"/v1/customMetadataFields/{client.add_field(f'f{body}', type='Text').json()['id']}"
    assert refused(client.api("PATCH", path, json=body)) == (400, "Your request is missing label parameter.")


@pytest.mark.parametrize(
    ("schema", "errors"),
    [
        ({"type": "Colour"}, "type"),
        ({"type": "Text", "isValueRequired": "yes"}, "isValueRequired"),
        ({"type": "SingleSelect"}, "selectOptions"),
        ({"type": "Number", "defaultValue": "x"}, "defaultValue"),
        ({"type": "Text", "isValueRequired": True}, "defaultValue"),
        ({"type": "Date", "minValue": "x"}, "minValue"),
        ("x", "schema"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_schema(client: Client, schema: object, errors: str) -> None:
    """`errors` has the key that is wrong."""
    reply = client.api("POST", "/v1/customMetadataFields", json={"name": "bad", "label": "Bad", "schema": schema})
    assert [*reply.json()["errors"]] == [errors]
