"""Break something on purpose: the claims of notebook 04 must notice.

Cells of the notebook are run here, as they stand, after one thing was made wrong.
"""

import pytest
from notebook_helpers import PATHS, sources

from labutils.claims import ClaimError

CELLS = sources(PATHS[4])
PADDING, BAG = "every row ends with the last token of its review", "test accuracy of a bag of words"
pytestmark = pytest.mark.slow


def run(claimed, broken_after="", broken=""):
    """Run the cells up to the one with a claim, without slow ones, and the broken code after one of them."""
    names: dict = {}
    slow = {
        "embedded = ": "",
        "sharing = ": "",
        "features = ": "",
        "in_blocks": "",
        "pairs = bag": "pairs = words",
    }
    for cell in CELLS:
        code = next((instead for text, instead in slow.items() if text in cell), cell)
        exec(compile(code, PATHS[4].name, "exec"), names)
        if broken and broken_after in cell:
            exec(broken, names)
            broken = ""
        if claimed in cell:
            assert not broken
            return
    pytest.fail(f"no claim says {claimed}")


@pytest.fixture(autouse=True)
def claims_raise(monkeypatch):
    monkeypatch.setenv("LABUTILS_CLAIMS", "raise")


def test_left_alone_the_claims_hold(capsys):
    run(BAG)
    printed = capsys.readouterr().out
    assert f"✓ {PADDING}" in printed and f"✓ {BAG}" in printed


@pytest.mark.parametrize("wrong", ["padding", "truncating"])
def test_padding_and_cutting_at_the_wrong_end_are_noticed(wrong, keras, monkeypatch):
    right = keras.utils.pad_sequences
    monkeypatch.setattr(
        keras.utils, "pad_sequences", lambda *args, **more: right(*args, **more, **{wrong: "post"})
    )
    with pytest.raises(ClaimError, match=PADDING):
        run(PADDING)


def test_swapped_labels_are_noticed():
    with pytest.raises(ClaimError, match=BAG):
        run(BAG, "train, test = ", "train.labels[:] = 1 - train.labels")


WRONG_SPLIT = """
order = np.random.default_rng(0).permutation(len(train) + len(test))
texts = np.array(train.texts + test.texts, dtype=object)[order]
mixed_labels = np.concatenate([train.labels, test.labels])[order]
train.texts[:], test.texts[:] = texts[:len(train)], texts[len(train):]
train.labels[:], test.labels[:] = mixed_labels[:len(train)], mixed_labels[len(train):]
"""


def test_a_split_that_tears_neighbours_apart_is_noticed():
    with pytest.raises(ClaimError, match=BAG):
        run(BAG, "train, test = ", WRONG_SPLIT)
