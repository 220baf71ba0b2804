"""Delivery: access, transformations and errors."""

from __future__ import annotations

import hashlib
import hmac
import time
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, picture
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx


def store(client: Client, name: str, file: bytes | None = None, **fields: str) -> str:
    """Upload an image, and return its path below the endpoint."""
    return str(client.fixed(name, file or picture(size=(40, 20)), **fields).json()["filePath"])


def get(client: Client, path: str, **options: Any) -> httpx.Response:
    """Request a path below the endpoint."""
    return client.http.get(client.emulator.url_endpoint + path, **options)


def size(reply: httpx.Response) -> tuple[int, int]:
    """Return the dimensions of the image in a response."""
    assert reply.status_code == 200, reply.text
    return Image.open(BytesIO(reply.content)).size


def signed(client: Client, path: str, expiry: int | None = None) -> str:
    """Sign a URL as documented."""
    text = path.removeprefix("/") + str(9999999999 if expiry is None else expiry)
    signature = hmac.new(client.emulator.private_key.encode(), text.encode(), hashlib.sha1).hexdigest()
    end = f"ik-s={signature}" if expiry is None else f"ik-t={expiry}&ik-s={signature}"
    return f"{path}{'&' if '?' in path else '?'}{end}"


def test_original(client: Client) -> None:
    """Without a transformation a file is delivered as uploaded, with its type."""
    path = store(client, "original.jpg", picture())
    reply = get(client, path)
    assert (reply.content, reply.headers["content-type"]) == (picture(), "image/jpeg")


@pytest.mark.parametrize(
    "form", ["/tr:w-10/f/a%20b.jpg", "/f/tr:w-10/a%20b.jpg", "/f/a%20b.jpg?tr=w-10", "/f/a%20b.jpg?v=1&tr=w%2D10&x"]
)
def test_positions(client: Client, form: str) -> None:
    """A transformation is in the path, before any of its segments, or in the query."""
    store(client, "a b.jpg", folder="/f")
    assert size(get(client, form.replace("%20", "_"))) == (10, 5)


def test_path_and_query(client: Client) -> None:
    """With both, both are applied."""
    store(client, "both.jpg")
    assert size(get(client, "/tr:w-20/both.jpg?tr=rt-90")) == (10, 20)


def test_names_of_other_scripts(client: Client) -> None:
    """A path in any script is found as browsers send it."""
    url = client.fixed("猫.jpg", picture(size=(40, 20)), folder="/é").json()["url"]
    assert size(client.http.get(url + "?tr=w-10")) == (10, 5)


def test_type_of_what_is_derived(client: Client) -> None:
    """The type is that of the transformed image, and `Vary` says what it depends on."""
    store(client, "type.jpg")
    reply = get(client, "/type.jpg?tr=f-auto", headers={"Accept": "image/webp"})
    assert (reply.headers["content-type"], reply.headers["vary"]) == ("image/webp", "Accept")


def test_hints(client: Client) -> None:
    """`auto` uses client hints, by their newer and their older names."""
    store(client, "hints.jpg")
    assert size(get(client, "/hints.jpg?tr=w-auto,dpr-auto", headers={"Sec-CH-Width": "10", "DPR": "2"})) == (20, 10)


def test_original_by_transformation(client: Client) -> None:
    """`orig-true` delivers the original, whatever else the transformation has [docs]."""
    store(client, "orig.jpg", picture())
    assert get(client, "/tr:w-3,orig-true/orig.jpg").content == picture()


def test_attachment(client: Client) -> None:
    """`ik-attachment=true` makes the response a download [docs], with or without a transformation."""
    store(client, "é.jpg")
    for tail in ("", "&tr=w-10"):
        header = get(client, f"/é.jpg?ik-attachment=true{tail}").headers["content-disposition"]
        assert header == "attachment; filename*=utf-8''%C3%A9.jpg"


