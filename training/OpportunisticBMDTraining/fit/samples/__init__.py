"""What is fitted on: cases made ready as one .npz file each, and which of them fit and which validate."""
