"""Stand-ins of the extensions: what each changes in a file, at once or later, and their webhooks."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.library.file_details import file_details
from ikpipe.emulator.library.file_events import update_file
from ikpipe.emulator.rules import Rules, matches
from ikpipe.emulator.store import Details
from ikpipe.emulator.upload.parameters import TAGGERS

Extension = dict[str, Any]
Schemas = dict[str, Any]
"""The schemas of the custom metadata fields by name."""

CONFIDENCE = 99.0


def status(name: str, rules: Rules) -> str:
    """Return the status of an extension in the response to the upload [upload docs: success, pending or failed]."""
    if matches(name, rules.extensions_pending):
        return "pending"
    return "failed" if matches(name, rules.extensions_failed) else "success"


class ExtensionRunner:
    """Runs the extensions of one account."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account

    def begin(self, details: Details, extensions: list[Extension]) -> tuple[Details, dict[str, str]]:
        """Run the extensions that finish at once; return the changed details, and the status of each extension."""
        rules = self._account.rules
        statuses = {extension["name"]: status(extension["name"], rules) for extension in extensions}
        for extension in extensions:
            if statuses[extension["name"]] == "success":
                details = self._apply(details, extension)
        return details, statuses

    def finish_later(self, details: Details, extensions: list[Extension], webhook_url: str | None) -> None:
        """Run the pending extensions after a delay."""
        account = self._account
        for extension in extensions:
            if status(extension["name"], account.rules) == "pending":
                work = partial(self._finish, details["fileId"], extension, webhook_url)
                account.background.later(account.rules.extension_delay, work)

    def _apply(self, details: Details, extension: Extension) -> Details:
        schemas = {field["name"]: field["schema"] for field in self._account.store.fields.all()}
        effect = EFFECTS.get(extension["name"])
        return details if effect is None else details | effect(details, extension, self._account.rules, schemas)

    async def _finish(self, file_id: str, extension: Extension, webhook_url: str | None) -> None:
        # the file may have been changed or deleted since the upload: its details are read again
        account, name = self._account, extension["name"]
        details = account.store.files.get(file_id)
        reason = "The file was deleted in the meantime." if details is None else self._failure(name)
        if details is not None and reason is None:
            details = update_file(account, self._apply(details, extension))
            await account.store.commit()
            result = {"status": "SUCCESS", "fileObject": file_details(details, account.endpoint)}
        else:
            result = {"status": "FAILURE", "fileId": file_id, "error": {"message": reason}}
        if webhook_url is not None:
            account.webhooks.tell_extension(webhook_url, {"service": name, **result})

    def _failure(self, name: str) -> str | None:
        """Return why an extension fails, or None [guess: the content of an error is not documented]."""
        return f"The extension {name} failed." if matches(name, self._account.rules.extensions_failed) else None


# The effects: each returns the details that it changes


def _tag(details: Details, extension: Extension, rules: Rules, _schemas: Schemas) -> Details:
    """Add at most `maxTags` tags, none with less than `minConfidence` [docs]."""
    minimum, source = extension["minConfidence"], extension["name"]
    tags = []
    for tag in rules.ai_tags:
        name, _, confidence = tag.partition(":")
        tags.append({"name": name, "confidence": float(confidence or max(CONFIDENCE, minimum)), "source": source})
    confident = [tag for tag in tags if tag["confidence"] >= minimum][: max(0, int(extension["maxTags"]))]
    others = [tag for tag in details["AITags"] or [] if tag["source"] != source]
    return {"AITags": others + confident or None}


def _describe(_details: Details, _extension: Extension, rules: Rules, _schemas: Schemas) -> Details:
    return {"description": rules.ai_description}


def _run_tasks(details: Details, extension: Extension, rules: Rules, schemas: Schemas) -> Details:
    """Run tasks [spec]: the first terms of a vocabulary match, and a rule answers the questions."""
    changed: Details = {"tags": list(details["tags"] or []), "customMetadata": dict(details["customMetadata"])}
    for task in _objects(extension["tasks"]):
        if task.get("type") == "select_tags":
            _add_tags(changed["tags"], _selected(task, task.get("vocabulary")))
        elif task.get("type") == "select_metadata":
            _set_field(changed["customMetadata"], task, schemas)
        elif task.get("type") == "yes_no":
            action = task.get(f"on_{rules.ai_answer}")
            _run_action(changed, action if isinstance(action, dict) else {}, schemas)
    return {"tags": changed["tags"] or None, "customMetadata": changed["customMetadata"]}


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _values(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _add_tags(tags: list[str], more: Iterable[Any]) -> None:
    tags += [tag for tag in more if isinstance(tag, str) and tag not in tags]


def _selected(task: Mapping[str, Any], vocabulary: object) -> list[Any]:
    minimum = task.get("min_selections")
    return _values(vocabulary)[: minimum if isinstance(minimum, int) and minimum > 0 else 1]


def _set_field(metadata: dict[str, Any], task: Mapping[str, Any], schemas: Schemas) -> None:
    schema = schemas.get(str(task.get("field")))
    if schema is None:
        return
    selected = _selected(task, task.get("vocabulary") or schema.get("selectOptions"))
    if selected:
        metadata[str(task["field"])] = selected if schema["type"] == "MultiSelect" else selected[0]


def _run_action(changed: Details, action: Mapping[str, Any], schemas: Schemas) -> None:
    _add_tags(changed["tags"], _values(action.get("add_tags")))
    removed = _values(action.get("remove_tags"))
    changed["tags"] = [tag for tag in changed["tags"] if tag not in removed]
    for update in _objects(action.get("set_metadata")):
        if (field := str(update.get("field"))) in schemas:
            changed["customMetadata"][field] = update.get("value")
    for update in _objects(action.get("unset_metadata")):
        changed["customMetadata"].pop(str(update.get("field")), None)


EFFECTS: dict[str, Callable[[Details, Extension, Rules, Schemas], Details]] = {
    **dict.fromkeys(TAGGERS, _tag),
    "ai-auto-description": _describe,
    "ai-tasks": _run_tasks,
}
"""The effects of the stand-ins; `remove-bg` changes nothing."""
