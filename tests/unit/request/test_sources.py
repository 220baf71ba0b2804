"""What `file` can be, and that no cell can publish what it should not."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.errors import InvalidValue
from ikpipe.request.columns import call_or_error
from ikpipe.request.sources import FileResolver, FileSource

PIXEL = base64.b64encode(b"GIF89a pixel").decode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a folder of files with a secret beside it, and links of all sorts."""
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"abc")
    (folder / "sub" / "画像 b.png").write_bytes(b"de")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (folder / "out.txt").symlink_to("../secret.txt")
    (folder / "in.jpg").symlink_to("a.jpg")
    (folder / "away").symlink_to(tmp_path)
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture(scope="module")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with files around it, whose names are as those that are tried."""
    folder = tmp_path_factory.mktemp("paths") / "ab"
    (folder / "a" / "b").mkdir(parents=True)
    for file in ("a/a", "a/b/é", "b", "../b", "../a"):
        (folder / file).write_bytes(b"x")
    return folder


def refused(intake: FileResolver, value: object) -> str:
    """Give the code of the problem that a cell is."""
    with pytest.raises(InvalidValue) as caught:
        intake.read(value)
    assert caught.value.fix
    return caught.value.code


# URLs


@pytest.mark.parametrize("around", [" {}", "{} ", "\t{}\n", "\u00a0{}", "\ufeff{}\u200b"])
@pytest.mark.parametrize("text", ["https://a.example/b.png", "data:image/gif;base64,{pixel}"])
def test_spaces_around_a_url_or_a_data_uri_do_not_count(around: str, text: str) -> None:
    """Both are read alike, whatever spaces and invisible characters a spreadsheet left around them."""
    text = text.format(pixel=PIXEL)
    assert FileResolver().read(around.format(text)) == FileResolver().read(text)


@pytest.mark.parametrize(
    "text", ["https://a.example/b%20c.png", "HTTPS://A.example/b c.png", " https://a.example/b c.png"]
)
def test_a_url_is_the_services_to_fetch(text: str) -> None:
    """An http(s) URL is sent as text, encoded, and its last segment names the file."""
    assert FileResolver().read(text) == FileSource("url", "b c.png", "https://a.example/b%20c.png")


def test_a_url_can_be_fetched_here() -> None:
    """With `fetch="client"`, this machine downloads it."""
    assert FileResolver(fetch="client").read("http://a.example/b.png").kind == "fetch"


def test_a_url_is_no_path_below_root(root: Path) -> None:
    """A root changes nothing for URLs."""
    assert FileResolver(root).read("http://a.example/a.jpg").kind == "url"


@pytest.mark.parametrize("text", ["http://", "http:a.jpg", "https://a b/"])
def test_a_broken_url_is_a_problem(text: str) -> None:
    """What begins like a URL is never tried as a path."""
    assert refused(FileResolver(), text) == "bad_url"


@pytest.mark.parametrize("text", ["ftp://a.example/b.png", "s3://bucket/key", "gopher://x"])
def test_another_scheme_is_a_problem(root: Path, text: str) -> None:
    """Only http and https can be fetched, with a root as without."""
    assert refused(FileResolver(), text) == refused(FileResolver(root), text) == "bad_url"


@pytest.mark.parametrize("text", ["file:///etc/passwd", "FILE:///etc/passwd", "File:/etc/passwd", " file:a.jpg"])
def test_file_urls_are_always_refused(root: Path, text: str) -> None:
    """`file:` in any case, with a root as without."""
    assert refused(FileResolver(), text) == refused(FileResolver(root), text) == "file_not_allowed"


# Paths


@pytest.mark.parametrize(
    "text", ["/etc/passwd", "a.jpg", "../a", "~/.ssh/id_rsa", "C:\\Users\\a.jpg", "abcd", "\\\\host\\x"]
)
def test_text_without_a_root_is_refused(text: str) -> None:
    """A spreadsheet must not be able to publish a file of this machine."""
    assert refused(FileResolver(), text) == "file_not_allowed"


@pytest.mark.parametrize(
    ("text", "name", "size"),
    [
        ("a.jpg", "a.jpg", 3),
        ("sub/画像 b.png", "画像 b.png", 2),
        ("./sub/../a.jpg", "a.jpg", 3),
        ("in.jpg", "in.jpg", 3),
    ],
)
def test_a_path_below_root_is_read(root: Path, text: str, name: str, size: int) -> None:
    """Paths resolve inside `root`, links that stay in it too; the file keeps the name that the cell gave it."""
    source = FileResolver(root).read(text)
    assert (source.kind, source.name, source.size) == ("path", name, size)
    assert source.path is not None
    assert Path(source.path).is_relative_to(root)


@pytest.mark.parametrize(
    ("text", "found", "name"),
    [
        ("sub\\画像 b.png", "sub/画像 b.png", "画像 b.png"),
        (".\\sub\\..\\a.jpg", "./sub/../a.jpg", "a.jpg"),
        (" a.jpg ", "a.jpg", "a.jpg"),
        ("a.jpg\u200b", "a.jpg", "a.jpg"),
    ],
)
def test_a_path_in_another_spelling_is_found(root: Path, text: str, found: str, name: str) -> None:
    """Backslashes are separators where no file has them in its name, and spaces around a path do not count."""
    source = FileResolver(root).read(text)
    assert (source.text, source.found_as, source.name) == (text, found, name)
    assert source.path == str((root / found).resolve())


@pytest.mark.parametrize(("on_disk", "in_cell"), [("NFD", "NFC"), ("NFC", "NFD")])
@pytest.mark.parametrize("separator", ["/", "\\"])
def test_a_path_in_another_unicode_form_is_found(root: Path, on_disk: Any, in_cell: Any, separator: str) -> None:
    """MacOS writes names in NFD, most tables have NFC; the file keeps the name that the cell gave it."""
    file = root / normalize(on_disk, "Zubehör") / "b" / normalize(on_disk, "Gürtel.jpg")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"abc")
    text = normalize(in_cell, separator.join(["Zubehör", "b", "Gürtel.jpg"]))
    source = FileResolver(root).read(text)
    assert (source.path, source.name) == (str(file.resolve()), normalize(in_cell, "Gürtel.jpg"))
    assert source.found_as == normalize(on_disk, "Zubehör/b/Gürtel.jpg")
    if separator == "/":
        assert FileResolver(root).read(Path(text)).path == str(file.resolve())


@pytest.mark.parametrize("text", ["SUB/Regal.JPG", "sub\\regal.JPG", "Sub/regal.jpg "])
def test_a_path_in_another_case_is_found(root: Path, text: str) -> None:
    """Tables are written where case does not count; the file keeps the name that the cell gave it."""
    (root / "sub" / "regal.jpg").write_bytes(b"abc")
    source = FileResolver(root).read(text)
    assert (source.found_as, source.name) == ("sub/regal.jpg", text[4:].strip())
    assert source.path == str((root / "sub" / "regal.jpg").resolve())


def test_a_path_in_another_case_means_one_file(root: Path) -> None:
    """Of two names that differ only in case, the very name is meant, or none."""
    (root / "b.jpg").write_bytes(b"abc")
    (root / "B.JPG").write_bytes(b"de")
    assert FileResolver(root).read("B.JPG").size == 2
    assert refused(FileResolver(root), "B.jpg") == "file_not_found"


def test_an_address_without_a_scheme_has_a_fix_that_can_be_copied() -> None:
    """Spreadsheets and browsers leave out https://."""
    bad = call_or_error(FileResolver().read, " www.shop.example/a.jpg")
    assert isinstance(bad, InvalidValue)
    assert bad.fix == 'Write https:// before it: "https://www.shop.example/a.jpg".'


