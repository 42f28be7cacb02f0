"""The experiments of the exercises: each solution, run in its notebook, reaches its goals."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from notebook_helpers import PATHS, sources
from training_helpers import untrained_run

from labutils.data import dates
from labutils.data.series import sliding_windows
from labutils.exercises.checking.exercise_types import Experiment
from labutils.exercises.checking.goals import facts_of_pair, facts_of_run, recurrent, square_error
from labutils.exercises.questions.many_trainings import my_difference
from labutils.exercises.questions.simple_rnn_classifier import my_adam_steps
from labutils.exercises.registry import QUESTIONS, exercises_of

NUMBERS = {subject: number for number, subject in QUESTIONS.items()}
EXPERIMENTS = {
    subject: exercises_of(number)[-1]
    for subject, number in NUMBERS.items()
    if isinstance(exercises_of(number)[-1], Experiment)
}

# the cells that a solution needs, by a text in each, and code in place of cells that would take long
NEEDED = {
    "recurrent_networks": (["def balls(", "positions, test_positions", "x, y = positions["], ""),
    "gates": ([], ""),
    "memory": (["from labutils.cells import GRUCell, LSTM", "CELLS = {", "def new(name, units"], ""),
    "simple_rnn_classifier": (["TOKENS = 200\n"], ""),
    "gru_classifier": (["data = reviews.load("],
                       "x_100 = keras.utils.pad_sequences(train.sequences, maxlen=100)"),
    "forecasting": (["TEST = 198\n", "def noise_floor(", "def error_over_floor(", "def line_ahead(",
                     "practice = series"], ""),
    "autoencoders": (["data = digits.load(", "def build(code=32"], ""),
    "text_generation": (["text = review_text.load("], ""),
    "attention": ([], ""),
    "many_trainings": (["def windows_of("],
                       "from labutils.exercises.questions.many_trainings import my_difference"),
    "weighing_evidence": (
        ["data = reviews.load(", "def naive_bayes_ratios(", "def fit_evidence(", "def accuracy(",
         "finder = NGramFinder(max_length=3", "def with_evidence(", "fold = np.empty(", "out_of_fold = "],
        """
fit_on = with_evidence(x[:n_fit], values, grams.review, out_of_fold)
found = finder.transform(train.sequences[n_fit:])
validation_on = with_evidence(x[n_fit:], found.at_tokens(evidence), found.review,
                              found.matrix() @ evidence + intercept)
x_fit, x_validation = (np.concatenate([np.pad(rest, ((0, 0), (0, 2)))[:, None], given], axis=1)
                       for _, given, rest in (fit_on, validation_on))
