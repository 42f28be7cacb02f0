"""For tests and notebooks alike: folders of their own, nothing chosen by the environment, what is slow."""

import os
import tempfile
from pathlib import Path

import platformdirs
import pytest

ROOT = Path(__file__).parent
ON_CI = bool(os.environ.get("CI"))  # elsewhere other programs write into the home folder as well
HOME_FOLDERS = [
    Path(os.environ.get("LABUTILS_CACHE") or platformdirs.user_cache_path("labutils", appauthor=False)),
    Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras"),
]


def pytest_configure(config):
    """Kernels and other processes inherit the environment, so the encoded reviews are built once for all."""
    folder = tempfile.TemporaryDirectory(prefix="labutils-tests-", ignore_cleanup_errors=True)
    patch = pytest.MonkeyPatch()
    for name in ("LABUTILS_CLAIMS", "LABUTILS_DIGITS", "LABUTILS_REVIEWS"):
        patch.delenv(name, raising=False)
    for name in ("LABUTILS_CACHE", "KERAS_HOME", "IPYTHONDIR"):
        patch.setenv(name, str(Path(folder.name, name.lower())))
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(patch.undo)
    # nbval would look for it in the folder in which pytest was started
    config.option.nbval_sanitize_with = str(ROOT / config.option.nbval_sanitize_with)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if {ROOT / "notebooks", ROOT / "tests" / "browser"} & set(item.path.parents):
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=ON_CI)
def the_users_folders_stay_as_they_are():
    before = _files_in_home_folders()
    yield
    changed = _files_in_home_folders() ^ before
    assert not changed, f"a test wrote into a folder of the user's: {sorted({path for path, _ in changed})}"


def _files_in_home_folders():
    paths = [path for folder in HOME_FOLDERS for path in folder.rglob("*") if path.is_file()]
    return {(str(path), path.stat().st_mtime_ns) for path in paths}


@pytest.fixture(scope="session")
def keras():
    from labutils import backend

    return backend.load_keras()
