"""`python -m fournil`, which `torchrun -m fournil` needs."""

import sys

from fournil.cli import main

if __name__ == "__main__":
    sys.exit(main())
