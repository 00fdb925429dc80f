"""The parts of the Slicer module: a folder a section, and what they share."""
