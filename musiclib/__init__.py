"""What more than one chapter of *Deep Learning for Music* needs, one file a layer.

The layers stand in this order, and none imports one to its right:
``files → audio → acoustics → symbolic → render → perform → datasets → features → statistics → splits → augment →
models → training → evaluation → plot → page``.
"""

__version__ = "0.1.0"
