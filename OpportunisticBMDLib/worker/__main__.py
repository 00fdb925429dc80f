"""`python -m OpportunisticBMDLib.worker`: started by `client.Worker`, spoken to through its standard streams."""

from OpportunisticBMDLib.worker.service import main

if __name__ == "__main__":
    main()
