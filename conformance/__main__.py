"""`python -m conformance`, the same as `responses-conformance`."""

import sys

from conformance.cli import main

if __name__ == "__main__":
    sys.exit(main())