@pytest.mark.parametrize(
    ("name", "content", "mime"),
    [("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"), ("a.pdf", b"%PDF-", "application/pdf")],
)
def test_what_is_no_picture_is_delivered_as_it_is(client: Client, name: str, content: bytes, mime: str) -> None:
    """Drawings and other files have no pixels to transform."""
    store(client, name, content)
    reply = get(client, f"/tr:w-10/{name}")
    assert (reply.content, reply.headers["content-type"]) == (content, mime)


def test_not_found(client: Client) -> None:
    """A file that does not exist is a plain 404, with details in a header [docs]."""
    reply = get(client, "/nothing.jpg")
    assert (reply.status_code, reply.text, reply.headers["ik-error"]) == (404, "Not Found", "ENOENT - Not Found")
    assert client.emulator.log()[-1]["message"] == "Not Found"


def test_default_image(client: Client) -> None:
    """`di` is delivered in place of a file that does not exist [docs]."""
    store(client, "default.jpg", folder="/d")
    assert size(get(client, "/tr:di-@@d@@default.jpg,w-10/nothing.jpg")) == (10, 5)
    assert get(client, "/tr:di-neither.jpg/nothing.jpg").status_code == 404


def test_drafts(client: Client) -> None:
    """An unpublished file is a 404, signed or not [upload docs]."""
    store(client, "draft.jpg", isPublished="false")
    assert get(client, "/draft.jpg").status_code == 404
    assert get(client, signed(client, "/draft.jpg")).status_code == 404


def test_broken_picture(client: Client) -> None:
    """An image that cannot be read is delivered, but cannot be transformed."""
    noise = BytesIO()
    Image.effect_noise((300, 300), 60).save(noise, "PNG")
    broken = noise.getvalue()[:5000] + noise.getvalue()[-12:]
    store(client, "broken.png", broken)
    assert get(client, "/broken.png").content == broken
    reply = get(client, "/tr:w-10/broken.png")
    assert (reply.status_code, reply.text) == (400, "Bad Image Transformation Request")
    assert reply.headers["ik-error"].endswith("The image cannot be read.")


def test_unknown_steps(start: Callable[..., Client]) -> None:
    """Unknown parts are ignored and listed in a header, or rejected if the rule says so."""
    client = start()
    store(client, "a.jpg")
    reply = get(client, "/tr:w-10,zz-1/a.jpg")
    assert (size(reply), reply.headers["x-emulator-ignored"]) == ((10, 5), "zz-1")
    assert get(client, "/tr:zz-é/a.jpg").headers["x-emulator-ignored"] == "zz-?"
    strict = start(unknown_steps="refuse")
    store(strict, "a.jpg")
    assert get(strict, "/tr:w-10,zz-1/a.jpg").status_code == 400
    assert get(strict, "/tr:w-10/a.jpg").status_code == 200


def test_named_transformations(start: Callable[..., Client]) -> None:
    """Named transformations are a rule; an unknown name is an error [spec]."""
    client = start(named="small=w-10; turned = tr:rt-90:w-5")
    store(client, "a.jpg")
    assert size(get(client, "/tr:n-small/a.jpg")) == (10, 5)
    assert size(get(client, "/a.jpg?tr=n-turned")) == (5, 10)
    assert get(client, "/tr:n-other/a.jpg").status_code == 400


@pytest.mark.parametrize("named", ["small", "=w-1", "a b=w-1", "small="])
def test_names_that_are_none(named: str) -> None:
    """An invalid value of a rule is an error at once."""
    from ikpipe.emulator import Emulator

    with pytest.raises(ValueError, match="The rule 'named'"):
        Emulator(named=named)


def test_restricted_to_names(start: Callable[..., Client]) -> None:
    """The dashboard's "Restrict Unnamed Image Transformations" [docs]."""
    client = start(restrict_unnamed=True, named="small=w-10")
    store(client, "a.jpg")
    assert get(client, "/tr:w-10/a.jpg").status_code == 400
    assert size(get(client, "/tr:n-small/a.jpg")) == (10, 5)
    assert get(client, "/a.jpg").status_code == 200
    assert get(client, "/a.jpg?tr=l-text,i-a,l-end").status_code == 400


