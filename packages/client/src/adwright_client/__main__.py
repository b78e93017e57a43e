"""`python -m adwright_client` is the `adwright` command."""

import sys

from .cli import main

sys.exit(main())
