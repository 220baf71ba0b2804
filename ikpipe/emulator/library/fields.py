"""Custom metadata fields: lists, creation, changes and deletion."""

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library import custom_fields, request_body
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.store import Store, new_id


def list_fields(call: ApiCall) -> Response:
    """`GET /v1/customMetadataFields`: return all fields."""
    return JSONResponse(call.store.fields.all())


def create_field(call: ApiCall) -> Response:
    """`POST /v1/customMetadataFields`: create a field with a name, a label and a schema [spec]."""
    name, label = (request_body.required_text(call.body, key) for key in ("name", "label"))
    field = {"id": new_id(), "name": name, "label": label, "schema": request_body.optional(call.body, "schema")}
    custom_fields.check_schema(field["schema"], required_default=call.account.rules.required_default)
    if call.store.fields.has_name(name) or name == custom_fields.RESERVED or _has_label(call.store, label):
        raise ErrorResponse(400, "A custom metadata field with this name or label already exists.")
    call.store.fields.save(field)
    return JSONResponse(field, status_code=201)


def _has_label(store: Store, label: str) -> bool:
    return any(label == field["label"] for field in store.fields.all())


def update_field(call: ApiCall) -> Response:
    """`PATCH /v1/customMetadataFields/{id}`: change the label, or the schema except its type [spec]."""
    old = next((field for field in call.store.fields.all() if field["id"] == call.path("id")), None)
    if old is None:
        raise ErrorResponse(404, "No such custom metadata field exists.")
    label = request_body.optional(call.body, "label") or old["label"]
    changes = request_body.optional(call.body, "schema") or {}
    if not isinstance(changes, dict):
        raise custom_fields.bad_field("schema must be an object")
    field = old | {"label": label, "schema": old["schema"] | changes | {"type": old["schema"]["type"]}}
    custom_fields.check_schema(field["schema"], required_default=call.account.rules.required_default)
    if label != old["label"] and _has_label(call.store, label):
        raise ErrorResponse(400, "A custom metadata field with this label already exists.")
    call.store.fields.save(field)
    return JSONResponse(field)


def delete_field(call: ApiCall) -> Response:
    """`DELETE /v1/customMetadataFields/{id}`: delete a field."""
    if not call.store.fields.delete(call.path("id")):
        raise ErrorResponse(404, "No such custom metadata field exists.")
    return Response(status_code=204)


ROUTES = [
    ApiRoute("GET", "/v1/customMetadataFields", list_fields),
    ApiRoute("POST", "/v1/customMetadataFields", create_field),
    ApiRoute("PATCH", "/v1/customMetadataFields/{id}", update_field),
    ApiRoute("DELETE", "/v1/customMetadataFields/{id}", delete_field),
]
