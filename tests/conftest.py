"""Shared by all tests: the project's root, and tests that leave the user's folders alone."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def keras():
    from labutils import backend

    return backend.load_keras()
