"""A frame goes up to the emulator, and its answers come back as a frame."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import Page, RawServer, answering, signing, silent, stored, uploads_of

import ikpipe
from ikpipe._result import RESULT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from doubles import Site

    from ikpipe import Account
    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]
    Picture = Callable[..., bytes]


def sha(content: bytes) -> str:
    """Give the hash under which the emulator's log has a file."""
    return hashlib.sha256(content).hexdigest()


def blobs(*contents: bytes, **columns: list[Any]) -> pd.DataFrame:
    """Make a frame of files given as bytes."""
    return pd.DataFrame({"file": pd.Series(contents, dtype=object), **columns})


def quiet(frame: pd.DataFrame, account: Account, **options: Any) -> pd.DataFrame:
    """Upload without drawing."""
    return ikpipe.upload(frame, account, progress=False, **options)


# The results frame


def test_answers_stand_beside_their_rows(account: Account, picture: Picture) -> None:
    """Each row has the answer to its own file."""
    frame = blobs(*(picture(n, size=(n + 1, 2)) for n in range(5)))
    results = quiet(frame, account, file_name="a.png")
    assert results["ik_status"].tolist() == ["uploaded"] * 5
    assert results["ik_width"].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([7, 7, -1]),
        pd.Index(["b", "a", "b"], name="sku"),
        pd.MultiIndex.from_tuples([("x", 1), ("x", 2), ("x", 1)], names=["shop", "row"]),
        pd.date_range("2026-01-01", periods=3),
        pd.CategoricalIndex(["l", "s", "l"]),
    ],
    ids=["duplicates", "text", "levels", "dates", "categories"],
)
def test_index_is_kept(index: pd.Index[Any], account: Account) -> None:
    """Results have the very index of the input, duplicate labels and levels included."""
    results = quiet(blobs(b"0", b"1", b"2").set_axis(index), account, file_name="a.bin")
    pd.testing.assert_index_equal(results.index, index)
    assert results["ik_size"].tolist() == [1, 1, 1]


def test_results_have_all_columns_and_dtypes(account: Account) -> None:
    """Results have the input's columns, then every `ik_` column with its dtype."""
    results = quiet(blobs(b"1", sku=[4]), account, file_name="a.bin")
    assert list(results) == ["file", "sku", *RESULT_COLUMNS]
    assert {column: str(results[column].dtype) for column in RESULT_COLUMNS} == RESULT_COLUMNS


def test_an_empty_frame_is_answered_by_an_empty_one(account: Account, arrived: Arrived) -> None:
    """No rows: no request, and all columns with their dtypes."""
    results = quiet(pd.DataFrame({"file": pd.Series([], dtype="string")}), account)
    assert (len(results), arrived()) == (0, [])
    assert {column: str(results[column].dtype) for column in RESULT_COLUMNS} == RESULT_COLUMNS


def test_input_is_never_changed(account: Account) -> None:
    """The frame that was given is equal to itself before, its attrs too."""
    frame = blobs(b"1", b"", tags=[["a"], None])
    frame.attrs["origin"] = {"sheet": 3}
    before = frame.copy(deep=True)
    results = quiet(frame, account, file_name="a.bin")
    pd.testing.assert_frame_equal(frame, before)
    assert (frame.attrs, results.attrs["origin"]) == ({"origin": {"sheet": 3}}, {"sheet": 3})


def test_old_answers_are_replaced(account: Account) -> None:
    """Columns of the results' names in the input give way to the new answers."""
    results = quiet(blobs(b"1", ik_status=["failed"], ik_extra=["old"]), account, file_name="a.bin")
    assert results["ik_status"].tolist() == ["uploaded"]
    assert "ik_extra" not in results


@pytest.mark.parametrize("dtype", ["string", "category", "object", "str", "string[pyarrow]"])
def test_text_of_every_dtype_is_read(dtype: str, account: Account, arrived: Arrived) -> None:
    """Whatever pandas keeps text in, the same text is sent."""
    frame = pd.DataFrame({"file": ["data:;base64,YQ=="] * 2, "sku": pd.Series(["ä1", "ä1"], dtype=dtype)})
    quiet(frame, account, file_name="{sku}.bin")
    assert [entry["fields"]["fileName"] for entry in arrived()] == ["ä1.bin"] * 2