"""),
    "autoencoders_at_work": (["data = digits.load(", "NOISE, rng = "], ""),
    "prediction_intervals": (["LENGTH, AHEAD, TEST", "def uneven(", "def quantile_loss(", "def practice("],
                             ""),
}  # fmt: skip


def test_every_experiment_is_tried():
    assert set(NEEDED) == set(EXPERIMENTS), "add the cells that the solution of a new experiment needs"


@pytest.mark.slow
@pytest.mark.parametrize("subject", NEEDED)
def test_the_solution_reaches_every_goal(subject, keras, capsys):
    """Run as it is printed, after the cells of its notebook that it needs."""
    floatx, experiment, (anchors, instead) = keras.config.floatx(), EXPERIMENTS[subject], NEEDED[subject]
    cells = sources(PATHS[NUMBERS[subject]])
    names: dict = {}
    try:
        for anchor in ["import numpy as np\n", *anchors]:
            exec(next(source for source in cells if anchor in source), names)
        exec(instead, names)
        exec(experiment.solution_text(), names)
        capsys.readouterr()
        experiment.check(names[experiment.answer_name])
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(floatx)
    shown = capsys.readouterr().out
    assert shown.startswith(f"Exercise {experiment.number}: right.") and "not yet" not in shown, shown
    assert shown.count("reached: ") == len(experiment.goals)


def pair(parameters, rows, layers="GRU", loss="mse", steps=100, sizes=(8,), losses=(), **kept):
    """A network and a Run as they would be, without a training."""
    layers = [type(layers, (), {"output": SimpleNamespace(shape=(None, size))})() for size in sizes]
    model = SimpleNamespace(
        layers=layers, input_shape=(None, steps), loss=loss, losses=losses, count_params=lambda: parameters
    )
    history = {"loss": [1.0]} | {name: [value] for name, value in kept.items()}
    facts = {"parameters": parameters, "training_rows": rows, "best_epoch": 1, "kept_epoch": 1}
    return model, untrained_run(history=history, seconds=1, **facts)


def simple(accuracies, units=128, layer="SimpleRNN", initializer="Orthogonal", rows=20_000, steps=200):
    """A network with one recurrent layer, and a Run with these validation accuracies."""
    model, run = pair(80_000, rows, layer, steps=steps)
    cell = SimpleNamespace(recurrent_initializer=type(initializer, (), {})())
    for name, value in {"units": units, "cell": cell}.items():
        setattr(model.layers[0], name, value)
    curves = {"val_accuracy": accuracies, "val_loss": [0.4] * len(accuracies)}
    return model, dataclasses.replace(run, history=curves)


def small(error, parameters=20_000, val_loss=None, **settings):
    """A network whose output for any image is off by as much, and a Run."""
    kept = {"val_loss": error if val_loss is None else val_loss}
    model, run = pair(parameters, 3_200, **settings | kept)
    model.input_shape, model.predict = (None, 28, 28), lambda x, **_: x + np.sqrt(error)
    return model, run


def unsure(half_width, parameters=1_308, rows=2_092):
    """A network that knows the clean wave, with this half width around it at each clean value, and a Run."""
    model, run = pair(parameters, rows, "LSTM", loss="loss", steps=150, val_loss=0.02)
    clean = sliding_windows(np.sin(np.linspace(0, 30, 3000)), 150, 30)[1][-600:]
    ends = np.concatenate([clean - half_width(clean), clean + half_width(clean)], axis=1)
    model.predict = lambda x, **_: np.tile(ends, (len(x) // 600, 1))
    return model, run


def as_wide_as_the_noise(clean):
    return 0.1645 * (1 + 0.8 * clean)


FINE = {"loss": "binary_crossentropy", "val_loss": 0.37, "val_accuracy": 0.84}


def writes(seconds=60, outputs=97, **settings):
    """A network that finds every next character equally probable, and its Run."""
    model, run = pair(10_000, 100, loss="sparse_categorical_crossentropy", steps=64, **settings)
    model.predict = lambda x, **_: np.zeros((*x.shape, outputs))
    return model, dataclasses.replace(run, seconds=seconds)


def translator(*names, wrong=0, parameters=10_000, outputs=41):
    """A network with layers of these names that knows all dates but so many."""
    source, _, target = dates.arrays(500, seed=987_654)
    written = np.where(np.arange(500)[:, None] < wrong, dates.padded_char_ids(["1900-01-01"], 10), target)

    def predict_on_batch(given):
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(given, (source, given[1])))
        return np.eye(outputs)[np.minimum(written, outputs - 1)]

    layers = [type(name, (), {})() for name in names]
    return SimpleNamespace(layers=layers, predict_on_batch=predict_on_batch, count_params=lambda: parameters)


def swept(rates=(0.01, 0.003), other_rates=None, seeds=5, failed="", **given):
    """A table of runs and a comparison of two layers; each is best at its first rate."""
    rng, tried = np.random.default_rng(0), {"GRU": rates, "LSTM": other_rates or rates}
    rows = [
        {"layer": layer, "rate": rate, "seed": seed, "validation": k, "test": rng.random(), "failed": failed}
        for layer, tried_rates in tried.items()
        for k, rate in enumerate(tried_rates)
        for seed in range(seeds)
    ]
    table = pd.DataFrame(rows)
    first, second = (
        table[(table.layer == layer) & (table.validation == 0)].test.to_numpy() for layer in tried
    )
    difference, half_width = my_difference(first, second)
    comparison = {"difference": difference, "half_width": half_width} | given
    return table, "GRU", "LSTM", *comparison.values()


MISSED = {
    "recurrent_networks": [
        (pair(305, 768, val_loss=0.001), "at most 60 parameters", "How many units"),
        (pair(41, 768, val_loss=0.02), "a validation loss below 0.012", "more epochs"),
        (pair(41, 960, accuracy=0.5), "validated on the other", "validation=0.2"),
        (pair(41, 752, val_loss=0.001), "validated on the other", "validation=0.2"),
        (pair(41, 768, loss="mae", val_loss=0.01), "mean square error", "another scale"),
        (pair(41, 768, "Dense", val_loss=0.01), "a recurrent network", "no recurrent layer"),
    ],
    "gates": [
        (pair(213, 3200, "LSTM", val_loss=0.00001), "at most 60 parameters", "How many units"),
        (pair(59, 3200, "LSTM", val_loss=0.001), "a validation loss below 0.0002", "three gates"),
        (pair(59, 4000, "LSTM", val_loss=0.00001), "validated on the other", "validation=0.2"),
        (pair(59, 3200, "LSTM", loss="mae", val_loss=0.00001), "mean square error", "another scale"),
        (pair(59, 3200, "Conv1D", val_loss=0.00001), "a recurrent network", "no recurrent layer"),
    ],
    "simple_rnn_classifier": [
        (simple([0.8, 0.82, 0.81, 0.84, 0.86]), "accuracy of 0.865", "short"),
        (simple([0.8, 0.82, 0.79, 0.84, 0.87]), "no fall of more than .02", "Section 4"),
        (simple([0.8, 0.87, 0.87, 0.87]), "five epochs", "could fall"),
        (simple([0.87] * 5, units=64), "128 units", "what the handout had"),
        (simple([0.87] * 5, layer="GRU"), "128 units", "what the handout had"),
        (simple([0.87] * 5, initializer="Identity"), "orthogonal", "what the handout had"),
        (simple([0.87] * 5, steps=100), "200 tokens", "layers.Input"),
        (simple([0.87] * 5, rows=24_960), "validated on the other", "validation=0.2"),
    ],
    "gru_classifier": [
        (pair(80_000, 16_000, **FINE | {"val_accuracy": 0.82}), "of 0.832", "cost no tokens"),
        (
            pair(80_000, 16_000, loss="binary_crossentropy", val_loss=0.37),
            "of 0.832",
            'compile with metrics=["accuracy"]',
        ),
        (pair(80_000, 16_000, **FINE | {"val_loss": 0.4}), "loss below 0.374", "overconfident"),
        (pair(80_000, 16_000, **FINE | {"loss": "mse"}), "binary cross-entropy", "another scale"),
        (pair(80_000, 16_000, steps=200, **FINE), "at most 100 tokens", "x_100"),
        (pair(80_000, 19_980, **FINE), "validated on", "validation=0.2"),
        (pair(80_000, 16_000, "Conv1D", **FINE), "a recurrent", "baseline"),
    ],
    "forecasting": [
        (pair(10_451, 702, val_loss=0.0101), "at most 2,612", "4 n (m + n + 1)"),
        (pair(1_000, 702, val_loss=0.02), "at most 1.2", "the window"),
        (pair(1_000, 702, losses=[0.01], val_loss=0.01), "no penalty", "leave that out"),
        (pair(1_000, 702, val_loss=0.002), "not below 0.9", "Too good to be true"),
        (pair(1_000, 562, val_loss=0.0101), "validated on the other", "all of it"),
    ],
    "autoencoders": [
        (small(error=0.06, sizes=(784, 8)), "an FVU of less than .45", "network of section 3"),
        (small(error=0.02, sizes=(784, 15)), "8 numbers at the narrowest", "8 outputs"),
        (small(error=0.02, parameters=30_000), "at most 25,475", "beside the code"),
        (small(error=0.02, loss="huber"), "mean square error", "another scale"),
        (small(error=0.06, val_loss=0.02), "an FVU of less than .45", "section 3"),  # of another network
    ],
    "text_generation": [
        (writes(), "fewer than 2.388 bits", "learns faster"),
        (writes(seconds=200), "at most three minutes", "Fewer units"),
        (writes(layers="Conv1D"), "a recurrent", "baseline"),
    ],
    "attention": [
        (translator("GRU"), "a layer of attention", "layers.Attention"),
        (translator("Attention", parameters=70_000), "at most 60,000", "48 units"),
        (translator("AdditiveAttention", wrong=30), "95 % of new dates", "Is the loss still falling"),
    ],
    "many_trainings": [
        (swept(failed="ValueError"), "no run failed", "my_table.failed"),
        (swept(rates=(0.01,)), "two or more", "has an advantage"),
        (swept(other_rates=(0.01, 0.003, 0.001)), "the same rates", "has an advantage"),
        (swept(seeds=4), "five seeds", "seeds=range(5)"),
        (swept(difference=0.5), "the rates that validation chooses", "lowest *mean* validation error"),
        (swept(half_width=0.01), "its interval", "paired differences"),
    ],
    "weighing_evidence": [
        (pair(9, 16_000, loss="BinaryCrossentropy", val_loss=0.243), "loss below 0.240", "on what a better"),
        (pair(129, 16_000, loss="BinaryCrossentropy", val_loss=0.23), "at most 100", "n outputs on m inputs"),
        (pair(9, 16_000, loss="mse", val_loss=0.07), "binary cross-entropy", "from_logits=True"),
        (pair(9, 12_800, loss="BinaryCrossentropy", val_loss=0.23), "validated on the other", "x_validation"),
    ],
    "autoencoders_at_work": [
        (small(error=0.0), "an FVU of less than .21", "GaussianNoise"),
        (small(error=0.0, parameters=100_000), "at most 20,000", "share them"),
        (small(error=0.0, loss="huber"), "mean square error", "another scale"),
    ],
    "prediction_intervals": [
        (unsure(lambda clean: 0.18), "on the crest", "Too narrow where the noise is large"),
        (unsure(lambda clean: np.where(clean > 0, 0.3, 0.02)), "in the trough", "own error counts"),
        (unsure(lambda clean: 2 * as_wide_as_the_noise(clean)), "at most .37", "has not learned the wave"),
        (unsure(as_wide_as_the_noise, parameters=16_260), "at most 1,626", "dense layer 60 (n + 1)"),
        (unsure(as_wide_as_the_noise, rows=2_821), "validated on the other", "practice()"),
    ],
}


@pytest.mark.parametrize(
    "subject, given, missed, advice", [(subject, *row) for subject, rows in MISSED.items() for row in rows]
)
def test_a_goal_that_is_missed_is_named_with_what_was_measured_and_advice(subject, given, missed, advice):
    verdict = EXPERIMENTS[subject].verdict(given)
    assert verdict.status == "not yet" and missed in verdict.mistake
    assert f"not yet: {verdict.mistake}" in verdict.text and "(yours: " in verdict.text
    assert advice in " ".join(verdict.text.split())


def test_an_interval_as_wide_as_the_noise_is_right_and_thirty_outputs_are_too_few():
    experiment = EXPERIMENTS["prediction_intervals"]
    assert experiment.verdict(unsure(as_wide_as_the_noise)).status == "right"
    model, run = unsure(as_wide_as_the_noise)
    model.predict = lambda x, **_: np.zeros((len(x), 30))
    assert "put out 60 numbers" in " ".join(experiment.verdict((model, run)).text.split())


FIRST_AUTOENCODER = exercises_of(NUMBERS["autoencoders"])[0]


def network(keras, code="linear", shape=(28, 28), units=8):
    layers = keras.layers
    inner = [layers.Flatten(), layers.Dense(units, activation=code), layers.Dense(784)]
    return keras.Sequential([layers.Input((28, 28)), *inner, *([layers.Reshape(shape)] if shape else [])])


@pytest.mark.parametrize(
    "settings, missed",
    [
        ({}, "below 0.035"),
        ({"code": "relu"}, "no activation there"),
        ({"units": 7}, "8 numbers"),
        ({"shape": None}, "images of 28 by 28"),
    ],
)
def test_a_first_autoencoder_is_told_what_it_misses(keras, settings, missed):
    assert missed in FIRST_AUTOENCODER.verdict(network(keras, **settings)).mistake


def test_a_network_in_a_network_is_looked_into_and_no_network_is_refused(keras):
    images = keras.Input((28, 28))
    nested = keras.Model(images, network(keras)(images))
    assert "below 0.035" in FIRST_AUTOENCODER.verdict(nested).mistake
    assert "keras.Sequential" in FIRST_AUTOENCODER.verdict("a network").text


def test_a_writer_without_97_logits_at_each_step_is_told_so():
    text = " ".join(EXPERIMENTS["text_generation"].verdict(writes(outputs=96)).text.split())
    assert "97 numbers should come out; here it is (64, 96)" in text and "return_sequences=True" in text


def test_what_is_no_translator_of_dates_is_told_so():
    experiment = EXPERIMENTS["attention"]
    assert "the trained network" in experiment.verdict((1, 2)).text
    says = " ".join(experiment.verdict(translator("Attention", outputs=40)).text.split())
    assert "(dates, 10, 41); here the shape is (500, 10, 40)" in says
    blind = translator("Attention")
    blind.predict_on_batch = lambda x: x.shape
    assert "does not take [source, previous]" in experiment.verdict(blind).text
    for several, of in (([np.zeros(3), np.zeros(4)], "list of 2"), ({"logits": np.zeros(3)}, "dict of 1")):
        blind.predict_on_batch = lambda x, several=several: several
        assert f"(dates, 10, 41) as one array; it gives a {of}." in said(blind)


def said(answer):
    return " ".join(EXPERIMENTS["attention"].verdict(answer).text.split())


def attending(keras, layer, apart=False):
    """An untrained network of the right shapes with this layer between encoder and decoder."""
    layers = keras.layers

    class Inner(layers.Layer):
        def __init__(self):
            super().__init__()
            self.parts = [layer]

        def call(self, query, value):
            return self.parts[0](query, value) if multi else self.parts[0]([query, value])

    multi = isinstance(layer, layers.MultiHeadAttention)

    class Translator(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed, self.inner, self.out = layers.Embedding(41, 8), Inner(), layers.Dense(41)

        def call(self, inputs):
            source, previous = map(self.embed, inputs)
            return self.out(self.inner(previous, source))

    class Apart(Translator):
        def call(self, source, previous):
            return super().call([source, previous])

    return Apart() if apart else Translator()


def test_attention_counts_in_a_layer_of_ones_own_and_where_it_is_derived(keras):
    class Mine(keras.layers.Attention):
        pass

    class Neither(keras.layers.Layer):
        def call(self, inputs):
            return inputs[0]

    many = keras.layers.MultiHeadAttention(1, 4)
    for layer, counts in ((Mine(), True), (many, True), (Neither(), False)):
        text = said(attending(keras, layer))
        assert ("not yet: with a layer of attention" in text) != counts, text
        assert "not yet: 95 % of new dates" in text
    direct = keras.Input((27,), dtype="int32"), keras.Input((10,), dtype="int32")
    embed = keras.layers.Embedding(41, 8)
    context = Mine()([embed(direct[1]), embed(direct[0])])
    model = keras.Model(direct, keras.layers.Dense(41)(context))
    assert " reached: with a layer of attention (yours: " in said(model)


def test_a_network_that_takes_its_inputs_apart_is_told_to_take_one_list(keras):
    text = said(attending(keras, keras.layers.Attention(), apart=True))
    assert "does not take [source, previous], one list of two arrays of whole numbers" in text


@pytest.mark.slow
def test_the_first_autoencoder_of_the_solution_reaches_every_goal(keras, capsys):
    cells, names = sources(PATHS[NUMBERS["autoencoders"]]), {}
    for anchor in ["import numpy as np\n", "data = digits.load("]:
        exec(next(source for source in cells if anchor in source), names)
    exec(FIRST_AUTOENCODER.solution_text(), names)
    capsys.readouterr()
    FIRST_AUTOENCODER.check(names["my_autoencoder"])
    assert capsys.readouterr().out.count("reached: ") == len(FIRST_AUTOENCODER.goals)


def test_a_recaller_that_guesses_is_told_which_goal_it_misses():
    guesses = SimpleNamespace(
        cell=SimpleNamespace(units=16), losses=[1.4] * 500, accuracy=lambda gap, seed: 0.25
    )
    verdict = EXPERIMENTS["memory"].verdict(guesses)
    assert verdict.mistake == "95% of the letters recalled over 100 steps"
    assert "(yours: 25.0%)" in verdict.text


@pytest.mark.parametrize("threshold", [1.5, 1e9])
def test_adam_by_hand_takes_the_steps_of_keras(keras, threshold):
    gradients = np.random.default_rng(0).normal(size=(20, 5)) * np.array([[1.0], [30.0]] * 10)
    weights, positions = keras.Variable(np.zeros(5), dtype="float64"), [np.zeros(5)]
    adam = keras.optimizers.Adam(0.1, global_clipnorm=threshold)
    for gradient in gradients:
        adam.apply([keras.ops.convert_to_tensor(gradient)], [weights])
        positions.append(keras.ops.convert_to_numpy(weights))
    np.testing.assert_allclose(
        my_adam_steps(gradients, 0.1, threshold), np.diff(positions, axis=0), rtol=1e-4
    )


REGISTER = exercises_of(NUMBERS["gates"])[0]


def by_hand():
    names = {"np": np}
    exec(REGISTER.solution_text(), names)
    return names["my_register"]


def test_a_register_set_by_hand_reaches_every_goal_also_with_arrays_and_lists():
    W, b, v = by_hand()
    for given in ((W, b, v), (W.tolist(), list(b), np.full((1, 1), v)), [W, b, np.array([v])]):
        verdict = REGISTER.verdict(given)
        assert verdict.status == "right" and verdict.text.count("reached: ") == 3


@pytest.mark.parametrize(
    "change, missed",
    [
        (lambda W, b: W[1].fill(0), "entered only"),  # the input gate ignores its key
        (lambda W, b: W[2].fill(0), "new customers"),
        (lambda W, b: b.__setitem__(3, 10), "when asked"),  # the output gate is always open
        (lambda W, b: W[0].__imul__(30), "entered only"),  # a candidate so large that its tanh is flat
        (lambda W, b: b.__setitem__(1, 2), "entered only"),  # a forget gate of 0.88
    ],
)
def test_a_register_with_one_fault_is_told_which_task_it_fails(change, missed):
    W, b, v = by_hand()
    W, b = W.astype(float), b.astype(float)
    change(W, b)
    verdict = REGISTER.verdict((W, b, v))
    assert verdict.status == "not yet" and f"'{missed}'" in verdict.mistake


@pytest.mark.parametrize(
    "given, says",
    [
        ((np.zeros((4, 3)), np.zeros(4), 1), "W must have the shape (4, 4), and has (4, 3)"),
        ((np.zeros((4, 4)), np.zeros(5), 1), "b must have the shape (4,), and has (5,)"),
        ((np.zeros((4, 4)), np.zeros(4), [1, 2]), "v must have the shape (), and has (2,)"),
        ((np.zeros((4, 4)), np.full(4, np.nan), 1), "b holds a number that is not finite"),
        ((np.zeros((4, 4)), np.full(4, 1j), 1), "This needs three things"),
        ((np.zeros((4, 4)), ["1", "2", "3", "4"], 1), "This needs three things"),
        ((np.zeros((4, 4)), np.ma.masked_array(np.zeros(4), [1, 0, 0, 0]), 1), "This needs three things"),
        ((1, 2), "W, b, v"),
        (7, "W, b, v"),
    ],
)
def test_weights_of_another_shape_are_told_theirs(given, says):
    assert says in " ".join(REGISTER.verdict(given).text.split())


def test_the_facts_of_a_network_are_those_of_keras(keras):
    def facts(*layers):
        model = keras.Sequential(layers)
        model.compile("adam", keras.losses.MeanSquaredError())
        return facts_of_pair((model, pair(model.count_params(), 3_200, val_loss=0.02)[1]))

    layers = keras.layers
    found = facts(layers.Input((28, 28)), layers.GRU(16), layers.Dense(8), layers.Dense(784))
    assert found["layers"] == ["GRU", "Dense", "Dense"] and found["narrowest"] == 8 and found["steps"] == 28
    assert square_error().reached(found) and recurrent().reached(found)
    several = facts(layers.Input((None, 3)), layers.Bidirectional(layers.GRU(4)), layers.Dense(1))
    assert several["steps"] == 0 and several["narrowest"] == 1 and recurrent().reached(several)
    assert several["layers"][:2] == ["Bidirectional", "GRU"]
    inside = keras.Sequential([layers.Input((5, 3)), layers.LSTM(4)])
    assert recurrent().reached(facts(layers.Input((5, 3)), inside, layers.Dense(1)))
    entrance = layers.Input((5, 3))
    output, *_ = layers.LSTM(4, return_state=True)(entrance)
    functional = keras.Model(entrance, layers.Dense(1)(output))
    functional.compile("adam", "mse")
    run = pair(functional.count_params(), 9, val_loss=0.1)[1]
    assert recurrent().reached(facts_of_pair((functional, run)))
    penalised = layers.LSTM(2, kernel_regularizer=keras.regularizers.L2(0.01))
    assert not square_error().reached(facts(layers.Input((5, 1)), penalised, layers.Dense(1)))


@pytest.mark.parametrize("subject", NEEDED)
@pytest.mark.parametrize("nonsense", [3, "done", [1, 2], (1, 2), {"parameters": 3}])
def test_what_is_no_run_is_refused_in_words(subject, nonsense):
    verdict = EXPERIMENTS[subject].verdict(nonsense)
    assert verdict.status == "not yet" and "This needs" in verdict.text and "You gave" in verdict.text


MODEL, RUN = pair(41, 640, val_loss=0.001)


@pytest.mark.parametrize(
    "given, words",
    [
        (MODEL, "my_model, my_run"),
        ((MODEL, {"loss": [1]}), "The second is no Run"),
        ((MODEL, dataclasses.replace(RUN, kept_epoch=0)), "stopped before its first epoch was done"),
        ((3, 4), "The first is no Keras network"),
        ((MODEL, pair(305, 640)[1]), "another network: that had 305 parameters, this one has 41"),
    ],
)
def test_what_is_no_pair_of_a_network_and_its_run_is_refused_in_words(given, words):
    assert words in " ".join(EXPERIMENTS["recurrent_networks"].verdict(given).text.split())


def test_the_facts_of_a_run_are_those_of_the_epoch_that_was_kept():
    run = dataclasses.replace(RUN, history={"loss": [3.0, 1.0], "val_loss": [2.0, 4.0]})
    assert facts_of_run(run)["kept"] == {"loss": 3.0, "val_loss": 2.0}
    assert facts_of_run(dataclasses.replace(run, kept_epoch=2))["kept"]["val_loss"] == 4.0
