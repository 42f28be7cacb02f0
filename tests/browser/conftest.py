"""A JupyterLab on loopback and a Chromium, as a student has them, for the tests in this folder."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from slices import slice_for
from waiting import SECONDS

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OF_CHROMIUM = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
OF_LAB = (
    "--no-browser --ip=127.0.0.1 --ServerApp.port_retries=0 --IdentityProvider.token= --allow-root "
    "--LabApp.expose_app_in_browser=True --LabApp.extension_manager=readonly --LabApp.news_url= "
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"
).split()
OWN_FOLDERS = (
    "JUPYTER_CONFIG_DIR JUPYTER_DATA_DIR JUPYTER_RUNTIME_DIR JUPYTERLAB_SETTINGS_DIR "
    "JUPYTERLAB_WORKSPACES_DIR IPYTHONDIR"
).split()


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium is installed"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """A running JupyterLab with settings of its own: its address, and its folder of notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    shutil.copytree(ROOT / "notebooks" / "grids", notebooks / "grids")
    own = {name: str(folder / name) for name in OWN_FOLDERS}
    news = folder / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}', "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", *OF_LAB, f"--port={port}"]
    command.append(f"--ServerApp.root_dir={notebooks}")
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=subprocess.STDOUT)
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(address, server, folder / "lab.log")
            yield address, notebooks
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/api"):
            return
        time.sleep(0.2)
    pytest.fail("JupyterLab did not start:\n" + log.read_text("utf-8"))


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium, closed before other tests begin: Playwright keeps an event loop running."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OF_CHROMIUM)
        yield browser
        browser.close()


class Opened:
    """A notebook in the browser, run to its end, and the panel in it."""

    def __init__(self, page, address: str, name: str) -> None:
        self.page, self.address, self.name, self.asked_for = page, address, name, []
        page.on("request", lambda request: self.asked_for.append(request.url))
        self.load()
        self.run_all()

    @property
    def panel(self):
        return self.page.locator(".lab-panel")

    def load(self) -> None:
        """Load the page, without the tabs of other tests."""
        self.page.goto(f"{self.address}/lab/tree/{self.name}?reset")
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        self.page.locator("#jp-main-statusbar").filter(has_text="ipykernel) | Idle").wait_for()

    def run_all(self) -> None:
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells").first.click()
        self.wait_until_run()

    def wait_until_run(self) -> None:
        page = self.page
        idle = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
        page.wait_for_function(
            f"""() => document.querySelector('{idle}')
                && ![...document.querySelectorAll('.jp-InputPrompt')].some(e => e.innerText.includes('*'))"""
        )
        errors = page.locator('.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"]')
        errors = errors.or_(page.locator('[data-mime-type="application/vnd.jupyter.error"]'))
        assert errors.count() == 0, errors.first.inner_text()
        self.panel.first.wait_for()
        self.panel.first.scroll_into_view_if_needed()

    def restart_kernel(self) -> None:
        self.page.evaluate(
            "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart().then(() => 0)"
        )
        self.wait_for_kernel()

    def theme(self, name: str) -> None:
        change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
        self.page.evaluate(change, name)
        dark = "false" if "Dark" in name else "true"
        self.page.locator(f'body[data-jp-theme-light="{dark}"]').wait_for(state="attached")

    def cells(self) -> int:
        """How many cells the notebook has, scrolled to or not."""
        return self.page.evaluate("window.jupyterapp.shell.currentWidget.content.model.cells.length")


@pytest.fixture(scope="module")
def open_panel(lab, chromium):
    """Return a function that opens the part of a notebook that a panel needs, and runs it."""
    address, folder = lab
    contexts = []

    def opened(notebook: str, panel: str, more: str = "") -> Opened:
        whole = nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4)
        part = slice_for(whole, panel)
        if more:
            part.cells.append(nbformat.v4.new_code_cell(more))
        name = f"{notebook[:2]}_{panel}_{len(contexts)}.ipynb"
        nbformat.write(part, folder / name)
        contexts.append(chromium.new_context(viewport={"width": 1200, "height": 1000}))
        contexts[-1].set_default_timeout(SECONDS * 1000)
        return Opened(contexts[-1].new_page(), address, name)

    yield opened
    for context in contexts:
        context.close()
