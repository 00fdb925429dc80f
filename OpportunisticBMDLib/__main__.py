"""`python -m OpportunisticBMDLib`."""

from OpportunisticBMDLib.cli import run

if __name__ == "__main__":
    run()
