"""What Slicer itself does for the panel: its nodes, views, dialogs, DICOM database, packages and style."""
