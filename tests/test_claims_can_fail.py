"""Break something on purpose: the claims of notebook 04 must notice.

Cells of the notebook are run here, as they stand, after one thing was made wrong.
"""

import nbformat
import pytest
from conftest import ROOT

from labutils.claims import ClaimError
from labutils.data import reviews
from labutils.upkeep import stored_notebooks

PATH = stored_notebooks.notebook_paths(ROOT / "notebooks")[-1].with_name("04_gru_sentiment.ipynb")


def cells_up_to(text: str, leave_out: tuple[str, ...] = ()) -> list[str]:
    """The code cells up to and including the first that holds `text`, without the slow ones named."""
    sources = [cell.source for cell in nbformat.read(PATH, as_version=4).cells if cell.cell_type == "code"]
    end = next(i for i, source in enumerate(sources) if text in source) + 1
    return [source for source in sources[:end] if not any(name in source for name in leave_out)]


def run(cells: list[str]) -> None:
    names: dict = {}
    for cell in cells:
        exec(compile(cell, str(PATH.name), "exec"), names)


PADDING = "reviews.pad gives what keras.utils.pad_sequences gives"


def test_left_alone_the_claims_about_the_data_hold(capsys):
    run(cells_up_to(PADDING))
    assert f"holds: {PADDING}" in capsys.readouterr().out


def test_padding_on_the_wrong_side_is_noticed(monkeypatch):
    right = reviews.pad
    monkeypatch.setattr(reviews, "pad", lambda sequences, maxlen: right(sequences, maxlen, padding="post"))
    with pytest.raises(ClaimError, match=PADDING):
        run(cells_up_to(PADDING))


def test_truncating_at_the_wrong_end_is_noticed(monkeypatch):
    right = reviews.pad
    monkeypatch.setattr(reviews, "pad", lambda sequences, maxlen: right(sequences, maxlen, truncating="post"))
    with pytest.raises(ClaimError, match=PADDING):
        run(cells_up_to(PADDING))


def test_swapped_labels_are_noticed():
    bag = cells_up_to("test accuracy of a bag of words", ("embedded", "sharing", "features =", "in_blocks"))
    swap = "train.labels[:] = 1 - train.labels"
    split = next(i for i, cell in enumerate(bag) if "n_fit = " in cell)
    with pytest.raises(ClaimError, match="test accuracy of a bag of words"):
        run([*bag[:split], swap, *bag[split:]])
