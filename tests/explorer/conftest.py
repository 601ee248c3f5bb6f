"""A real Chromium, headless, for the explorer; tests skip with a reason where there is none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

# A new profile and no traffic of the browser's own: the page itself makes no request at all.
_FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # WebGL in software, where there is no graphics card.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


@pytest.fixture(scope="session")
def page_file(tmp_path_factory) -> Path:
    """The explorer as `sbs browse` writes it."""
    pytest.importorskip("plotly", reason="plotly is not installed: pip install '.[explorer]'")
    from sbs.explorer import write

    return write(tmp_path_factory.mktemp("explorer") / "sbs-explorer.html")


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Chromium under Playwright's control."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    program = os.environ.get("SBS_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium found: install Debian's chromium, or name one in SBS_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        yield instance
        instance.close()


WAIT = 60_000  # milliseconds; WebGL in software on a busy machine takes seconds to draw a scene


class Reader:
    """One tab, and what a reader does with it; console errors and requests are collected in ``complaints``."""

    def __init__(self, context, page_file: Path) -> None:
        self.complaints: list[str] = []
        self.tab = context.new_page()
        self.tab.set_default_timeout(WAIT)
        self.tab.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.tab.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.tab.on("request", lambda r: self.complaints.append(r.url) if r.url.startswith("http") else None)
        self._file = page_file.as_uri()

    def open(self, address: str) -> None:
        """Load the page anew at an address, which is taken as it stands."""
        self.tab.goto("about:blank")
        self.tab.goto(f"{self._file}#{address}")
        self.tab.wait_for_selector("html[data-ready=yes]", state="attached")

    def go(self, address: str) -> None:
        """To an address by a change of the part after "#", or by loading the page if it is not there."""
        if not self.tab.url.startswith(self._file):
            self.open(quote(address))
            return
        wanted = f"#{quote(address)}"
        if self.tab.evaluate("location.hash") == wanted:
            return
        self.tab.evaluate("(hash) => { location.hash = hash; }", wanted)
        self.arrived(address)

    def arrived(self, address: str) -> None:
        """Wait until the page shows an address, not only until it is in the address bar."""
        self.tab.wait_for_function(
            "(wanted) => decodeURIComponent(document.documentElement.dataset.asked || '') === wanted", arg=f"#{address}"
        )

    def traces(self, selector: str = "#target .plot") -> list[dict]:
        """The traces of a picture, once it is drawn: kind, name and texts."""
        self.tab.wait_for_selector(f"{selector}[data-drawn=yes]")
        return self.tab.evaluate(
            "(s) => document.querySelector(s).data.map((t) => "
            "({type: t.type, mode: t.mode || '', name: t.name || '', text: [t.text || []].flat()}))",
            selector,
        )


@pytest.fixture(scope="module")
def context(browser):
    # Playwright waits by evaluating text in the page, which the page's own policy forbids; `test_scheme` loads the
    # page with the policy in force.
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, bypass_csp=True, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture(scope="session")
def without_webgl():
    """Function that takes WebGL from the pages of a context; they show flat pictures, at once."""

    def take(context):
        context.add_init_script(
            "const take = HTMLCanvasElement.prototype.getContext; "
            "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) "
            "{ return kind.startsWith('webgl') ? null : take.call(this, kind, ...rest); };"
        )
        return context

    return take


@pytest.fixture(scope="module")
def plain_context(browser, without_webgl):
    """A context without WebGL."""
    context = without_webgl(
        browser.new_context(viewport={"width": 1440, "height": 1000}, bypass_csp=True, reduced_motion="reduce")
    )
    yield context
    context.close()


@pytest.fixture(scope="session")
def new_reader(page_file):
    """Function that opens a tab in a context."""
    return lambda context: Reader(context, page_file)


@pytest.fixture(scope="module")
def reader(context, page_file):
    """One tab for the module."""
    return Reader(context, page_file)


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Folder for screenshots: SBS_ARTIFACTS, else a temporary one; nothing is written into the checkout."""
    named = os.environ.get("SBS_ARTIFACTS")
    folder = Path(named) if named else Path(tempfile.mkdtemp(prefix="sbs-explorer-"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