def test_a_file_with_this_very_name_comes_first(root: Path) -> None:
    """On Linux, a name can have a backslash and spaces: such a file is the one that is meant."""
    for name in ("sub\\画像 b.png", " a.jpg"):
        (root / name).write_bytes(b"x")
        source = FileResolver(root).read(name)
        assert (source.name, source.found_as, source.size) == (name, None, 1)


@pytest.mark.parametrize(
    "text",
    [
        "..\\secret.txt",
        "sub\\..\\..\\secret.txt",
        " ../secret.txt",
        "away\\secret.txt",
        "../Secret.txt",
        "Away/SECRET.txt",
    ],
)
def test_no_other_spelling_leads_out_of_root(root: Path, text: str) -> None:
    """A path that is read in another spelling is checked like any other."""
    assert refused(FileResolver(root), text) == "file_not_allowed"


@pytest.mark.parametrize("text", ["..\\..\\nothing", "C:\\Users\\a.jpg", "\\\\host\\share\\a.jpg", "Gürtel.jpg", " "])
def test_what_no_spelling_finds_is_told_as_given(root: Path, text: str) -> None:
    """The problem has the path of the cell."""
    assert refused(FileResolver(root), text) in ("file_not_found", "file_not_allowed", "file_unreadable")


@given(st.text(st.sampled_from("./\\ ab\u0301é\u00e9"), max_size=12))
def test_no_path_of_any_spelling_leads_out_of_root(shared_root: Path, text: str) -> None:
    """Whatever dots, slashes, backslashes and spaces: a file is inside of root, or a problem."""
    source = call_or_error(FileResolver(shared_root).read, text)
    if isinstance(source, InvalidValue):
        assert source.code in ("file_not_found", "file_not_allowed", "file_unreadable")
    else:
        assert source.path is not None
        assert Path(source.path).is_relative_to(shared_root.resolve())


