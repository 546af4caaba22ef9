"""Stands for Colab's own package of this name, by which a chapter knows that it is there."""
