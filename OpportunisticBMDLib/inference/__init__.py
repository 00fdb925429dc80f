"""What computes the networks, and on which processor."""