def test_unknown_response_fields_are_kept(account: Account) -> None:
    """A response field that nobody knows lands in `ik_extra`."""
    with RawServer(answering(200, {**stored(), "colourSpace": "srgb"})) as server:
        results = quiet(blobs(b"abc"), _at(account, server.url), file_name="a.jpg")
    assert results["ik_extra"].tolist() == [{"colourSpace": "srgb"}]


def test_summary_says_how_the_run_went(account: Account) -> None:
    """`attrs` has counts by status, bytes and rows."""
    summary = quiet(blobs(b"12345", b"1", tags=[None, "%"]), account, file_name="a.bin").attrs["ikpipe"]
    assert summary["counts"] == {"uploaded": 1, "invalid": 1}
    assert (summary["rows"], summary["bytes"], summary["interrupted"]) == (2, 5, False)


# What `file` can be


def test_urls_are_fetched_by_the_service(account: Account, site: Site, arrived: Arrived) -> None:
    """A URL is sent as text; the service downloads it, and its name is the file's."""
    url = site.put("/red.jpg", b"red")
    results = quiet(pd.DataFrame({"file": [url]}), account, use_unique_file_name=False)
    assert arrived()[0]["file"] == {"kind": "url", "name": None, "size": 3, "sha256": sha(b"red")}
    assert results["ik_name"].tolist() == ["red.jpg"]


@pytest.mark.parametrize("fetch", ["server", "client"])
def test_urls_are_encoded_as_a_browser_would(fetch: Any, account: Account, site: Site, arrived: Arrived) -> None:
    """Spaces and Japanese letters in a URL arrive percent-encoded, and decoded in the file's name."""
    site.put("/%E7%8C%AB%20%E5%86%99%E7%9C%9F.jpg?size=a%20b", b"cat")
    frame = pd.DataFrame({"file": [f"{site.url}/猫 写真.jpg?size=a b"]})
    results = quiet(frame, account, fetch=fetch, use_unique_file_name=False)
    assert (arrived()[0]["file"]["sha256"], results["ik_name"].tolist()) == (sha(b"cat"), ["猫_写真.jpg"])


def test_bytes_paths_and_text_arrive_whole(account: Account, tmp_path: Path, arrived: Arrived) -> None:
    """Bytes, a `Path` and a data URI in one column arrive as the same file."""
    content = bytes(range(256)) * 9
    (tmp_path / "a.bin").write_bytes(content)
    uri = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    quiet(blobs(content, tmp_path / "a.bin", uri), account, file_name="a.bin")
    assert {entry["file"]["sha256"] for entry in arrived()} == {sha(content)}
    assert sorted(entry["file"]["kind"] for entry in arrived()) == ["binary", "binary", "data-uri"]


def test_base64_text_is_decoded_by_the_service(account: Account, arrived: Arrived) -> None:
    """`file_kind="base64"` sends text as it is, and the service decodes it."""
    text = base64.b64encode(b"some bytes").decode()
    quiet(pd.DataFrame({"file": [text]}), account, file_kind="base64", file_name="a.bin")
    assert (arrived()[0]["file"]["kind"], arrived()[0]["file"]["sha256"]) == ("base64", sha(b"some bytes"))


