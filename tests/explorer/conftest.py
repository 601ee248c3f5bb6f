"""A real Chromium, headless, for the explorer; tests skip with a reason where there is none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

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
    pytest.importorskip("plotly", reason="plotly is not installed: pip install 'sbs[explorer]'")
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


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Folder for screenshots: SBS_ARTIFACTS, else a temporary one; nothing is written into the checkout."""
    named = os.environ.get("SBS_ARTIFACTS")
    folder = Path(named) if named else Path(tempfile.mkdtemp(prefix="sbs-explorer-"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
