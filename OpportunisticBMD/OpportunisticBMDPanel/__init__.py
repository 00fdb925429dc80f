"""The parts of the Slicer module: each file one of them, none of them imported before it is needed."""
