"""Models that recognize: ``make(shape, classes, **options)`` returns a Keras model."""