def test_text_paths_live_below_the_root(account: Account, tmp_path: Path, arrived: Arrived) -> None:
    """With `root=`, text is a path in that folder, and names the file."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.txt").write_bytes(b"below")
    results = quiet(pd.DataFrame({"file": ["in/b.txt"]}), account, root=tmp_path, use_unique_file_name=False)
    assert (arrived()[0]["file"]["sha256"], results["ik_name"].tolist()) == (sha(b"below"), ["b.txt"])


def test_ways_out_of_the_root_send_nothing(account: Account, tmp_path: Path, arrived: Arrived) -> None:
    """`..`, an absolute path, a link and a `Path` that lead out of the root are refused."""
    root = tmp_path / "root"
    root.mkdir()
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"secret")
    (root / "link").symlink_to(secret)
    frame = blobs("../secret.txt", str(secret), "link", secret, f"file://{secret}")  # type: ignore[arg-type]
    results = quiet(frame, account, root=root, file_name="a.txt")
    assert (results["ik_error"].tolist(), arrived()) == (["file_not_allowed"] * 5, [])


def test_a_local_path_needs_a_root(account: Account, arrived: Arrived) -> None:
    """Without `root=`, text that is no URL is refused: a spreadsheet cannot publish a local file."""
    results = quiet(pd.DataFrame({"file": [__file__]}), account)
    assert (results["ik_error"].tolist(), arrived()) == (["file_not_allowed"], [])


@pytest.mark.parametrize("page", [Page(b"", 200), Page(b"whole body", chunked=True), Page(b"late", wait=0.2)])
def test_files_fetched_here_arrive_whole(page: Page, account: Account, site: Site) -> None:
    """With `fetch="client"`, a chunked body and a slow one arrive whole; an empty one is the service's to refuse."""
    url = site.put("/page.bin", page)
    with RawServer(answering(200, stored())) as server:
        quiet(pd.DataFrame({"file": [url]}), _at(account, server.url), fetch="client")
    assert server.requests[0].parts[-2].content == page.body
    assert server.requests[0].parts[-2].headers.count('filename="page.bin"') == 1


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (Page(b"", 404), "answered 404"),
        (Page(b"", 503), "answered 503"),
        (Page(b"half", cut=2), "cannot be downloaded"),
        (Page(b"", 302, headers=(("Location", "/loop"),)), "cannot be downloaded"),
    ],
    ids=["missing", "ill", "cut", "loop"],
)
def test_files_that_cannot_be_fetched_send_nothing(
    page: Page, words: str, account: Account, site: Site, arrived: Arrived
) -> None:
    """With `fetch="client"`, a URL that fails ends its row as `fetch_failed`, with the reason."""
    results = quiet(pd.DataFrame({"file": [site.put("/loop", page)]}), account, fetch="client", file_name="a")
    assert (results["ik_error"].tolist(), arrived()) == (["fetch_failed"], [])
    assert words in results["ik_message"].iloc[0]


def test_a_dead_host_is_a_row_of_its_own(account: Account, arrived: Arrived) -> None:
    """With `fetch="client"`, a host that nobody answers at fails its row alone."""
    frame = pd.DataFrame({"file": ["http://127.0.0.1:9/a.jpg", "data:;base64,YQ=="]})
    results = quiet(frame, account, fetch="client", file_name="a")
    assert (results["ik_status"].tolist(), len(arrived())) == (["failed", "uploaded"], 1)


def test_fetched_files_obey_the_account_s_size(account: Account, site: Site, arrived: Arrived) -> None:
    """With `fetch="client"`, a download ends at the account's largest size, and nothing is sent."""
    small = ikpipe.Account(account.public_key, account.private_key, upload_url=account.upload_url, max_file_size=1000)
    results = quiet(pd.DataFrame({"file": [site.put("/long", Page(b"x" * 5000, chunked=True))]}), small, fetch="client")
    assert (results["ik_error"].tolist(), arrived()) == (["fetch_failed"], [])
    assert "1,000 bytes" in results["ik_message"].iloc[0]


# Many rows


@pytest.mark.slow
def test_a_thousand_rows_at_concurrency_64(emulate: Callable[..., Emulator]) -> None:
    """1,000 rows: all up, 64 in flight at the peak, and no token used twice."""
    emulator = emulate()
    frame = blobs(*(f"{n:06}".encode() for n in range(1000)))
    results = quiet(frame, emulator.account, file_name="a.bin", concurrency=64)
    uploads = uploads_of(emulator)
    assert results["ik_status"].eq("uploaded").all()
    assert results["ik_file_id"].nunique() == len({entry["token"] for entry in uploads}) == len(uploads) == 1000
    assert emulator.peak == 64
    assert {entry["file"]["sha256"] for entry in uploads} == {sha(content) for content in frame["file"]}


def test_failing_rows_do_not_disturb_others(account: Account) -> None:
    """Rows that break a rule here, and rows that the service refuses, end alone."""
    frame = blobs(
        *[b"x"] * 6,
        tags=["a", "100%", "a", "a", "a", "a"],
        checks=[None, None, '"request.folder" : "b/"', None, "what?", None],
    )
    results = quiet(frame, account, file_name="a.bin", folder="/a")
    assert results["ik_error"].fillna("up").tolist() == [
        "up",
        "bad_character",
        "checks_failed",
        "up",
        "bad_checks",
        "up",
    ]


@pytest.mark.parametrize("option", [{"concurrency": 0}, {"rate": 0}, {"retries": -1}])
def test_an_option_out_of_range_is_an_error(option: dict[str, Any], account: Account, arrived: Arrived) -> None:
    """No workers, or no rate at all, would quietly send nothing: the error names the option, and nothing is sent."""
    with pytest.raises(ikpipe.MappingError, match=next(iter(option))):
        quiet(blobs(b"x"), account, file_name="a", **option)
    assert arrived() == []


