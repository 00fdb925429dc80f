"""An archive that speaks DICOMweb or DIMSE: studies found, fetched, measured, and their results sent back."""
