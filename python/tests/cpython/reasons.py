"""Why tests of CPython do not pass with the classes of Fanlane."""

REASONS = {}
