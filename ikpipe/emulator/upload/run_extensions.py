"""Extensions at work, as stand-ins: what each leaves behind, at once or later, and whom it tells."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any

from ikpipe.emulator.library import replies
from ikpipe.emulator.upload.extensions import TAGGERS
from ikpipe.emulator.upload.placing import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ikpipe.emulator.account import EmulatedAccount
    from ikpipe.emulator.settings import Rules
    from ikpipe.emulator.store import Details

Extension = dict[str, Any]
Schemas = dict[str, Any]
"""The custom metadata fields' schemas by their names."""

CONFIDENCE = 99.0


def status(name: str, rules: Rules) -> str:
    """Say how far an extension is when the upload is answered (`seed`: success, pending or failed)."""
    if _matches(name, rules.extensions_pending):
        return "pending"
    return "failed" if _matches(name, rules.extensions_failed) else "success"


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


class ExtensionRunner:
    """Carries the extensions of one account out."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account

    def begin(self, details: Details, extensions: list[Extension]) -> tuple[Details, dict[str, str]]:
        """Carry out what is done at once; gives the changed details, and the status of each extension."""
        rules = self._account.rules
        found = {extension["name"]: status(extension["name"], rules) for extension in extensions}
        for extension in extensions:
            if found[extension["name"]] == "success":
                details = self._apply(details, extension)
        return details, found

    def finish_later(self, details: Details, extensions: list[Extension], webhook_url: str | None) -> None:
        """Have those that are pending done after a while."""
        account = self._account
        for extension in extensions:
            if status(extension["name"], account.rules) == "pending":
                work = partial(self._finish, details["fileId"], extension, webhook_url)
                account.background.later(account.rules.extension_delay, work)

    def _apply(self, details: Details, extension: Extension) -> Details:
        schemas = {field["name"]: field["schema"] for field in self._account.store.fields()}
        effect = EFFECTS.get(extension["name"])
        return details if effect is None else details | effect(details, extension, self._account.rules, schemas)

    async def _finish(self, file_id: str, extension: Extension, webhook_url: str | None) -> None:
        account, name = self._account, extension["name"]
        details = account.store.get(file_id)
        why = "The file was deleted meanwhile." if details is None else self._failure(name)
        if details is not None and why is None:
            details = self._apply(details, extension) | {"updatedAt": timestamp()}
            account.store.update(details)
            await account.store.commit()
        if webhook_url is None:
            return
        if details is None or why is not None:
            failed = {"service": name, "status": "FAILURE", "fileId": file_id, "error": {"message": why}}
            account.webhooks.tell_extension(webhook_url, failed)
        else:
            file = replies.listed(details, account.endpoint)
            account.webhooks.tell_extension(webhook_url, {"service": name, "status": "SUCCESS", "fileObject": file})

    def _failure(self, name: str) -> str | None:
        """Say why an extension fails, if a rule has it fail (`guess`: no document says what is in an error)."""
        return f"The extension {name} failed." if _matches(name, self._account.rules.extensions_failed) else None


# What each leaves behind: takes the details, the extension, the rules and the fields' schemas; gives what changes


def _tag(details: Details, extension: Extension, rules: Rules, _schemas: Schemas) -> Details:
    """Find tags, at most so many, and none below the confidence that is asked for (`docs`)."""
    least, source = extension["minConfidence"], extension["name"]
    found = []
    for tag in rules.ai_tags:
        name, _, confidence = tag.partition(":")
        found.append({"name": name, "confidence": float(confidence or max(CONFIDENCE, least)), "source": source})
    sure = [tag for tag in found if tag["confidence"] >= least][: max(0, int(extension["maxTags"]))]
    others = [tag for tag in details["AITags"] or [] if tag["source"] != source]
    return {"AITags": others + sure or None}


def _describe(_details: Details, _extension: Extension, rules: Rules, _schemas: Schemas) -> Details:
    return {"description": rules.ai_description}


def _do_tasks(details: Details, extension: Extension, rules: Rules, schemas: Schemas) -> Details:
    """Carry out tasks (`spec`): the first of a vocabulary fits, and each question has the answer of a rule."""
    changed: Details = {"tags": list(details["tags"] or []), "customMetadata": dict(details["customMetadata"])}
    for task in _objects(extension["tasks"]):
        if task.get("type") == "select_tags":
            _add(changed["tags"], _chosen(task, task.get("vocabulary")))
        elif task.get("type") == "select_metadata":
            _select(changed["customMetadata"], task, schemas)
        elif task.get("type") == "yes_no":
            action = task.get(f"on_{rules.ai_answer}")
            _act(changed, action if isinstance(action, dict) else {}, schemas)
    return {"tags": changed["tags"] or None, "customMetadata": changed["customMetadata"]}


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _values(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _add(tags: list[str], more: Iterable[Any]) -> None:
    tags += [tag for tag in more if isinstance(tag, str) and tag not in tags]


def _chosen(task: Mapping[str, Any], vocabulary: object) -> list[Any]:
    least = task.get("min_selections")
    return _values(vocabulary)[: least if isinstance(least, int) and least > 0 else 1]


def _select(metadata: dict[str, Any], task: Mapping[str, Any], schemas: Schemas) -> None:
    schema = schemas.get(str(task.get("field")))
    if schema is None:
        return
    chosen = _chosen(task, task.get("vocabulary") or schema.get("selectOptions"))
    if chosen:
        metadata[str(task["field"])] = chosen if schema["type"] == "MultiSelect" else chosen[0]


def _act(changed: Details, action: Mapping[str, Any], schemas: Schemas) -> None:
    _add(changed["tags"], _values(action.get("add_tags")))
    gone = _values(action.get("remove_tags"))
    changed["tags"] = [tag for tag in changed["tags"] if tag not in gone]
    for update in _objects(action.get("set_metadata")):
        if (field := str(update.get("field"))) in schemas:
            changed["customMetadata"][field] = update.get("value")
    for update in _objects(action.get("unset_metadata")):
        changed["customMetadata"].pop(str(update.get("field")), None)


EFFECTS: dict[str, Callable[[Details, Extension, Rules, Schemas], Details]] = {
    **dict.fromkeys(TAGGERS, _tag),
    "ai-auto-description": _describe,
    "ai-tasks": _do_tasks,
}
"""What the stand-ins do; the others (`remove-bg`, `saved-extension`) leave the file as it is."""
