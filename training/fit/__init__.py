"""One command per stage: `python -m training.fit.localizer`, `.segmentation`, `.bmd`, after `.prepare`."""
