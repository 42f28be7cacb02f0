"""The type hints of labutils are true, as far as mypy can tell."""

import subprocess
import sys

import pytest
from notebook_helpers import ROOT


@pytest.mark.slow
def test_mypy_finds_no_error(tmp_path):
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