def test_a_callback_s_bug_loses_no_answer(account: Account) -> None:
    """What `on_result` raises stops the run; the error has it as its cause, and all the answers that are there."""

    def buggy(_label: object, _result: ikpipe.Result) -> None:
        raise LookupError("a bug")

    with pytest.raises(ikpipe.UploadError) as caught:
        quiet(blobs(b"1", b"2"), account, file_name="a", concurrency=1, on_result=buggy)
    assert isinstance(caught.value.__cause__, LookupError)
    assert caught.value.results is not None
    assert caught.value.results["ik_status"].tolist() == ["uploaded", "cancelled"]


def test_rate_spaces_the_uploads(emulate: Callable[..., Emulator]) -> None:
    """`rate=` begins no more uploads in a second than it says."""
    emulator = emulate()
    quiet(blobs(*[b"x"] * 5), emulator.account, file_name="a", rate=20)
    times = [entry["time"] for entry in uploads_of(emulator)]
    assert times[-1] - times[0] >= 4 / 20 - 0.02


def test_a_run_ends_with_its_last_row_at_any_rate(account: Account) -> None:
    """A slow `rate` does not hold a run up once no row is left."""
    results = quiet(blobs(b"x"), account, file_name="a", rate=0.01, timeout=5)
    assert results.attrs["ikpipe"]["seconds"] < 5


def test_results_and_progress_are_told_as_they_come(account: Account) -> None:
    """`on_result` hears of each row under its label, and `progress` counts up to all of them."""
    heard: dict[str, str] = {}
    seen: list[tuple[int, int, int]] = []
    frame = blobs(b"12", b"345", tags=["a", "%"]).set_axis(["x", "y"])
    ikpipe.upload(
        frame,
        account,
        file_name="a",
        on_result=lambda label, result: heard.update({label: result.status}),
        progress=lambda progress: seen.append((progress.done, progress.rows, progress.bytes)),
    )
    assert heard == {"x": "uploaded", "y": "invalid"}
    assert (seen[-1], sorted(seen)) == ((2, 2, 2), seen)


# Who calls


def test_upload_works_where_a_loop_runs_already(account: Account) -> None:
    """In a notebook's cell, a loop runs already: the blocking call works there too."""

    async def cell() -> pd.DataFrame:
        return quiet(blobs(b"1"), account, file_name="a")

    assert asyncio.run(cell())["ik_status"].tolist() == ["uploaded"]


def test_aupload_leaves_the_caller_s_loop_free(account: Account) -> None:
    """`await aupload` is a coroutine among others: they go on meanwhile."""

    async def both() -> tuple[pd.DataFrame, list[int]]:
        ticks: list[int] = []

        async def tick() -> None:
            while True:
                ticks.append(len(ticks))
                await asyncio.sleep(0)

        other = asyncio.create_task(tick())
        results = await ikpipe.aupload(blobs(b"1", b"2"), account, file_name="a", progress=False)
        other.cancel()
        return results, ticks

    results, ticks = asyncio.run(both())
    assert results["ik_status"].tolist() == ["uploaded"] * 2
    assert len(ticks) > 2


def test_cancelling_aupload_cancels_it(account: Account) -> None:
    """A task that awaits `aupload` can be cancelled like any other."""

    async def cancelled() -> None:
        await asyncio.wait_for(ikpipe.aupload(blobs(b"1"), _at(account, server.url), file_name="a"), 0.2)

    with RawServer(silent) as server, pytest.raises(TimeoutError):
        asyncio.run(cancelled())


def test_one_file_gives_one_result(account: Account, tmp_path: Path) -> None:
    """`upload_file` gives a `Result`, whether the file is up or not."""
    (tmp_path / "a.txt").write_bytes(b"one")
    result = ikpipe.upload_file(tmp_path / "a.txt", account, tags=["x"], use_unique_file_name=False)
    assert (result.status, result.name, result.size, result.tags) == ("uploaded", "a.txt", 3, ["x"])
    assert ikpipe.upload_file(b"1", account).error == "missing_name"


def test_one_file_from_async_code(account: Account) -> None:
    """`await aupload_file` does the same."""
    result = asyncio.run(ikpipe.aupload_file(b"12", account, file_name="a.bin"))
    assert (result.status, result.size) == ("uploaded", 2)


# What stops a run


