"""For tests and notebooks alike: own folders, nothing chosen by the environment, what is slow, what first."""

import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
ON_CI = bool(os.environ.get("CI"))  # elsewhere other programs write into the home folder as well
# Set by the first process: its workers (pytest -n 2) find a KERAS_HOME of the tests in their environment.
KERAS_HOME = Path(
    os.environ.setdefault("KERAS_HOME_OF_USER", os.environ.get("KERAS_HOME", "~/.keras"))
).expanduser()
ONE_THREAD = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# Files that take a minute or longer, the longest first: so two processes end at about the same time.
LONGEST_FIRST = (
    "test_in_jupyterlab.py",
    "04_simple_rnn_unlearns.ipynb",
    "08_attention.ipynb",
    "09_weighing_evidence.ipynb",
    "03_gru_sentiment.ipynb",
    "07_text_generator.ipynb",
    "06_autoencoder.ipynb",
    "11_autoencoders_at_work.ipynb",
    "12_prediction_intervals.ipynb",
    "10_scaling_up.ipynb",
    "13_memory.ipynb",
    "02_gates_lstm_and_gru.ipynb",
    "01_recurrent_networks.ipynb",
    "test_experiments.py",
    "test_exercises.py",
    "test_mutants.py",
    "test_claims_can_fail.py",
    "test_site.py",
    "05_lstm_forecaster.ipynb",
)


def pytest_configure(config):
    """Set what kernels and other processes inherit."""
    folder = tempfile.TemporaryDirectory(prefix="labutils-tests-", ignore_cleanup_errors=True)
    patch = pytest.MonkeyPatch()
    for name in ("LABUTILS_CLAIMS", "LABUTILS_DIGITS", "LABUTILS_REVIEWS"):
        patch.delenv(name, raising=False)
    for name in ("KERAS_HOME", "IPYTHONDIR"):
        patch.setenv(name, str(Path(folder.name, name.lower())))
    if hasattr(config, "workerinput"):  # pytest -n: processes share the cores instead of fighting for them
        for name in ONE_THREAD:
            patch.setenv(name, "1")
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(patch.undo)
    # nbval would look for it in the folder in which pytest was started
    config.option.nbval_sanitize_with = str(ROOT / config.option.nbval_sanitize_with)


def pytest_report_header():
    if ON_CI:  # whose log says which of the two was tested
        from labutils.exercises.grading import sandbox

        return f"bubblewrap: {sandbox.bubblewrap_problem() or 'works here'}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if {ROOT / "notebooks", ROOT / "tests" / "browser"} & set(item.path.parents):
            item.add_marker("slow")
    rank = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


def pytest_terminal_summary(terminalreporter):
    """Say which files take longest."""
    by_file = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            by_file[getattr(report, "nodeid", "").split("::")[0]] += getattr(report, "duration", 0)
    if sum(by_file.values()) > 60:
        terminalreporter.section("seconds by file")
        for name, seconds in by_file.most_common(25):
            terminalreporter.line(f"{seconds:7.1f} {name}")


@pytest.fixture(scope="session", autouse=ON_CI)
def the_users_folder_stays_as_it_is():
    def files():
        return {(path, path.stat().st_mtime_ns) for path in KERAS_HOME.rglob("*") if path.is_file()}

    before = files()
    yield
    assert not files() ^ before, f"a test wrote into {KERAS_HOME}: {files() ^ before}"


@pytest.fixture(scope="session")
def keras():
    from labutils import backend

    return backend.load_keras()
