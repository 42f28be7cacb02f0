"""Train a Keras model with `fit`, and keep the result as a `Run`.

It relies on what Keras and TensorFlow do not promise; in brackets the tests that would notice a change:

* `keras_trainer`: Keras asks ``epoch in validation_freq`` (test_fit: test_a_callback_stops_the_training_…).
* `recording`: ``stop_evaluating`` ends a validation (test_fit: test_a_stop_within_the_validation_…).
* `compiled_epochs`: the order of rows under a seed, ``variable.value``, ``compute_loss``, ``optimizer.apply``
  (test_compiled_epochs: test_the_curves_and_weights_…); ``unroll``, for speed alone (benchmarks/measure.py).
* `network_cache`: names in a configuration (test_network_cache: test_a_functional_model_…), seeds drawn from
  `random` (test_building_what_is_cached_…), ``_exclude_from_weight_decay`` (test_weights_spared_…).
"""

from labutils.training.command_line import sweep_options
from labutils.training.fitting import evaluate, fit
from labutils.training.length_batches import batches_by_length
from labutils.training.run import Run, mean_and_sd, table
from labutils.training.sweeping import NOT_TRAINED, stored_runs, sweep
