"""Virtual patients, datasets, fitting, cross-validation and evaluation of the three networks."""
