"""Train a Keras model with `fit`, and keep the result as a `Run`."""

from labutils.training.fitting import callback_list, evaluate, fit
from labutils.training.recording import recorder_class
from labutils.training.run import Run, mean_and_sd, table
