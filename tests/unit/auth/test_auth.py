"""`auth.SigningService`: signs what its policy allows, and refuses everything else."""

from __future__ import annotations

import json
import logging
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from signing import ALLOW, ASKS, ORIGIN, PAYLOAD, PRIVATE, PUBLIC, SHOP, ask, body

import ikpipe
from ikpipe.auth import Allow, SigningRequest, SigningService

NOW = 1_790_000_000


def signing_service(allow: Allow = ALLOW, **options: Any) -> SigningService:
    """Make a service at the time of the tests."""
    return SigningService(SHOP, allow=allow, origins=[ORIGIN], clock=lambda: NOW, **options)


def claims(reply: Any) -> dict[str, Any]:
    """Read and check a token as the service would."""
    assert reply.status == 200
    options = {"verify_exp": False, "verify_iat": False}
    found: dict[str, Any] = jwt.decode(reply.content["token"], PRIVATE, algorithms=["HS256"], options=options)
    return found


def test_it_signs_what_the_seed_says() -> None:
    """Header, payload and signature of the seed; the token lives no longer than was asked."""
    reply = ask(signing_service(), body(tags="summer,dress", expire=400))
    found = claims(reply)
    iat, exp = found.pop("iat"), found.pop("exp")
    assert found == {**PAYLOAD, "tags": "summer,dress"}
    assert jwt.get_unverified_header(reply.content["token"]) == {"alg": "HS256", "typ": "JWT", "kid": PUBLIC}
    assert iat <= NOW < exp <= NOW + 400
    assert exp - iat <= 400
    assert reply.headers["Cache-Control"] == "no-store"


def test_two_tokens_of_equal_requests_differ() -> None:
    """A token is used once, and times are whole seconds: equal requests of one second get tokens of their own."""
    at = signing_service()
    assert len({ask(at, body()).content["token"] for _ in range(50)}) == 50


@given(st.integers(1, 600))
def test_every_lifetime_is_kept(expire: int) -> None:
    """A token is good at once, and never for longer than was asked."""
    found = claims(ask(signing_service(), body(expire=expire)))
    assert found["iat"] <= NOW < found["exp"] <= NOW + expire
    assert 0 < found["exp"] - found["iat"] <= expire


@pytest.mark.parametrize(
    "changes",
    [
        {"folder": "/users/anna/2026/summer"},
        {"folder": "users/anna"},
        {"folder": "/shared"},
        {"fileName": "猫 1.jpg"},
        {"useUniqueFileName": "false", "overwriteFile": "false"},
        {"useUniqueFileName": "true"},
        {"customMetadata": '{"brand": "Näike"}'},
        {"webhookUrl": "https://shop.example/hook"},
        {"expire": 600},
        {"expire": 400.0},
    ],
)
def test_what_is_allowed_is_signed(changes: Any) -> None:
    """With the very text that was sent."""
    found = claims(ask(signing_service(), body(**changes)))
    changes.pop("expire", None)
    assert {name: found[name] for name in changes} == changes


