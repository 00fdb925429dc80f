"""Mutated inputs for every reader: each ends in a plausible reading or one plain sentence, and leaves nothing behind.

`python -m fuzz` runs any number of trials, each from its own seed, and tells which failed.
"""
