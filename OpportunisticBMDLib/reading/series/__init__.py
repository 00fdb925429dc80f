"""One CT out of a folder of DICOM files: which slices belong together, in which order, and their pixels."""
