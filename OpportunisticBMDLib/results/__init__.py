"""What a run leaves behind: result.json, segmentation.seg.nrrd, preview.png and report.html."""
