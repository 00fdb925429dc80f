"""The registry of scanners: lines that were measured on phantoms, and which of them a patient's scan is read by.

Holds no patient: of a phantom's scan the scanner, how it was scanned, the day, and what its inserts showed.
"""
