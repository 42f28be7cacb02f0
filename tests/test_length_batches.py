"""Batches by length: every sequence at most once in an epoch, cut only where there is padding."""

import numpy as np
import pytest

from labutils.training import batches_by_length

LENGTHS = (4, 8)


def some(n=50, seed=0):
    rng = np.random.default_rng(seed)
    tokens = np.zeros((n, 8), int)
    for row, length in zip(tokens, rng.integers(1, 9, n)):
        row[-length:] = rng.integers(1, 99, length)
    return tokens, tokens[..., None] * [1.0, -1.0], tokens.sum(axis=1, keepdims=True), tokens.sum(axis=1)


def test_a_batch_is_cut_to_the_shortest_length_that_fits(keras):
    tokens, values, sums, labels = some()
    batches = batches_by_length((tokens, values, sums), labels, LENGTHS, batch_size=5)
    seen = []
    for number in range(len(batches)):
        (cut, cut_values, given), label = batches[number]
        assert cut.shape[1] in LENGTHS and cut_values.shape == (*cut.shape, 2) and given.shape == (5, 1)
        assert (cut.sum(axis=1) == label).all() and (given[:, 0] == label).all(), "nothing but padding is cut"
        longest = np.count_nonzero(cut, axis=1)
        assert (longest <= 4).all() if cut.shape[1] == 4 else (longest > 4).all()
        seen += label.tolist()
    assert len(seen) == 5 * len(batches) and 40 <= len(seen) <= 50


def test_each_epoch_has_another_order_and_a_seed_repeats_it(keras):
    tokens, *_, labels = some()

    def epochs(seed):
        batches = batches_by_length([tokens], labels, LENGTHS, batch_size=5, seed=seed)
        first = [batches[i][1].tolist() for i in range(len(batches))]
        batches.on_epoch_end()
        return first, [batches[i][1].tolist() for i in range(len(batches))]

    assert epochs(1) == epochs(1) != epochs(2)
    assert epochs(1)[0] != epochs(1)[1]


def test_the_first_two_batches_differ_in_length_and_keras_can_fit(keras):
    tokens, *_, labels = some(200)
    batches = batches_by_length([tokens], labels.astype("float32"), LENGTHS, batch_size=5)
    for _ in range(5):
        assert {batches[0][0].shape[1], batches[1][0].shape[1]} == set(LENGTHS)
        batches.on_epoch_end()
    inputs = keras.Input((None,), dtype="int32")
    total = keras.ops.sum(keras.ops.cast(inputs, "float32"), axis=1, keepdims=True)
    model = keras.Model(inputs, keras.layers.Dense(1)(total))
    model.compile("sgd", "mse")
    assert len(model.fit(batches, epochs=2, verbose=0).history["loss"]) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(3)}, "a label for each row"),
        ({"labels": None}, "a label for each row .* and no labels"),
        ({"arrays": []}, "a label for each row .* no array"),
        ({"arrays": np.ones((50, 8), int)}, r"must be a list of arrays, got one of the shape \(50, 8\)"),
        ({"arrays": np.ones((50, 8), int).tolist()}, r"\(8,\), \(8,\), \(8,\), \(8,\), … and 50 labels"),
        ({"arrays": [np.ones((0, 8), int)], "labels": []}, "there are no rows"),
        ({"lengths": (8, 4)}, "lengths must rise to 8"),
        ({"lengths": (4, 6)}, "lengths must rise to 8"),
        ({"lengths": (4, 4, 8)}, "lengths must rise to 8"),
        ({"lengths": (4.0, 8.0)}, "in whole numbers from 1, got"),
        ({"lengths": None}, "lengths must rise to 8"),
        ({"lengths": [1] * 20_000}, "lengths must rise to 8"),
        ({"batch_size": 49}, "no batch of 49 can be filled"),
        ({"batch_size": 0}, "batch_size must be"),
    ],
)
def test_what_does_not_fit_is_refused(keras, change, message):
    tokens, *_, labels = some()
    given = {"arrays": [tokens], "labels": labels, "lengths": LENGTHS, "batch_size": 5} | change
    with pytest.raises(ValueError, match=message) as error:
        batches_by_length(given.pop("arrays"), given.pop("labels"), given.pop("lengths"), **given)
    assert len(str(error.value)) < 250


@pytest.mark.parametrize("row", [[1, 2, 3, 4, 5, 6, 0, 0], [0, 0, 3, 0, 5, 6, 7, 8]])
def test_padding_behind_or_inside_a_row_is_refused_since_tokens_would_be_cut(keras, row):
    tokens, *_, labels = some()
    tokens[7] = row
    with pytest.raises(ValueError, match="row 7 .* a 0 behind a token.* only in front"):
        batches_by_length([tokens], labels, LENGTHS, batch_size=5)


def test_a_length_whose_rows_fill_no_batch_is_refused_since_they_would_never_be_shown(keras):
    tokens, *_, labels = some()
    tokens[3:, :4] = 0
    tokens[:3] = 1
    with pytest.raises(ValueError, match="length 8 has only 3 of 50 rows, .* no batch of 5 .* fewer lengths"):
        batches_by_length([tokens], labels, LENGTHS, batch_size=5)
    assert len(batches_by_length([tokens], labels, (8,), batch_size=5)) == 10
    tokens[:3, :4] = 0
    assert len(batches_by_length([tokens], labels, LENGTHS, batch_size=5)) == 10, (
        "a length without rows is none"
    )


@pytest.mark.parametrize("lengths", [[4, 8], np.array([4, 8]), range(4, 9, 4)])
def test_lengths_are_any_sequence_of_whole_numbers(keras, lengths):
    tokens, *_, labels = some()
    batches = batches_by_length([tokens], labels, lengths, batch_size=5)
    assert {batches[number][0].shape for number in range(len(batches))} == {(5, 4), (5, 8)}
