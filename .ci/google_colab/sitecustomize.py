"""Colab has this loaded before the first cell."""

import google.colab  # noqa: F401
