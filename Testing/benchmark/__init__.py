"""How long the chain takes and what it needs, beside plain PyTorch and the floor: `python -m Testing.benchmark`."""