def test_auto_format(start: Callable[..., Client]) -> None:
    """The dashboard's "Use Best Format For Image Delivery" [docs], unless a format is asked for."""
    client = start(auto_format=True)
    store(client, "a.jpg")
    webp = {"Accept": "image/webp"}
    assert get(client, "/a.jpg", headers=webp).headers["content-type"] == "image/webp"
    assert get(client, "/a.jpg?tr=f-png", headers=webp).headers["content-type"] == "image/png"


PRIVATE = {"isPrivateFile": "true"}


def test_private_file(client: Client) -> None:
    """A private file needs a signature, transformed or not, except with a named transformation [upload docs]."""
    store(client, "private.jpg", **PRIVATE)
    assert get(client, "/private.jpg").status_code == 401
    assert get(client, "/tr:w-10/private.jpg").status_code == 401
    assert size(get(client, "/tr:n-media_library_thumbnail/private.jpg")) == (40, 20)
    assert get(client, "/tr:n-media_library_thumbnail,w-40/private.jpg").status_code == 401


@pytest.mark.parametrize(
    "text", [":", ",", "l-text,i-a,l-end", "n-ik_ml_thumbnail,l-text,i-a,l-end", "if-w_gt_1,if-end"]
)
def test_only_a_name_opens_a_private_file(client: Client, text: str) -> None:
    """A transformation without steps or with ignored parts is not a named transformation."""
    store(client, "private.jpg", **PRIVATE)
    assert get(client, f"/private.jpg?tr={text}").status_code == 401
    assert get(client, f"/tr:{text}/private.jpg").status_code == 401


@pytest.mark.parametrize(
    "tail", ["/private.jpg", "/tr:w-10/private.jpg", "/private.jpg?tr=w-10&v=1", "/private.jpg?v="]
)
def test_signed_address(client: Client, tail: str) -> None:
    """With a signature it is delivered, until the expiry if there is one."""
    store(client, "private.jpg", **PRIVATE)
    assert get(client, signed(client, tail)).status_code == 200
    assert get(client, signed(client, tail, int(time.time()) + 100)).status_code == 200
    assert get(client, signed(client, tail, int(time.time()) - 1)).status_code == 401


def test_signed_layers(client: Client) -> None:
    """A signature covers private layers, which are a part of the signed URL."""
    store(client, "a.jpg")
    store(client, "private.jpg", **PRIVATE)
    url = signed(client, "/tr:l-image,i-private.jpg,w-9,l-end/a.jpg")
    assert get(client, url).status_code == 200
    assert get(client, url.replace("w-9", "w-8")).status_code == 401


def test_altered_address(client: Client) -> None:
    """Any change to a signed URL is rejected [docs: 401]."""
    store(client, "private.jpg", **PRIVATE)
    good = signed(client, "/tr:w-10/private.jpg?v=1", int(time.time()) + 100)
    changes = {"w-10": "w-20", "v=1": "v=2", "&ik-t": "&u=1&ik-t", "ik-s=": "ik-s=0", "ik-t=1": "ik-t=2"}
    assert get(client, good).status_code == 200
    for old, new in changes.items():
        assert old in good
        assert get(client, good.replace(old, new)).status_code == 401
    assert get(client, good.partition("&ik-t")[0]).status_code == 401


def test_signatures_that_are_no_text(client: Client) -> None:
    """Malformed signatures and expiries are rejected like invalid ones."""
    store(client, "private.jpg", **PRIVATE)
    for query in ("ik-s=%FF", "ik-s=", "ik-s=é&ik-t=é", "ik-t=-1&ik-s=0"):
        assert get(client, f"/private.jpg?{query}").status_code == 401
    assert get(client, signed(client, "/private.jpg", -5)).status_code == 401