def test_an_absolute_path_inside_root_is_read(root: Path) -> None:
    """What lies in `root` may be named in full."""
    assert FileResolver(root).read(str(root / "a.jpg")).size == 3


@pytest.mark.parametrize(
    "text", ["../secret.txt", "sub/../../secret.txt", "out.txt", "away/secret.txt", "{}/secret.txt"]
)
def test_no_path_leads_out_of_root(root: Path, text: str) -> None:
    """Not by `..`, not by a link to a file or a folder, not by an absolute path; and not as a `Path` either."""
    text = text.format(root.parent)
    assert refused(FileResolver(root), text) == refused(FileResolver(root), Path(text)) == "file_not_allowed"


def test_many_paths_are_read_like_each(root: Path) -> None:
    """Together, a folder is looked at once; what is read, and what is refused, is the same."""
    texts = ["a.jpg", "sub/画像 b.png", "sub/../a.jpg", "in.jpg", "out.txt", "away/secret.txt", "loop", "pipe", "sub"]
    texts += [
        "../secret.txt",
        "none",
        "a.jpg/x",
        "sub/",
        "sub/.",
        "..",
        "/",
        "//a.jpg",
        "/etc/passwd",
        str(root / "a.jpg"),
    ]
    for given_values in (texts, [Path(text) for text in texts]):
        read = FileResolver(root).read_all([*given_values, None])
        alone = [call_or_error(FileResolver(root).read, value) for value in given_values]
        assert [repr(one) for one in read] == [repr(one) for one in [*alone, None]]


def test_a_link_that_is_made_meanwhile_is_seen(root: Path) -> None:
    """What was a folder is a way out of root when the next rows are read: they are refused."""
    intake = FileResolver(root)
    (root / "new").mkdir()
    (root / "new" / "secret.txt").write_bytes(b"harmless")
    assert [type(one) for one in intake.read_all(["new/secret.txt"])] == [FileSource]
    (root / "new").rename(root / "old")
    (root / "new").symlink_to("..")
    assert [type(one) for one in intake.read_all(["new/secret.txt"])] == [InvalidValue]


def test_a_root_that_is_a_link_is_a_root(root: Path) -> None:
    """Inside and outside are told by where things really lie."""
    link = root.parent / "link"
    link.symlink_to(root)
    assert FileResolver(link).read("a.jpg").size == 3
    assert refused(FileResolver(link), "../secret.txt") == "file_not_allowed"


def test_a_path_in_a_cell_was_put_there_by_code(root: Path) -> None:
    """Without a root, a `pathlib.Path` is read wherever it lies."""
    assert FileResolver().read(root.parent / "secret.txt").size == 6


@pytest.mark.parametrize("text", ["b.jpg", "a.jpg/b", "sub/none/x"])
def test_a_file_that_is_not_there(root: Path, text: str) -> None:
    """A missing file is a problem that names it."""
    assert refused(FileResolver(root), text) == refused(FileResolver(), root / text) == "file_not_found"


@pytest.mark.parametrize("text", ["sub", ".", "pipe", "loop", "a\0.jpg", "x" * 5000])
def test_what_cannot_be_read_as_a_file(root: Path, text: str) -> None:
    """A folder, a pipe (which would block), a link to itself, a NUL, a name beyond all length."""
    assert refused(FileResolver(root), text) == refused(FileResolver(), root / text) == "file_unreadable"


