"""The researcher's section: annotated cases, and the fit of a network to them."""
