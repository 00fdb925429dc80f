"""Results as DICOM objects of the patient's study: segmentation, measurement report, document, picture."""
