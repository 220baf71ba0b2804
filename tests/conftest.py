"""What the tests stand on: emulators, a web site, real pictures, a browser."""

from __future__ import annotations

import gc
import io
import os
import signal
from asyncio import AbstractEventLoop, _set_running_loop, get_running_loop
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import browsing
import pytest
from doubles import LOOPBACK, uploads_of, web_site
from hypothesis import HealthCheck, settings
from PIL import Image

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from doubles import Site
    from playwright.sync_api import Browser, BrowserContext

    from ikpipe import Account

    Driven = tuple[Browser, AbstractEventLoop]


# The files that take longest; Spark is the first, since its tests follow each other for more than a minute.
LONGEST = (
    *("test_spark.py", "test_lab.py", "test_dask.py", "test_notebooks.py", "test_recipes.py", "test_many_rows.py"),
    *("test_page_upload.py", "test_page_access.py", "test_fence.py", "test_kill.py", "test_benchmarks.py"),
    *("test_snippets.py", "test_guides.py"),
)

# A shell that starts the tests in the background has them ignore Ctrl-C, and `nohup` has them ignore a hangup; so does
# then every process that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if os.name == "posix" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Time is no fact about a server on a shared machine; in CI, the examples are the same each time.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, database=None)
settings.register_profile("quick", settings.get_profile("dev"), max_examples=10)  # for `make check`
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.hookimpl(trylast=True)  # Hypothesis marks its tests first
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first, and measure no coverage while Hypothesis plays.

    Workers take files in this order, and none waits for another at the end. Coverage takes twice the time there, and
    other tests run the same lines.
    """
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))
    if config.pluginmanager.hasplugin("_cov"):
        for item in items:
            if item.get_closest_marker("hypothesis"):
                item.add_marker("no_cover")


def pytest_collection_finish() -> None:
    """Exempt what was imported from the garbage collector, which otherwise looks through pandas again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def no_proxy() -> Iterator[None]:
    """Keep a machine's proxy away from loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield


@pytest.fixture(scope="session", autouse=True)
def brief_java() -> Iterator[None]:
    """Have Java compile and collect for the minute that its processes live here: that halves their processor time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData")
        yield


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the journals of tests out of the user's own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def config_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's profiles out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.delenv("IMAGEKIT_PROFILE", raising=False)
        yield


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """One emulator with the default rules, for all tests that do not mind each other."""
    with Emulator(**LOOPBACK) as running:
        yield running


@pytest.fixture
def account(emulator: Emulator) -> Account:
    """Give the shared emulator's account."""
    return emulator.account


@pytest.fixture
def arrived(emulator: Emulator) -> Callable[[], list[dict[str, Any]]]:
    """Give the uploads that arrived at the shared emulator since the test began."""
    before = len(emulator.log())
    return lambda: uploads_of(emulator, before)


@pytest.fixture
def emulate() -> Iterator[Callable[..., Emulator]]:
    """Start emulators with rules of their own, for one test."""
    with ExitStack() as stack:
        yield lambda **rules: stack.enter_context(Emulator(**{**LOOPBACK, **rules}))


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """Run one web site that files can be fetched from."""
    with web_site() as running:
        yield running


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Draw small pictures: each colour gives other bytes."""

    def draw(colour: int = 0, kind: str = "PNG", size: tuple[int, int] = (4, 3)) -> bytes:
        buffer = io.BytesIO()
        Image.new("RGB", size, (colour % 256, colour // 256 % 256, 90)).save(buffer, kind)
        return buffer.getvalue()

    return draw


@pytest.fixture(scope="session")
def driven() -> Iterator[Driven]:
    """Run one browser, and give it with the loop that it is driven by.

    That loop counts as running in this thread for as long as the driver lives, and no other can begin: it is put away
    between the tests, of which others have loops of their own.
    """
    with browsing.browser() as running:
        loop = get_running_loop()
        _set_running_loop(None)
        yield running, loop
        _set_running_loop(loop)


@pytest.fixture
def chromium(driven: Driven) -> Iterator[Browser]:
    """Give the browser, for as long as its driver's loop is this thread's."""
    running, loop = driven
    _set_running_loop(loop)
    yield running
    _set_running_loop(None)


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """Give a fresh profile."""
    context = browsing.profile(chromium)
    yield context
    context.close()
