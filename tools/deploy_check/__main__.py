"""`python -m tools.deploy_check`: what `make deploy-check` does."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
