"""The stages of the chain, and what only they use."""
