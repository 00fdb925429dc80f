"""The architectures alone: how layers follow each other, no weights."""
