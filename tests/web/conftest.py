"""A browser on the built book, served from this machine, that may reach nothing else."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    Route,
    expect,
    sync_playwright,
)

BOOK = Path(__file__).parents[2] / "book"
ARTICLES = sorted(
    path.relative_to(BOOK.parent).with_suffix(".html").as_posix()
    for kind in ("*.md", "*.ipynb")
    for path in BOOK.rglob(kind)
    if not any(folder.startswith((".", "_")) for folder in path.relative_to(BOOK).parts)
)
"""The pages that were written, not those that Sphinx adds; known before the book is built."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000  # ms, for a busy machine

whole_book = pytest.mark.xdist_group("whole book")
"""Of tests that look at every page: they run in one process, which opens each page once."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.web)


@dataclass
class Site:
    """The built book, at an address of this machine."""

    folder: Path
    address: str

    @property
    def pages(self) -> list[str]:
        """Every page of the book, as a path below the address."""
        html = (path.relative_to(self.folder) for path in self.folder.rglob("*.html"))
        return sorted(path.as_posix() for path in html if path.parts[0] != "_static")

    @property
    def articles(self) -> list[str]:
        """The pages that were written, not those that Sphinx adds."""
        return [page for page in self.pages if page.startswith("book/")]


@dataclass
class Visit:
    """An open page and what went wrong on it."""

    page: Page
    problems: list[str] = field(default_factory=list)


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def site(root: Path) -> Iterator[Site]:
    folder = root / "_build" / "html"
    if not (folder / "index.html").is_file():
        pytest.fail("there is no built book to read; `make web` builds it first")
    handler = functools.partial(_Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.fail("no browser is found; install one, on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


def wait_until_quiet(page: Page, waiting: set[Request]) -> None:
    """Wait until nothing that a loaded page asked for is under way, for half a second.

    Playwright's own "networkidle" never comes where requests begin and end while a long page is
    still being parsed (its issue 42598), as ours are on a busy machine.
    """
    quiet = 0  # steps of 50 ms in a row
    for _ in range(PATIENCE // 50):
        page.wait_for_timeout(50)
        quiet = 0 if waiting else quiet + 1
        if quiet == 10:
            return
    pytest.fail(f"{page.url} still waits for {[request.url for request in waiting]}")


class Reader:
    """Opens pages, each in a browser context of its own, and notes what goes wrong on them."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.browser, self.site = browser, site
        self.contexts: list[BrowserContext] = []
        self.visits: dict[str, Visit] = {}

    def look_at(self, path: str) -> Visit:
        """A page as a desktop reader has it; tests that look and do not touch share one visit."""
        if path not in self.visits:
            self.visits[path] = self.open(path)
            self.contexts.pop()  # outlives the test
        return self.visits[path]

    def open(
        self, path: str, *, dark: bool = False, width: int = 1280, javascript: bool = True
    ) -> Visit:
        context = self.browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        visit = Visit(context.new_page())
        note = visit.problems.append

        def only_here(route: Route) -> None:
            if route.request.url.startswith((self.site.address, "data:", "blob:")):
                route.continue_()
            else:
                note(f"asks another host: {route.request.url}")
                route.abort()

        context.route("**/*", only_here)

        def answered(response: Response) -> None:
            if response.status >= 400:
                note(f"answered {response.status}: {response.url}")

        def said(message: ConsoleMessage) -> None:
            if message.type == "error":
                note(f"console: {message.text}")

        page, waiting = visit.page, set[Request]()
        page.on("request", lambda request: waiting.add(request))
        page.on("requestfinished", lambda request: waiting.discard(request))
        page.on("requestfailed", lambda request: waiting.discard(request))
        page.on("pageerror", lambda error: note(f"script error: {error}"))
        page.on("requestfailed", lambda request: note(f"request failed: {request.url}"))
        page.on("console", said)
        page.on("response", answered)
        page.goto(f"{self.site.address}/{path}", wait_until="load")
        wait_until_quiet(page, waiting)
        return visit

    def close(self) -> None:
        """Close the pages that were opened, but for those that are shared."""
        while self.contexts:
            self.contexts.pop().close()


@pytest.fixture(scope="session")
def shared_reader(browser: Browser, site: Site) -> Reader:
    return Reader(browser, site)


@pytest.fixture
def reader(shared_reader: Reader) -> Iterator[Reader]:
    yield shared_reader
    shared_reader.close()