def test_refused_keys_stop_the_run(emulate: Callable[..., Emulator]) -> None:
    """A 403 stops the run: nothing more is sent, and the error has the whole frame."""
    emulator = emulate(account_disabled=True)
    with pytest.raises(ikpipe.AccountError, match="Your account is disabled") as caught:
        quiet(blobs(*[b"x"] * 9), emulator.account, file_name="a", concurrency=1)
    assert caught.value.results is not None
    assert caught.value.results["ik_error"].tolist() == ["account_disabled", *["cancelled"] * 8]
    assert len(uploads_of(emulator)) == 1


def test_a_wrong_key_stops_the_run_at_once(emulator: Emulator, arrived: Arrived) -> None:
    """`invalid token` before anything succeeded is what wrong keys look like."""
    wrong = ikpipe.Account(emulator.public_key, "private_of_somebody_else_altogether=", upload_url=emulator.upload_url)
    with pytest.raises(ikpipe.AccountError, match="both keys belong to one account"):
        quiet(blobs(*[b"x"] * 5), wrong, file_name="a", concurrency=1)
    assert len(arrived()) == 1


def test_an_invalid_token_later_fails_its_row_alone(account: Account) -> None:
    """Once a row is up, the keys are proven, and `invalid token` stops nobody."""
    refused = answering(400, {"message": "Your request has invalid token."})
    with RawServer(answering(200, stored()), refused, answering(200, stored())) as server:
        results = quiet(blobs(b"a", b"b", b"c"), _at(account, server.url), file_name="a", concurrency=1)
    assert results["ik_error"].fillna("up").tolist() == ["up", "token_invalid", "up"]


def test_a_used_up_quota_stops_the_run(emulate: Callable[..., Emulator]) -> None:
    """Rows before the quota are up, the row that met it failed, and the others were never sent."""
    emulator = emulate(upload_quota=2)
    with pytest.raises(ikpipe.AccountError, match="Upload Limit Exceeded") as caught:
        quiet(blobs(*[b"x"] * 5), emulator.account, file_name="a", concurrency=1)
    assert caught.value.results is not None
    assert caught.value.results["ik_status"].tolist() == ["uploaded", "uploaded", "failed", "cancelled", "cancelled"]


@pytest.mark.parametrize("bad", ["invalid", "failed"])
def test_on_error_raise_stops_at_the_first_row_that_is_not_up(bad: str, account: Account) -> None:
    """`on_error="raise"`: the rows after the one that failed are cancelled, and the error has them all."""
    frame = blobs(b"1", b"2", b"3", tags=[None, "%" if bad == "invalid" else None, None])
    frame["checks"] = [None, "what?" if bad == "failed" else None, None]
    with pytest.raises(ikpipe.UploadError) as caught:
        quiet(frame, account, file_name="a", concurrency=1, on_error="raise")
    assert caught.value.results is not None
    assert caught.value.results["ik_status"].tolist() == ["uploaded", bad, "cancelled"]


def test_an_account_without_a_signer_is_refused_before_anything_is_sent(account: Account, arrived: Arrived) -> None:
    """No private key and no authentication endpoint: the error names the variable to set."""
    alone = ikpipe.Account(account.public_key, upload_url=account.upload_url)
    with pytest.raises(ikpipe.AccountError, match="IMAGEKIT_PRIVATE_KEY"):
        quiet(blobs(b"1"), alone, file_name="a")
    assert arrived() == []


# The authentication endpoint


def test_an_authentication_endpoint_signs_instead_of_a_key(emulator: Emulator, arrived: Arrived) -> None:
    """Without a private key, the seed's endpoint signs, and two equal rows in one second get two tokens."""
    with signing(emulator.private_key) as signer:
        remote = ikpipe.Account(
            emulator.public_key,
            authentication_endpoint=signer.url,
            headers={"Cookie": "session=1"},
            upload_url=emulator.upload_url,
        )
        results = quiet(blobs(b"same", b"same", b"same"), remote, file_name="same.bin")
    assert results["ik_status"].tolist() == ["uploaded"] * 3
    assert len({entry["token"] for entry in arrived()}) == 3
    assert {asked["publicKey"] for asked in signer.asked} == {emulator.public_key}
    assert {given["cookie"] for given in signer.headers} == {"session=1"}
    assert all(0 < asked["expire"] <= 3600 for asked in signer.asked)


