"""Fits the networks: `python -m training.fit` all three on an annotated dataset, `python -m training.fit.STAGE` one.

A run's folder holds
    last.ckpt               where the same command goes on
    best.ckpt               the weights that validated best, by the criterion of the stage
    curves.png              loss and validation figures over all starts
    log/version_N/          metrics.csv of each start
    tensorboard/            the same for `tensorboard --logdir`
"""
