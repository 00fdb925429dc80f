"""The section with what the reader may choose, kept from one day to the next."""
