"""Fits the networks: `opportunistic-bmd-lab fit` all three on an annotated dataset, `fit-STAGE` one.

    samples/      cases made ready, and which of them fit and which validate
    tasks/        the three fits: what each network is shown, and how it is judged
    ablations/    other ways from a reading to a BMD, side by side
    recipe.py     how a network is fitted; design.py what it is before any fit
    loop.py       the loop that fits any of the tasks, on the devices.py there are, with a log.py and its curves.py
    command.py    the command line that the three fits share; __main__.py all three in a row
    spread.py     the BMD model's spread, scaled to measured errors

A run's folder holds
    last.ckpt               where the same command goes on
    best.ckpt               the weights that validated best, by the criterion of the stage
    curves.png              loss and validation figures over all starts
    log/version_N/          metrics.csv of each start
    tensorboard/            the same for `tensorboard --logdir`
"""
