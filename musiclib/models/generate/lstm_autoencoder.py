"""The LSTM autoencoder: a sequence of frames through few numbers, and back."""

import keras
import numpy as np
from keras import layers

BOTTLENECK = "bottleneck"  # the layer whose numbers stand for the whole sequence
BEFORE = "before"  # of a teacher-forced decoder: the layer that gives it the frame before each


def lstm_autoencoder(
    shape: tuple[int, int],
    *,
    units: int = 128,
    bottleneck: int = 32,
    teacher: bool = False,
    attention: bool = False,
) -> keras.Model:
    """A sequence of frames to the same sequence, through the last state of an LSTM.

    LSTM(units) and LSTM(bottleneck) encode; RepeatVector, LSTM(bottleneck), LSTM(units) and TimeDistributed(Dense)
    decode. Normalization stands around both, so that what comes out is in the unit of what goes in.

    Parameters
    ----------
    shape : (frames, bands) of a sequence
    units : N, of the outer LSTMs
    bottleneck : M, of the inner ones: as many numbers stand for the sequence
    teacher : give the decoder at each step the true frame before (teacher forcing); ``unaided`` takes it away again
    attention : let the decoder look at all states of the encoder's first LSTM, past the bottleneck

    Returns
    -------
    keras.Model, (sequences, frames, bands) to the same

    References
    ----------
    Srivastava, Mansimov and Salakhutdinov, "Unsupervised learning of video representations using LSTMs", ICML 2015,
    arXiv:1502.04681. Teacher forcing: Williams and Zipser, "A learning algorithm for continually running fully
    recurrent neural networks", Neural Computation 1(2), 1989, doi:10.1162/neco.1989.1.2.270. Attention: Luong, Pham and
    Manning, "Effective approaches to attention-based neural machine translation", EMNLP 2015, doi:10.18653/v1/D15-1166.
    """
    frames, bands = shape
    sequence = keras.Input(shape)
    x = layers.Normalization(axis=-1)(sequence)
    states = layers.LSTM(units, return_sequences=True)(x)
    z = layers.LSTM(bottleneck, name=BOTTLENECK)(states)
    h = layers.RepeatVector(frames)(z)
    if teacher:  # a frame of zeros, which is the mean frame, then all frames but the last
        before = layers.Cropping1D((0, 1), name=BEFORE)(layers.ZeroPadding1D((1, 0))(x))
        h = layers.Concatenate()([h, before])
    h = layers.LSTM(bottleneck, return_sequences=True)(h)
    h = layers.LSTM(units, return_sequences=True)(h)
    if attention:  # each step asks which of the encoder's states are like its own
        h = layers.Concatenate()([h, layers.Attention()([h, states])])
    h = layers.TimeDistributed(layers.Dense(bands))(h)
    answer = layers.Normalization(axis=-1, invert=True, dtype="float32")(h)
    return keras.Model(sequence, answer, name="lstm_autoencoder")


def unaided(model: keras.Model, X: np.ndarray) -> np.ndarray:
    """What a teacher-forced model gives back when nobody tells it the frame before: it hears its own.

    Parameters
    ----------
    model : made with ``teacher=True`` and without attention
    X : shape (sequences, frames, bands)

    Returns
    -------
    float32 array of the same shape

    Raises
    ------
    ValueError
        If the model has no teacher.
    """
    names = {layer.name for layer in model.layers}
    if BEFORE not in names:
        raise ValueError(f"{model.name} has no layer {BEFORE!r}: expected a model made with teacher=True.")
    z, before = (model.get_layer(name).output for name in (BOTTLENECK, BEFORE))
    *_, last, answer = model.layers  # the last answers in the unit of X; what comes back goes in before that
    decoder = keras.Model([z, before], last.output)
    code = keras.Model(model.input, z).predict_on_batch(X)
    heard = np.zeros((len(X), *before.shape[1:]), np.float32)
    for t in range(1, heard.shape[1]):
        heard[:, t] = decoder.predict_on_batch([code, heard])[:, t - 1]
    return np.asarray(answer(decoder.predict_on_batch([code, heard])), np.float32)