TWICE = f'{{"uploadPayload":{json.dumps(PAYLOAD)},"expire":400,"expire":9,"publicKey":"{PUBLIC}"}}'.encode()
TWICE_INSIDE = body().replace(b'"fileName"', b'"folder": "/etc/", "fileName"')
META = '{"brand": "a", "brand": "b"}'
ALTERED = {
    "no body": (b"", 400),
    "no JSON": (b"uploadPayload=1", 400),
    "a list": (b"[]", 400),
    "a text": (b'"x"', 400),
    "null": (b"null", 400),
    "JSON in UTF-16": (body().decode().encode("utf-16"), 400),
    "bytes that are no UTF-8": (body().replace(b"dress", b"dr\xffss"), 400),
    "nested without end": (b"[" * 60_000, 400),
    "NaN": (body().replace(b"400", b"NaN"), 400),
    "a key twice": (TWICE, 400),
    "a key twice in the payload": (TWICE_INSIDE, 400),
    "a key twice, escaped": (body().replace(b'"expire"', b'"expir\\u0065": 9, "expire"'), 400),
    "an unknown key": (body()[:-1] + b',"kid":"x"}', 400),
    "no payload": (b'{"expire":400,"publicKey":"public_shop"}', 400),
    "no lifetime": (body().replace(b"expire", b"exp"), 400),
    "a payload that is a list": (body([]), 400),
    "an empty payload": (body({}), 400),
    "a lifetime of text": (body(expire="400"), 400),
    "a lifetime of half seconds": (body(expire=400.5), 400),
    "a lifetime that is true": (body(expire=True), 400),
    "no time to live": (body(expire=0), 400),
    "a lifetime that is over": (body(expire=-400), 400),
    "over an hour": (body(expire=3601), 400),
    "a lifetime without end": (body(expire=10**400), 400),
    "more than the policy's lifetime": (body(expire=601), 403),
    "an alien key": (body(publicKey="public_other"), 403),
    "the private key as the public one": (body(publicKey=PRIVATE), 403),
    "a key of no text": (body(publicKey=None), 400),
    "an unknown parameter": (body(colour="red"), 400),
    "the file": (body(file="https://evil.example/x.jpg"), 400),
    "a token": (body(token="x"), 400),
    "a start of its own": (body(iat="1"), 400),
    "an end of its own": (body(exp="9999999999"), 400),
    "our own spelling": (body(file_name="x.jpg"), 400),
    "another case": (body(FileName="x.jpg"), 400),
    "a parameter that may not be set": (body(extensions='[{"name":"remove-bg"}]'), 403),
    "checks that may not be set": (body(checks='"request.folder" : "/"'), 403),
    "a transformation that may not be set": (body(transformation='{"pre":"w-4"}'), 403),
    "a value that is a number": (body(fileName=7), 400),
    "a value that is a boolean": (body(isPrivateFile=True), 400),
    "a value that is a list": (body(tags=["summer"]), 400),
    "a value that is an object": (body(customMetadata={"brand": "a"}), 400),
    "a value that is null": (body({**PAYLOAD, "tags": None}), 400),
    "a boolean in other words": (body(isPrivateFile="yes"), 400),
    "a boolean with spaces": (body(isPrivateFile=" true"), 400),
    "not what is forced": (body(isPrivateFile="false"), 403),
    "without what is forced": (body(isPrivateFile=None), 403),
    "no name": (body(fileName=None), 400),
    "an empty name": (body(fileName=""), 400),
    "a name that is a way up": (body(fileName=".."), 400),
    "a name with a folder": (body(fileName="../../x.jpg"), 400),
    "a name with a Windows folder": (body(fileName="..\\x.jpg"), 400),
    "a name with a NUL": (body(fileName="x\0.jpg"), 400),
    "a name with a line's end": (body(fileName="x.jpg\n"), 400),
    "a name of half a character": (body(fileName="\ud83d.jpg"), 400),
    "a long name": (body(fileName="x" * 252 + ".jpg"), 400),
    "a name that is none of the policy's": (body(fileName="shell.php"), 403),
    "a name with an ending too many": (body(fileName="x.jpg.php"), 403),
    "another's folder": (body(folder="/users/bo/"), 403),
    "a folder that begins like one's own": (body(folder="/users/anna2/"), 403),
    "the folder above": (body(folder="/users/"), 403),
    "no folder": (body(folder=None), 403),
    "the root": (body(folder="/"), 403),
    "an empty folder": (body(folder=""), 403),
    "a way up": (body(folder="/users/anna/../bo/"), 400),
    "an encoded way up": (body(folder="/users/anna/%2e%2e/bo"), 400),
    "a backslash in a folder": (body(folder="/users/anna\\..\\bo"), 400),
    "another case of a folder": (body(folder="/Users/Anna/"), 403),
    "a folder in full-width letters": (body(folder="/\uff55sers/anna/"), 403),
    "51 levels": (body(folder="/users/anna" + "/x" * 49), 400),
    "a tag that may not be used": (body(tags="summer,admin"), 403),
    "tags with spaces": (body(tags="summer, dress"), 400),
    "tags as JSON": (body(tags='["summer"]'), 400),
    "tags with a per cent sign": (body(tags="summer%"), 400),
    "too many tags": (body(tags=",".join(["summer"] * 80)), 400),
    "another address for webhooks": (body(webhookUrl="https://evil.example/hook"), 403),
    "an address that two parsers read as two": (body(webhookUrl="https://evil.example\\@shop.example/hook"), 400),
    "an address with a line's end": (body(webhookUrl="https://shop.example/ho\nok"), 400),
    "an address in another case": (body(webhookUrl="HTTPS://shop.example/hook"), 400),
    "an extension without a name": (body(extensions="[{}]"), 400),
    "an extension whose name is a list": (body(extensions='[{"name":["remove-bg"]}]'), 400),
    "an extension whose name is an object": (body(extensions='[{"name":{}}]'), 400),
    "an address that is none": (body(webhookUrl="javascript:alert(1)"), 400),
    "metadata that is no JSON": (body(customMetadata="{"), 400),
    "metadata with a key twice": (body(customMetadata=META), 400),
    "metadata beyond the policy": (body(customMetadata=json.dumps({"a": "x" * 100})), 403),
    "a file to be replaced": (body(useUniqueFileName="false"), 403),
    "a file to be replaced, said": (body(useUniqueFileName="false", overwriteFile="true"), 403),
    "a huge body": (body(description="x" * 70_000), 413),
    "a body of spaces": (body() + b" " * 70_000, 413),
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_request_that_must_be_refused(what: str, caplog: pytest.LogCaptureFixture) -> None:
    """Each has its status and says why; nothing is signed."""
    content, status = ALTERED[what]
    caplog.set_level(logging.INFO, "ikpipe.auth")
    reply = ask(signing_service(), content)
    assert (reply.status, set(reply.content or {})) == (status, {"message"})
    assert "eyJ" not in reply.body.decode()
    assert "signed for" not in caplog.text


HEADED = {
    "nobody": ({"Content-Type": "application/json"}, "POST", 401),
    "somebody unknown": ({**ASKS, "Authorization": "Bearer of-eve"}, "POST", 401),
    "two callers": ([*ASKS.items(), ("authorization", "Bearer of-bo")], "POST", 400),
    "a caller whose name is a way up": ({**ASKS, "Authorization": "Bearer of-bo"}, "POST", 403),
    "no type": ({"Authorization": ASKS["Authorization"]}, "POST", 415),
    "a form": ({**ASKS, "Content-Type": "application/x-www-form-urlencoded"}, "POST", 415),
    "text, as any page may post": ({**ASKS, "Content-Type": "text/plain"}, "POST", 415),
    "another charset": ({**ASKS, "Content-Type": "application/json; charset=utf-7"}, "POST", 415),
    "packed": ({**ASKS, "Content-Encoding": "gzip"}, "POST", 415),
    "another site's page": ({**ASKS, "Origin": "https://evil.example"}, "POST", 403),
    "a page of a site that ends alike": ({**ASKS, "Origin": "https://evil-shop.example"}, "POST", 403),
    "a page without TLS": ({**ASKS, "Origin": "http://shop.example"}, "POST", 403),
    "a page of another port": ({**ASKS, "Origin": "https://shop.example:8443"}, "POST", 403),
    "a page from a file": ({**ASKS, "Origin": "null"}, "POST", 403),
    "two origins": ([*ASKS.items(), ("Origin", ORIGIN), ("Origin", "null")], "POST", 400),
    "by GET": (ASKS, "GET", 405),
    "by PUT": (ASKS, "PUT", 405),
    "by another case": (ASKS, "post", 405),
    "a preflight without an origin": ({"Access-Control-Request-Method": "POST"}, "OPTIONS", 403),
    "a preflight of another site": (
        {"Origin": "https://e.example", "Access-Control-Request-Method": "POST"},
        "OPTIONS",
        403,
    ),
    "a preflight of another method": ({"Origin": ORIGIN, "Access-Control-Request-Method": "PUT"}, "OPTIONS", 403),
    "a preflight with another header": (
        {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-evil\t"},
        "OPTIONS",
        403,
    ),
}


@pytest.mark.parametrize("what", HEADED)
def test_a_request_that_must_be_refused_for_its_head(what: str, caplog: pytest.LogCaptureFixture) -> None:
    """Each has its status; what is good for a page's own site alone is not given to another's."""
    headers, method, status = HEADED[what]
    caplog.set_level(logging.INFO, "ikpipe.auth")
    reply = ask(signing_service(), body(folder="/users/anna/"), headers, method)
    assert reply.status == status
    assert "eyJ" not in reply.body.decode()
    assert "signed for" not in caplog.text
    if status != 400:
        given = "https" in reply.headers.get("Access-Control-Allow-Origin", "")
        assert given == (what in {"a preflight of another method", "a preflight with another header"})


def test_nobody_may_anything_by_default() -> None:
    """`Allow()` refuses everybody, and somebody who is known may still set nothing, and upload nowhere."""
    assert ask(signing_service(Allow()), body()).status == 401
    known = {"who": lambda _request: "anna"}
    assert ask(signing_service(Allow(**known)), body()).status == 403
    assert ask(signing_service(Allow(**known, parameters=["fileName"])), body({"fileName": "a.jpg"})).status == 403
    assert ask(signing_service(Allow(**known, folders=["/"])), body({"fileName": "a.jpg"})).status == 403
    both = Allow(**known, parameters=["fileName"], folders=["/"])
    assert ask(signing_service(both), body({"fileName": "a.jpg"})).status == 200


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_no_json_is_a_fault(content: Any) -> None:
    """Whatever is sent, the answer is a refusal, never a fault of the endpoint."""
    at = signing_service()
    for whole in (content, {"uploadPayload": content, "expire": 400, "publicKey": PUBLIC}, body({"fileName": content})):
        sent = whole if isinstance(whole, bytes) else json.dumps(whole).encode()
        assert ask(at, sent).status in (400, 403)


@given(st.binary(max_size=200))
def test_no_bytes_are_a_fault(content: bytes) -> None:
    """Nor are bytes of any kind."""
    assert ask(signing_service(), content).status == 400


@given(
    st.dictionaries(
        st.sampled_from(["fileName", "folder", "tags", "useUniqueFileName", "overwriteFile", "customMetadata"]),
        st.text('/.anusershdg,{}"%true fl\\', max_size=20)
        | st.sampled_from(["/users/anna", "a.jpg", "summer", "true", "false"]),
    )
)
def test_whatever_is_signed_is_within_the_policy(changes: dict[str, str]) -> None:
    """Of all texts, what is signed is exactly what was sent, in an allowed folder, under an allowed name and tags."""
    reply = ask(signing_service(), body(**changes))
    if reply.status == 200:
        found = claims(reply)
        assert {name: found[name] for name in {**PAYLOAD, **changes}} == {**PAYLOAD, **changes}
        assert found["folder"].strip("/").startswith(("users/anna", "shared"))
        assert ".." not in found["folder"]
        assert found["fileName"].endswith((".jpg", ".png"))
        assert set(found.get("tags", "summer").split(",")) - {""} <= {"summer", "dress"}
        assert found.get("useUniqueFileName") != "false" or found["overwriteFile"] == "false"


def test_a_caller_has_a_rate_of_its_own() -> None:
    """Beyond it, the answer says when to come again; others are not held up; refusals count as well."""
    at = signing_service(
        Allow(who=lambda request: request.header("authorization"), parameters=["fileName"], folders=["/"], rate=2)
    )
    good, bad = body({"fileName": "a.jpg"}), body({"fileName": ""})
    anna = [ask(at, content) for content in (good, bad, good, good)]
    assert [reply.status for reply in anna] == [200, 400, 429, 429]
    assert 1 <= int(anna[2].headers["Retry-After"]) <= 30
    assert ask(at, good, {**ASKS, "Authorization": "Bearer of-bo"}).status == 200


def test_a_page_of_a_named_origin_may_ask() -> None:
    """Preflight and answer name that origin, and no other; cookies only if it is said."""
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    early = ask(signing_service(), b"", asked, "OPTIONS")
    assert (early.status, early.content) == (204, None)
    assert early.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert early.headers["Access-Control-Allow-Headers"] == "content-type, authorization"
    reply = ask(signing_service(), body(), {**ASKS, "Origin": ORIGIN})
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"], reply.headers["Vary"]) == (
        200,
        ORIGIN,
        "Origin",
    )
    assert "Access-Control-Allow-Credentials" not in reply.headers
    wide = ask(signing_service(credentials=True), body(), {**ASKS, "Origin": ORIGIN})
    assert wide.headers["Access-Control-Allow-Credentials"] == "true"


def test_a_page_may_send_further_headers_that_are_named() -> None:
    """In any case, besides the two that pages may always send."""
    at = signing_service(headers=["X-CSRF-Token", "x-team", "content-type"])
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type, X-Csrf-Token,x-team",
    }
    early = ask(at, b"", asked, "OPTIONS")
    assert (early.status, early.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
    assert early.headers["Access-Control-Allow-Headers"] == "content-type, authorization, x-csrf-token, x-team"


def test_a_header_that_is_not_named_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The operator reads which header the page wants to send, and the option."""
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-team, \x1b[31mx-evil",
    }
    ask(signing_service(), b"", asked, "OPTIONS")
    assert "Pages may not send the header 'x-team'. Allow it with headers= or --headers." in caplog.text
    ask(signing_service(headers=["X-Team"]), b"", asked, "OPTIONS")
    assert "\x1b" not in caplog.text


def test_a_client_that_is_no_page_may_send_any_header() -> None:
    """CORS concerns pages alone; `who` reads what it needs."""
    assert ask(signing_service(), body(), {**ASKS, "X-Team": "a"}).status == 200


def test_a_named_header_may_occur_once() -> None:
    """`who` would read one value, and a proxy another."""
    twice = [*ASKS.items(), ("X-Team", "a"), ("x-team", "b")]
    assert ask(signing_service(headers=["X-Team"]), body(), twice).status == 400


def test_a_page_can_read_when_to_ask_again() -> None:
    """`Retry-After` is not among the headers that pages can read by themselves."""
    reply = ask(signing_service(), body(), {**ASKS, "Origin": ORIGIN})
    assert reply.headers["Access-Control-Expose-Headers"] == "Retry-After"


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ("X-Team", "'X-Team'"),
        (["*"], r"'\*'"),
        (["Cookie"], "'Cookie'"),
        (["Sec-Fetch-Site"], "'Sec-Fetch-Site'"),
        (["Access-Control-Allow-Origin"], "'Access-Control-Allow-Origin'"),
        (["X-Team", "a b"], "'a…'"),
        (["x\r\nSet-Cookie: a"], "'x…'"),
        (["é"], "'…'"),
        ([""], "''"),
        ([None], "'None'"),
        (["x" * 101], "'xx"),
        (["X-Api-Key: 5ecret"], "'X-Api-Key…'"),
        (["X-Api-Key=5ecret"], "'X-Api-Key…'"),
    ],
)
def test_a_header_that_no_page_can_send_is_an_error(headers: Any, shown: str) -> None:
    """A wildcard, what browsers set themselves, and what is not the name of a header; never a value."""
    with pytest.raises(ikpipe.MappingError, match=f"headers: {shown}.* is not valid. Use a list of names") as raised:
        signing_service(headers=headers)
    assert "5ecret" not in str(raised.value)


def test_a_page_learns_why_it_was_refused() -> None:
    """Refusals of a named origin's requests can be read by its page."""
    reply = ask(signing_service(), b"", {**ASKS, "Origin": ORIGIN})
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (400, ORIGIN)


def test_the_log_says_who_signed_what_without_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """Caller, address, name, folder and parameters; neither the token nor the private key, nor what metadata says."""
    caplog.set_level(logging.INFO, "ikpipe.auth")
    reply = ask(signing_service(), body(customMetadata='{"patient":"Ada"}', fileName="a\u202eb.jpg"))
    for said in ("anna", "192.0.2.7", "/users/anna/", "customMetadata"):
        assert said in caplog.text
    for secret in (reply.content["token"], reply.content["token"].rpartition(".")[2], PRIVATE, "Ada", "\u202e"):
        assert secret not in caplog.text


def test_the_log_says_what_was_refused(caplog: pytest.LogCaptureFixture) -> None:
    """On one line, whatever was sent."""
    ask(signing_service(), body(**{"a\nINFO signed for root": "x"}))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "\n" not in caplog.records[0].getMessage()
    assert "with 400" in caplog.text


@pytest.mark.parametrize(
    "broken",
    [
        {"who": lambda _request: 1 / 0},
        {"who": lambda _request: 7},
        {"who": lambda _request: ""},
        {"who": lambda _request: "anna", "values": {"fileName": lambda _text: 1 / 0}},
    ],
)
def test_a_policy_that_fails_signs_nothing(broken: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Its fault is a 500 without its details, which are logged."""
    reply = ask(signing_service(Allow(parameters=["fileName"], folders=["/"], **broken)), body({"fileName": "a.jpg"}))
    assert (reply.status, reply.content) == (500, {"message": "The endpoint failed; nothing was signed."})
    assert "Traceback" in caplog.text


def test_a_coroutine_function_is_not_for_the_desk() -> None:
    """Not awaited, it would be taken for a caller."""

    async def later(_request: SigningRequest) -> str:
        return "anna"

    assert ask(signing_service(Allow(who=later)), body()).status == 500


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"parameters": ["fileNam"]}, "did you mean 'file_name'"),
        ({"parameters": ["file"]}, "not a parameter that can be signed"),
        ({"parameters": "fileName"}, "must be a list"),
        ({"folders": "/a"}, "must be a list"),
        ({"folders": ["/a b/"]}, 'cannot contain " "'),
        ({"tags": "a,b"}, "must be a list"),
        ({"names": "["}, "names="),
        ({"values": {"colour": ["red"]}}, "not a parameter"),
        ({"values": {"webhookUrl": "https://shop.example/hook"}}, "must be a list"),
        ({"values": {"webhookUrl": b"https://shop.example/hook"}}, "must be a list"),
        ({"values": {"isPrivateFile": ["perhaps", 3]}}, "must be true or false"),
        ({"tags": ["a,b"]}, "comma"),
        ({"force": {"folder": "/a b/{caller}"}}, 'cannot contain " "'),
        ({"force": {"isPrivateFile": "{caller}"}}, "must be true or false"),
        ({"force": {"isPrivateFile": "perhaps"}}, "must be true or false"),
        ({"lifetime": 3601}, "1 to 3,600"),
        ({"lifetime": 0}, "1 to 3,600"),
        ({"lifetime": True}, "1 to 3,600"),
        ({"lifetime": "600"}, "1 to 3,600"),
        ({"lifetime": float("nan")}, "1 to 3,600"),
        ({"rate": 0}, "at least 1"),
        ({"rate": "60"}, "at least 1"),
        ({"rate": float("nan")}, "at least 1"),
    ],
)
def test_a_policy_that_cannot_be_is_an_error(options: Any, words: str) -> None:
    """At once, not when the first request comes."""
    with pytest.raises(ikpipe.MappingError, match=words):
        Allow(**options)


@pytest.mark.parametrize("origins", ["https://a.example", ["*"], ["a.example"], ["https://a.example/"], ["null"]])
def test_an_origin_is_named(origins: Any) -> None:
    """As browsers name them; never all of them."""
    with pytest.raises(ikpipe.MappingError, match="is not valid"):
        SigningService(SHOP, allow=ALLOW, origins=origins)


def test_a_desk_needs_a_key_and_a_policy() -> None:
    """Without them there is nothing to sign with, or nothing to sign."""
    with pytest.raises(ikpipe.AccountError, match="IMAGEKIT_PRIVATE_KEY"):
        SigningService(ikpipe.Account(PUBLIC), allow=ALLOW)
    with pytest.raises(ikpipe.MappingError, match="must be an ikpipe"):
        SigningService(SHOP, allow=True)  # type: ignore[arg-type]


def test_a_forced_value_may_have_the_caller_s_name() -> None:
    """A folder that is forced is each caller's own."""
    allow = Allow(who=lambda _request: "anna", parameters=["fileName"], folders=["/"], force={"folder": "/u/{caller}"})
    at = signing_service(allow)
    assert ask(at, body({"fileName": "a.jpg", "folder": "/u/anna"})).status == 200
    assert ask(at, body({"fileName": "a.jpg", "folder": "/u/bo"})).status == 403


def test_what_is_forced_is_written_as_it_is_sent() -> None:
    """Also around the caller's name: tags with a space between them are never signed, so none is forced."""
    allow = Allow(who=lambda _request: "anna", parameters=["fileName"], folders=["/"], force={"tags": "a, {caller}"})
    assert ask(signing_service(allow), body({"fileName": "a.jpg", "tags": "a,anna"})).status == 200


def test_what_is_allowed_may_be_given_as_values() -> None:
    """Numbers as tags, and booleans, stand for their texts."""
    values = {"isPrivateFile": [True], "extensions": [[{"name": "remove-bg"}]]}
    names = ["fileName", "tags", *values]
    allow = Allow(who=lambda _request: "anna", parameters=names, folders=["/"], tags=[2024, "b"], values=values)
    good = {"fileName": "a.jpg", "tags": "2024,b", "isPrivateFile": "true", "extensions": '[{"name":"remove-bg"}]'}
    assert ask(signing_service(allow), body(good)).status == 200
    assert ask(signing_service(allow), body({**good, "isPrivateFile": "false"})).status == 403
    assert ask(signing_service(allow), body({**good, "extensions": ""})).status == 400


@pytest.mark.parametrize("caller", ["\u017fam", "\uff41nna", "\ufb01n", "a/b", "..", "a b"])
def test_a_caller_whose_name_could_be_another_s_has_no_folder(caller: str) -> None:
    """Letters that a file system may take for others' (compatibility forms), and what is no level at all."""
    allow = Allow(who=lambda _request: caller, parameters=["fileName", "folder"], folders=["/users/{caller}/"])
    for folder in (f"/users/{caller}", "/users/sam", "/users/anna"):
        assert ask(signing_service(allow), body({"fileName": "a.jpg", "folder": folder})).status in (400, 403)


def test_replacing_may_be_allowed() -> None:
    """With `replace=True`, a fixed name may replace what is there."""
    allow = Allow(who=lambda _request: "a", parameters=["fileName", "useUniqueFileName"], folders=["/"], replace=True)
    assert ask(signing_service(allow), body({"fileName": "a.jpg", "useUniqueFileName": "false"})).status == 200
