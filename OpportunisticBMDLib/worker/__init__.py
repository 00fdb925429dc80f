"""The chain in a process of its own, kept warm: models loaded once, the CT at hand, gone at once when cancelled."""
