"""DICOM's words: codes, and how 3D Slicer writes them."""
