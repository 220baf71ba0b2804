"""Extensions: the effect of each stand-in, at once or later."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Clock
from receiver import Receiver, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator_client import Client


def tagging(name: str = "google-auto-tagging", most: int = 5, least: float = 90) -> dict[str, Any]:
    """Return a tagging extension."""
    return {"name": name, "maxTags": most, "minConfidence": least}


def upload(client: Client, *extensions: dict[str, Any], **fields: str) -> dict[str, Any]:
    """Upload a file with extensions."""
    reply = client.upload(extensions=json.dumps(extensions), **fields)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def test_taggers_succeed_at_once(client: Client) -> None:
    """A tagging extension adds a tag with the requested confidence, and its success is in the response."""
    answer = upload(client, tagging(), tagging("aws-auto-tagging", least=99.5))
    assert answer["extensionStatus"] == {"google-auto-tagging": "success", "aws-auto-tagging": "success"}
    assert answer["AITags"] == [
        {"name": "Stand-in", "confidence": 99.0, "source": "google-auto-tagging"},
        {"name": "Stand-in", "confidence": 99.5, "source": "aws-auto-tagging"},
    ]
    assert client.details(answer["fileId"])["AITags"] == answer["AITags"]


def test_no_extension_no_status(client: Client) -> None:
    """Without an extension the response has no status [upload docs]."""
    assert "extensionStatus" not in client.upload().json()


def test_tags_are_a_rule(start: Callable[..., Client]) -> None:
    """Tags below the confidence or beyond the maximum number are left out [docs]."""
    client = start(ai_tags=("Shirt:90.12", "Sleeve:70", "Blue:95", "Cotton"))
    names = [tag["name"] for tag in upload(client, tagging(most=2, least=80))["AITags"]]
    assert names == ["Shirt", "Blue"]
    assert upload(client, tagging(most=0))["AITags"] is None


@pytest.mark.parametrize("tag", ["Shirt:much", "", ":90"])
def test_tags_that_are_none(start: Callable[..., Client], tag: str) -> None:
    """An invalid value of a rule is an error at once."""
    with pytest.raises(ValueError, match="The rule 'ai_tags'"):
        start(ai_tags=(tag,))


def test_background_removal_is_pending(client: Client) -> None:
    """`remove-bg` always finishes later [docs]."""
    assert upload(client, {"name": "remove-bg"})["extensionStatus"] == {"remove-bg": "pending"}


def test_extensions_that_fail(start: Callable[..., Client]) -> None:
    """A rule makes extensions fail; they change nothing."""
    client = start(extensions_failed=("*-tagging",))
    answer = upload(client, tagging(), {"name": "ai-auto-description"})
    assert answer["extensionStatus"] == {"google-auto-tagging": "failed", "ai-auto-description": "success"}
    assert answer["AITags"] is None


def test_pending_extensions_are_done_later(start: Callable[..., Client]) -> None:
    """The effect of a pending extension is in the file's details when it has finished, and not before."""
    client = start(extensions_pending=("*",), extension_delay=0.05, clock=(clock := Clock()))
    answer = upload(client, tagging(), {"name": "ai-auto-description"})
    assert set(answer["extensionStatus"].values()) == {"pending"}
    assert client.details(answer["fileId"])["AITags"] is None
    clock.go_on(0.1)
    wait_until(lambda: client.details(answer["fileId"])["description"])
    wait_until(lambda: client.details(answer["fileId"])["AITags"])
    details = client.details(answer["fileId"])
    assert (details["description"], len(details["AITags"])) == ("What a stand-in sees.", 1)


def test_older_tags_stay_or_go(start: Callable[..., Client]) -> None:
    """`overwriteAITags=false` keeps existing tags of other sources [upload docs]."""
    client = start()
    fields = {"fileName": "a", "useUniqueFileName": "false"}
    upload(client, tagging(), **fields)
    kept = upload(client, tagging("aws-auto-tagging"), overwriteAITags="false", **fields)["AITags"]
    assert [tag["source"] for tag in kept] == ["google-auto-tagging", "aws-auto-tagging"]
    assert [tag["source"] for tag in upload(client, tagging(), **fields)["AITags"]] == ["google-auto-tagging"]


