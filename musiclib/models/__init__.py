"""The models of the course, one a file, each a function ``make(shape, classes, **options)`` that returns a Keras model.

``shape`` is that of one example, (bands, frames); the model scales each band itself, by a Normalization layer that
``training.build`` sets. They use ``keras`` and ``keras.ops`` alone, so that TensorFlow, JAX and PyTorch all run them.
"""

from musiclib.models.composer_cnn import composer_cnn
from musiclib.models.crnn import crnn
from musiclib.models.encoder import encoder
from musiclib.models.genre_cnn import genre_cnn
from musiclib.models.han_cnn import han_cnn
from musiclib.models.interval_net import interval_net
from musiclib.models.mel_cnn import mel_cnn
from musiclib.models.spectrogram_transformer import spectrogram_transformer
from musiclib.models.two_layers import two_layers

__all__ = [
    "composer_cnn",
    "crnn",
    "encoder",
    "genre_cnn",
    "han_cnn",
    "interval_net",
    "mel_cnn",
    "spectrogram_transformer",
    "two_layers",
]