@pytest.mark.parametrize(
    ("rules", "last"), [({}, 0.999), ({"signature_leeway": 0}, -0.001), ({"signature_leeway": 30}, 29.999)]
)
def test_a_signed_url_expires(start: Callable[..., Client], rules: dict[str, float], last: float) -> None:
    """At the end of the second in `ik-t`, or when a rule says."""
    now = [1_000.0]
    client = start(clock=lambda: now[0], **rules)
    store(client, "private.jpg", **PRIVATE)
    url = signed(client, "/private.jpg", 1_000)
    for moment, status in ((1_000 + last, 200), (1_000.001 + last, 401)):
        now[0] = moment
        assert get(client, url).status_code == status


def test_bad_signature_of_a_public_file(start: Callable[..., Client]) -> None:
    """A rule says whether an invalid signature that is not needed is rejected (older docs) or ignored (newer docs)."""
    client = start()
    store(client, "a.jpg")
    assert get(client, "/a.jpg?ik-s=0").status_code == 401
    other = start(bad_signature="ignore")
    store(other, "a.jpg")
    assert get(other, "/a.jpg?ik-s=0").status_code == 200


def test_unsigned_addresses_can_be_refused(start: Callable[..., Client]) -> None:
    """The dashboard's "Restrict Unsigned URLs" [docs], with the status that a rule sets."""
    client = start(restrict_unsigned=True, unsigned_status=403)
    store(client, "a.jpg")
    assert get(client, "/a.jpg").status_code == 403
    assert get(client, "/tr:n-media_library_thumbnail/a.jpg").status_code == 403
    assert get(client, signed(client, "/a.jpg")).status_code == 200
    assert get(client, "/a.jpg?ik-s=0").status_code == 401


def test_private_files_that_are_no_images(start: Callable[..., Client]) -> None:
    """A rule says whether `isPrivateFile` protects all files or only images."""
    client = start()
    store(client, "a.pdf", b"%PDF-", **PRIVATE)
    assert get(client, "/a.pdf").status_code == 401
    other = start(private_files="images")
    store(other, "a.pdf", b"%PDF-", **PRIVATE)
    assert get(other, "/a.pdf").status_code == 200


def test_vector_of_the_sdks() -> None:
    """The signature in the tests of the official SDKs is valid."""
    from ikpipe.emulator import signatures

    vector = "32dbbbfc5f945c0403c71b54c38e76896ef2d6b0"
    assert signatures.is_valid_url("dummy-key", "sdk-testing-files/future-search.png", None, vector, time.time())


def test_without_the_body(client: Client) -> None:
    """The response to a HEAD request is that of a GET."""
    path = store(client, "head.jpg")
    reply = client.http.head(f"{client.emulator.url_endpoint}{path}?tr=w-10")
    assert (reply.status_code, reply.headers["content-type"], reply.content) == (200, "image/jpeg", b"")


BOUNDED = [
    (":".join(["w-30"] * 51), "51 steps"),
    (":".join(["rt-45"] * 9), "9 rotations"),
    (":".join(["n-big"] * 20), "more than 500 megapixels"),
    ("w-15000,h-10,c-force:rt-45", "larger than 100 megapixels"),
    ("n-turned," * 3, "9 rotations"),
]


@pytest.mark.parametrize(("chain", "why"), BOUNDED, ids=[why for _, why in BOUNDED])
def test_a_transformation_has_bounds(start: Callable[..., Client], chain: str, why: str) -> None:
    """Too many steps, rotations or pixels, also of named transformations, are a 400 with the reason in the header."""
    turned = ":".join(["rt-45"] * 3)
    client = start(named=f"big=w-9000,h-9000,c-force;turned={turned}")
    path = store(client, "a.png", picture("PNG", (2, 2)))
    reply = get(client, f"/tr:{chain}{path}")
    assert (reply.status_code, reply.text) == (400, "Bad Image Transformation Request")
    assert why in reply.headers["ik-error"]


def test_transformations_within_the_bounds_are_carried_out(client: Client) -> None:
    """Fifty steps; eight rotations, and as many by right angles as there are steps."""
    path = store(client, "bounds.png", picture("PNG", (2, 2)))
    for chain in (["w-3"] * 50, ["rt-45,w-9,h-9,c-force"] * 8, ["rt-90"] * 50):
        assert get(client, f"/tr:{':'.join(chain)}{path}").status_code == 200