TASKS = [
    {"type": "select_tags", "instruction": "?", "vocabulary": ["a", "b", "c"], "min_selections": 2},
    {"type": "select_metadata", "instruction": "?", "field": "colour"},
    {"type": "select_metadata", "instruction": "?", "field": "nothing", "vocabulary": ["x"]},
    {
        "type": "yes_no",
        "instruction": "?",
        "on_yes": {"add_tags": ["yes"], "remove_tags": ["old"], "set_metadata": [{"field": "size", "value": "L"}]},
        "on_no": {"add_tags": ["no"], "unset_metadata": [{"field": "size"}]},
    },
]


@pytest.mark.parametrize(
    ("answer", "tags", "metadata"),
    [
        ("yes", ["a", "b", "yes"], {"colour": ["red"], "size": "L"}),
        ("no", ["old", "a", "b", "no"], {"colour": ["red"]}),
        ("unknown", ["old", "a", "b"], {"colour": ["red"], "size": "S"}),
    ],
)
def test_tasks(start: Callable[..., Client], answer: str, tags: list[str], metadata: dict[str, Any]) -> None:
    """Tasks select the first term of a vocabulary, and act on the answer of the rule [spec]."""
    client = start(ai_answer=answer)
    client.add_field("colour", type="MultiSelect", selectOptions=["red", "blue"])
    client.add_field("size", type="SingleSelect", selectOptions=["S", "L"])
    extension = {"name": "ai-tasks", "tasks": TASKS}
    details = client.details(upload(client, extension, tags="old", customMetadata='{"size": "S"}')["fileId"])
    assert (details["tags"], details["customMetadata"]) == (tags, metadata)


ODD: dict[str, Any] = {"field": ["size"], "value": "L"}


@pytest.mark.parametrize(
    "tasks",
    [
        *(7, [7], [{}], [{"type": "yes_no", "on_yes": 7}], [{"type": "select_tags"}], [{"type": ["select_tags"]}]),
        [{"type": "yes_no", "on_yes": {"set_metadata": [ODD], "unset_metadata": [ODD], "add_tags": [["b"]]}}],
        [{"type": "select_tags", "vocabulary": [["b"], {}], "min_selections": 2}],
    ],
    ids=str,
)
def test_tasks_that_say_nothing(client: Client, tasks: object) -> None:
    """Malformed tasks change nothing."""
    assert upload(client, {"name": "ai-tasks", "tasks": tasks}, tags="a")["tags"] == ["a"]


def test_success_is_told(start: Callable[..., Client]) -> None:
    """The upload's `webhookUrl` receives the success of a pending extension, with the file's details [docs]."""
    with Receiver() as receiver:
        client = start(extensions_pending=("google*",), extension_delay=0)
        answer = upload(client, tagging(), {"name": "ai-auto-description"}, webhookUrl=receiver.url)
        told = receiver.next().json
        assert (told["service"], told["status"]) == ("google-auto-tagging", "SUCCESS")
        assert told["fileObject"] == client.details(answer["fileId"])
        assert told["fileObject"]["AITags"]
        # what is done at once is in the answer alone
        assert receiver.waiting == 0


def test_failure_is_told(start: Callable[..., Client]) -> None:
    """The failure of a pending extension has the file's id and an error [docs]."""
    with Receiver() as receiver:
        client = start(extensions_failed=("remove-bg",), extension_delay=0)
        answer = upload(client, {"name": "remove-bg"}, webhookUrl=receiver.url)
        assert answer["extensionStatus"] == {"remove-bg": "pending"}
        told = receiver.next().json
        assert told.pop("error")["message"]
        assert told == {"service": "remove-bg", "status": "FAILURE", "fileId": answer["fileId"]}


def test_file_that_is_gone(start: Callable[..., Client]) -> None:
    """An extension of a file that was deleted in the meantime fails."""
    with Receiver() as receiver:
        client = start(extension_delay=0.3, clock=(clock := Clock()))
        file_id = upload(client, {"name": "remove-bg"}, webhookUrl=receiver.url)["fileId"]
        client.api("DELETE", f"/v1/files/{file_id}")
        clock.go_on(0.4)
        told = receiver.next().json
        assert (told["status"], told["fileId"]) == ("FAILURE", file_id)


def test_the_end_drops_what_is_pending(start: Callable[..., Client]) -> None:
    """An emulator stops at once, even if work is pending."""
    upload(start(extension_delay=3600), {"name": "remove-bg"}, webhookUrl="http://127.0.0.1:9/")
