"""A form's body holds the very texts and bytes, for parsers that nobody here wrote."""

from __future__ import annotations

import io
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_multipart import FormParser
from python_multipart.multipart import parse_options_header

from ikpipe.request.form import MultipartForm, build_form
from ikpipe.request.sources import FileSource

BOUNDARY = "0123456789abcdef0123456789abcdef"
fields_strategy = st.dictionaries(st.sampled_from(["fileName", "tags", "customMetadata", "description"]), st.text())


def body(form: MultipartForm, content: bytes, token: str) -> bytes:
    """Put a form together, as it goes over the wire."""
    return form.head + content + form.tail(token)


def by_python_multipart(form: MultipartForm, data: bytes) -> list[tuple[str, bytes]]:
    """Read a body with the library that Starlette uses: names and contents, in order."""
    found: list[tuple[str, bytes]] = []

    def on_field(field: Any) -> None:
        found.append((field.field_name.decode(), field.value or b""))

    def on_file(file: Any) -> None:
        file.file_object.seek(0)
        found.append((file.field_name.decode(), file.file_object.read()))
        file.close()

    kind, options = parse_options_header(form.content_type)
    parser = FormParser(kind.decode(), on_field, on_file, boundary=options[b"boundary"])
    parser.write(data)
    parser.finalize()
    return found


def by_email(form: MultipartForm, data: bytes) -> list[tuple[str, bytes]]:
    """Read a body with the standard library's reader of MIME."""
    head = f"Content-Type: {form.content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + data)
    return [
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True))
        for part in message.iter_parts()
    ]


@given(fields_strategy, st.binary(), st.text("abc.-_"))
def test_an_independent_parser_reads_the_very_texts(fields: dict[str, str], content: bytes, token: str) -> None:
    """Whatever the texts and bytes are: python-multipart gives them back, in order, and the token is last."""
    form = build_form(fields, FileSource("bytes", content=content, size=len(content)), BOUNDARY)
    found = by_python_multipart(form, body(form, content, token))
    assert found == [
        *((name, text.encode()) for name, text in fields.items()),
        ("file", content),
        ("token", token.encode()),
    ]


mime_texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))


@given(st.dictionaries(st.sampled_from(["fileName", "tags", "checks"]), mime_texts), mime_texts)
def test_another_parser_reads_the_same(fields: dict[str, str], url: str) -> None:
    """The standard library's `email` reads the same names and texts, the file's among them."""
    form = build_form(fields, FileSource("url", "a", url), BOUNDARY)
    found = by_email(form, body(form, b"", "t.o.k"))
    assert found == [
        *((name, text.encode()) for name, text in fields.items()),
        ("file", url.encode()),
        ("token", b"t.o.k"),
    ]


@given(fields_strategy, st.binary(), st.text(), st.text())
def test_the_length_is_exact(fields: dict[str, str], content: bytes, token: str, name: str) -> None:
    """`Content-Length` counts the bytes that go out, not one more or less."""
    form = build_form(fields, FileSource("bytes", name, content=content, size=len(content)), BOUNDARY)
    assert len(form.head) + form.size + len(form.tail(token)) == len(body(form, content, token))


def test_a_fresh_token_changes_nothing_before_it() -> None:
    """The form is framed once; what comes before the token is the same for every attempt."""
    form = build_form({"fileName": "a.jpg"}, FileSource("bytes", content=b"abc", size=3), BOUNDARY)
    assert form.tail("one").replace(b"one", b"two") == form.tail("two")


def test_the_body_is_what_the_specification_says() -> None:
    """RFC 7578, byte for byte."""
    form = build_form({"fileName": "a.jpg"}, FileSource("path", 'ü".jpg', path="x", size=3), "B")
    assert form.content_type == "multipart/form-data; boundary=B"
    assert body(form, b"abc", "T").decode() == (
        '--B\r\nContent-Disposition: form-data; name="fileName"\r\n\r\na.jpg\r\n'
        '--B\r\nContent-Disposition: form-data; name="file"; filename="ü%22.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        'abc\r\n--B\r\nContent-Disposition: form-data; name="token"\r\n\r\nT\r\n--B--\r\n'
    )


@pytest.mark.parametrize("kind", ["url", "text"])
def test_a_file_that_is_text_is_a_field(kind: Any) -> None:
    """URLs, base64 and data URIs go as text, without a file's name."""
    form = build_form({}, FileSource(kind, "a.jpg", "https://a.example/a.jpg"), BOUNDARY)
    assert (b"filename" in form.head, form.size) == (False, 0)
    assert form.head.endswith(b'name="file"\r\n\r\nhttps://a.example/a.jpg')


@pytest.mark.parametrize(
    ("name", "field", "kind"),
    [
        ("a.png", "b.jpg", "image/png"),
        (None, "b.jpg", "image/jpeg"),
        ("a.PNG", None, "image/png"),
        ("a", None, "application/octet-stream"),
        (None, None, "application/octet-stream"),
        ("data:text/x\r\nEvil: 1,a", None, "application/octet-stream"),
        ("data:image/svg,a.png", None, "image/png"),
    ],
)
def test_the_content_type_goes_by_the_ending(name: str | None, field: str | None, kind: str) -> None:
    """The file's own name decides, then `fileName`; nothing in a name can write headers."""
    fields = {} if field is None else {"fileName": field}
    head = build_form(fields, FileSource("bytes", name, content=b"a", size=1), BOUNDARY).head
    assert head.endswith(f"\r\nContent-Type: {kind}\r\n\r\n".encode())


@given(st.text())
def test_no_name_breaks_out_of_its_header(name: str) -> None:
    """Whatever a file is called, its part has two header lines."""
    head = build_form({}, FileSource("bytes", name, content=b"a", size=1), BOUNDARY).head
    assert len(io.BytesIO(head).read().split(b"\r\n")) == 5
