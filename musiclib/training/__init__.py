"""Training: weights by a seed, batches made while the device computes, the best epoch kept, a stopped run resumed.

:func:`fit` trains any Keras model: classifiers from arrays, and models that bring their own loss, on tokens, sequences,
several inputs, or any ``keras.utils.PyDataset``. :func:`keep` keeps a trained model for ``models.kept``.
"""

from musiclib.training.data import Batches
from musiclib.training.keeping import keep
from musiclib.training.loop import Run, fit
from musiclib.training.making import build, copy_weights, gpus

__all__ = ["Batches", "Run", "build", "copy_weights", "fit", "gpus", "keep"]
