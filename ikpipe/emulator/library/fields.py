"""Custom metadata fields: lists, creation, changes and deletion."""

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter, missing_parameter
from ikpipe.emulator.library import custom_fields, request_body
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.store import Store, new_id
from ikpipe.emulator.store.fields import Field

LONGEST_DESCRIPTION = 500
"""Maximum number of characters of a description [spec]."""


def list_fields(call: ApiCall) -> Response:
    """`GET /v1/customMetadataFields`: return all fields, with `includeDeleted=true` also deleted ones [spec]."""
    deleted = call.query.get("includeDeleted", "").lower() == "true"
    return JSONResponse(call.store.fields.all_and_deleted() if deleted else call.store.fields.all())


def create_field(call: ApiCall) -> Response:
    """`POST /v1/customMetadataFields`: create a field with a name, a label and a schema [spec]."""
    name, label = (request_body.required_text(call.body, key) for key in ("name", "label"))
    schema = request_body.optional(call.body, "schema")
    if schema is None:
        raise missing_parameter("schema")
    field = _described(call, {"id": new_id(), "name": name, "label": label, "schema": schema})
    custom_fields.check_schema(schema, required_default=call.account.rules.required_default)
    if call.store.fields.has_name(name) or name == custom_fields.RESERVED:
        raise _taken("name")
    _check_label(call.store, label)
    call.store.fields.save(field)
    return JSONResponse(field, status_code=201)


def _described(call: ApiCall, field: Field) -> Field:
    """Return a copy of a field with the description in the body, if any; an empty one removes it [spec]."""
    text = request_body.optional(call.body, "description")
    if text is None:
        return {**field}
    if not isinstance(text, str) or len(text) > LONGEST_DESCRIPTION:
        raise invalid_parameter("description", f"It must be text of at most {LONGEST_DESCRIPTION} characters.")
    others = {key: value for key, value in field.items() if key != "description"}
    return {**others, "description": text} if text else others


def _taken(what: str) -> ErrorResponse:
    """Return the 400 for a name that is taken [recorded], or a label [guess]."""
    return ErrorResponse(400, f"A custom metadata field with this {what} already exists")


def _check_label(store: Store, label: str) -> None:
    if any(label == field["label"] for field in store.fields.all()):
        raise _taken("label")


def update_field(call: ApiCall) -> Response:
    """`PATCH /v1/customMetadataFields/{id}`: change the label, the description, or the schema but its type [spec]."""
    field_id = call.id(parameter="ID")
    old = next((field for field in call.store.fields.all() if field["id"] == field_id), None)
    if old is None:
        raise _no_field()
    label, changes, text = (request_body.optional(call.body, key) for key in ("label", "schema", "description"))
    field = _described(call, old)
    if label is not None or changes is text is None:
        field |= {"label": request_body.required_text(call.body, "label")}
    if changes is not None:
        field |= {"schema": custom_fields.changed_schema(old["schema"], changes)}
        custom_fields.check_schema(field["schema"], required_default=call.account.rules.required_default)
    if field["label"] != old["label"]:
        _check_label(call.store, field["label"])
    call.store.fields.save(field)
    return JSONResponse(field)


def delete_field(call: ApiCall) -> Response:
    """`DELETE /v1/customMetadataFields/{id}`: delete a field."""
    if not call.store.fields.delete(call.id(parameter="ID")):
        raise _no_field()
    return Response(status_code=204)


def _no_field() -> ErrorResponse:
    return ErrorResponse(404, "No such custom metadata field exists")


ROUTES = [
    ApiRoute("GET", "/v1/customMetadataFields", list_fields),
    ApiRoute("POST", "/v1/customMetadataFields", create_field),
    ApiRoute("PATCH", "/v1/customMetadataFields/{id}", update_field),
    ApiRoute("DELETE", "/v1/customMetadataFields/{id}", delete_field),
]
