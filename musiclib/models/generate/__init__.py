"""Models that make music: each brings its loss, its metrics and ``sample(...)``, seeded."""