@given(st.text())
def test_no_text_at_all_breaks_it(text: str) -> None:
    """Whatever stands in a cell is a source or a problem, and never a file out of root."""
    here = Path(__file__).parent
    try:
        source = FileResolver(here).read(text)
    except InvalidValue as bad:
        assert bad.code  # noqa: PT017 - either way is right
    else:
        assert source.path is None or Path(source.path).is_relative_to(here)


# Contents


@pytest.mark.parametrize("value", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
def test_bytes_are_the_file(value: object) -> None:
    """Bytes of each kind, which bring no name."""
    assert FileResolver().read(value) == FileSource("bytes", content=b"abc", size=3)


@pytest.mark.parametrize("head", ["data:image/gif;base64", "DATA:image/gif;Base64", "data:;base64"])
def test_a_data_uri_is_sent_as_it_is(head: str) -> None:
    """A base64 data URI goes out as text; its size is that of its bytes."""
    text = f"{head},{PIXEL}"
    assert FileResolver().read(text) == FileSource("text", text=text, size=12)


@pytest.mark.parametrize(
    "text",
    [
        "data:",
        "data:image/gif",
        "data:image/gif,abc",
        "data:;base64,",
        "data:;base64,a",
        "data:;base64,é",
        "data:;base64,!",
    ],
)
def test_a_broken_data_uri_is_a_problem(text: str) -> None:
    """No comma, not base64, no bytes, or letters that base64 does not have."""
    assert refused(FileResolver(), text) == "bad_file"


@pytest.mark.parametrize("text", [PIXEL, f"{PIXEL[:5]}\n{PIXEL[5:]}"])
def test_base64_must_be_said(text: str) -> None:
    """Base64 text cannot be told from a path: it is one only with `file_kind="base64"`."""
    assert FileResolver(base64=True).read(text) == FileSource("text", text=text, size=12)
    assert refused(FileResolver(), text) == "file_not_allowed"


@pytest.mark.parametrize("text", ["a", "a.jpg", "画像", "", "====", "https://a.example/b.png"])
def test_broken_base64_is_a_problem(text: str) -> None:
    """Whatever is no base64, though all text is said to be."""
    assert refused(FileResolver(base64=True), text) == "bad_file"


@given(st.binary(min_size=1))
def test_the_size_of_base64_is_that_of_its_bytes(content: bytes) -> None:
    """For any content."""
    assert FileResolver(base64=True).read(base64.b64encode(content).decode()).size == len(content)


@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {"a": 1}, object()])
def test_what_can_be_no_file(value: object) -> None:
    """Numbers, lists and the like are no files."""
    assert refused(FileResolver(), value) == "bad_file"


# Size


def test_a_limit_holds_for_all_whose_size_is_known(root: Path) -> None:
    """The size limit is the account's, in bytes; without one, nothing is too large, and a URL's size is not known."""
    allowed, strict = FileResolver(root, max_size=3), FileResolver(root, max_size=2)
    for value in (b"abc", "a.jpg", root / "a.jpg", "data:;base64,YWJj"):
        assert allowed.read(value).size == 3
        assert refused(strict, value) == "file_too_large"
    assert strict.read("https://a.example/b.png").size is None


# Empty files


@pytest.mark.parametrize("kind", ["bytes", "path"])
def test_an_empty_file_is_refused(kind: str, tmp_path: Path) -> None:
    """A file without bytes is a problem of its row: the service takes none."""
    (tmp_path / "empty.jpg").touch()
    assert refused(FileResolver(), b"" if kind == "bytes" else tmp_path / "empty.jpg") == "bad_file"


def test_what_somebody_else_holds() -> None:
    """A text that stands for a file of theirs is this file, sizes and all; other texts are what they were."""
    held = FileSource("held", "a.png", "browser://x/b0/a.png", size=7)
    intake = FileResolver(held={held.text: held}.get, max_size=10)
    assert intake.read(held.text) == held
    assert intake.read("https://example.com/a.png").kind == "url"
    with pytest.raises(InvalidValue, match="is not a URL"):
        intake.read("a.png")
    with pytest.raises(InvalidValue, match="the account allows 5"):
        FileResolver(held={held.text: held}.get, max_size=5).read(held.text)


def test_what_nobody_holds_is_no_file() -> None:
    """The text that stands for a browser's file is refused where there is no browser."""
    with pytest.raises(InvalidValue, match="must start with http:// or https://"):
        FileResolver(root=None).read("browser://x/b0/a.png")
