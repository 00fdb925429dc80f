"""`python -m OpportunisticBMDLib`."""

import sys

from OpportunisticBMDLib.cli import main

if __name__ == "__main__":
    sys.exit(main())
