"""Break something on purpose: the first claim of notebook 03 must notice.

Cells of the notebook are run here, as they stand, after one thing was made wrong.
"""

import pytest
from notebook_helpers import PATHS, sources

from labutils.claims import ClaimError
from labutils.upkeep.stored_notebooks import without_magics

BAG = "a bag of words classifies between 85 and 88 % of the test reviews correctly"
pytestmark = pytest.mark.slow


def run(claimed, broken=""):
    """Run the cells up to the one with a claim, and broken code once the data are there."""
    cells, scope = sources(PATHS[3]), {}
    last = next(number for number, cell in enumerate(cells) if claimed in cell)
    for cell in cells[: last + 1]:
        exec(compile(without_magics(cell), PATHS[3].name, "exec"), scope)
        if "train, test = " in cell:
            exec(broken, scope)


@pytest.fixture(autouse=True)
def claims_raise(monkeypatch):
    monkeypatch.setenv("LABUTILS_CLAIMS", "raise")


def test_left_alone_the_claim_holds(capsys):
    run(BAG)
    assert f"✓ {BAG}" in capsys.readouterr().out


def test_cutting_at_the_wrong_end_is_noticed(keras, monkeypatch):
    right = keras.utils.pad_sequences
    monkeypatch.setattr(
        keras.utils, "pad_sequences", lambda *args, **more: right(*args, **more | {"truncating": "post"})
    )
    with pytest.raises(ClaimError, match=BAG):
        run(BAG)


BROKEN = {
    "swapped labels": "train.labels[:] = 1 - train.labels",
    "neighbours on both sides": """
order = np.random.default_rng(0).permutation(len(train) + len(test))
texts = np.array(train.texts + test.texts, dtype=object)[order]
labels = np.concatenate([train.labels, test.labels])[order]
train.texts[:], test.texts[:] = texts[:len(train)], texts[len(train):]
train.labels[:], test.labels[:] = labels[:len(train)], labels[len(train):]""",
}


@pytest.mark.parametrize("what", BROKEN)
def test_wrong_labels_and_a_wrong_split_are_noticed(what):
    with pytest.raises(ClaimError, match=BAG):
        run(BAG, BROKEN[what])
