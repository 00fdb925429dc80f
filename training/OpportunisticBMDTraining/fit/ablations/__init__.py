"""Compares ways to get from a reading to a BMD: which of them ship is decided by figures."""