@pytest.mark.parametrize(
    "trouble",
    [{"status": 500}, {"answer": lambda _token: {}}, {"answer": lambda _token: {"token": "no.token"}}],
    ids=["500", "nothing", "garbage"],
)
def test_an_endpoint_without_a_token_fails_the_row(trouble: Any, emulator: Emulator, arrived: Arrived) -> None:
    """Whatever the endpoint gives instead of a token, the row fails as `signer_failed` and nothing is sent."""
    with signing(emulator.private_key, **trouble) as signer:
        remote = ikpipe.Account(emulator.public_key, authentication_endpoint=signer.url, upload_url=emulator.upload_url)
        results = quiet(blobs(b"1"), remote, file_name="a", retries=0)
    assert (results["ik_error"].tolist(), arrived()) == (["signer_failed"], [])


def test_an_endpoint_is_asked_again(emulator: Emulator) -> None:
    """An endpoint that is down for a moment is asked again, since nothing was sent."""
    answers = iter([{}, {}])
    with signing(emulator.private_key, answer=lambda token: next(answers, {"token": token})) as signer:
        remote = ikpipe.Account(emulator.public_key, authentication_endpoint=signer.url, upload_url=emulator.upload_url)
        results = quiet(blobs(b"1"), remote, file_name="a")
    assert (results["ik_status"].tolist(), results["ik_attempts"].tolist()) == (["uploaded"], [3])


# Custom metadata


@pytest.fixture
def shop(emulate: Callable[..., Emulator]) -> Emulator:
    """Give an emulator whose account has a field of each type."""
    import httpx

    emulator = emulate()
    schemas: dict[str, dict[str, Any]] = {
        "brand": {"type": "Text"},
        "price": {"type": "Number", "minValue": 0},
        "sale": {"type": "Boolean"},
        "since": {"type": "Date"},
        "size": {"type": "SingleSelect", "selectOptions": ["S", "M", 1]},
    }
    with httpx.Client(auth=(emulator.private_key, ""), trust_env=False) as client:
        for name, schema in schemas.items():
            field = {"name": name, "label": name, "schema": schema}
            client.post(f"{emulator.url}/v1/customMetadataFields", json=field).raise_for_status()
    return emulator


def test_text_becomes_what_its_field_is(shop: Emulator) -> None:
    """Cells of a CSV are text: it becomes Number, Boolean, Date only where the account's field says so."""
    frame = blobs(b"1", brand=["12"], price=["12.50"], sale=["yes"], since=["2026-11-23"], size=["1"])
    columns = {"custom_metadata": ["brand", "price", "sale", "since", "size"]}
    results = quiet(frame, shop.account, columns=columns, file_name="a", response_fields="customMetadata")
    wanted = {"brand": "12", "price": 12.5, "sale": True, "since": "2026-11-23", "size": 1}
    assert results["ik_custom_metadata"].tolist() == [wanted]


def test_metadata_that_fits_no_field_is_never_sent(shop: Emulator) -> None:
    """A field that does not exist, a wrong type and a value outside its limits are found here."""
    frame = blobs(b"1", b"2", b"3", b"4")
    frame["custom_metadata"] = ['{"brnad": "x"}', '{"price": "cheap"}', '{"price": -1}', '{"size": "L"}']
    results = quiet(frame, shop.account, file_name="a")
    assert results["ik_error"].tolist() == ["unknown_name", "wrong_type", "out_of_range", "out_of_range"]
    assert uploads_of(shop) == []


def test_fields_are_asked_for_only_where_they_matter(shop: Emulator) -> None:
    """A run without custom metadata asks the media API nothing."""
    before = len(shop.log())
    quiet(blobs(b"1"), shop.account, file_name="a")
    assert [entry["path"] for entry in shop.log()[before:]] == ["/api/v2/files/upload"]


def test_metadata_is_sent_as_it_is_where_fields_cannot_be_asked_for(shop: Emulator) -> None:
    """Without a private key nobody can ask for the fields: the values keep the types of their cells."""
    with signing(shop.private_key) as signer:
        remote = ikpipe.Account(shop.public_key, authentication_endpoint=signer.url, upload_url=shop.upload_url)
        columns = {"custom_metadata": {"price": "p", "brand": "b"}}
        quiet(blobs(b"1", p=[3], b=["x"]), remote, columns=columns, file_name="a")
    assert uploads_of(shop)[0]["fields"]["customMetadata"] == '{"price":3,"brand":"x"}'


def _at(account: Account, url: str) -> Account:
    """Give the account with another server behind it."""
    return ikpipe.Account(account.public_key, account.private_key, upload_url=url, api_url=url)
