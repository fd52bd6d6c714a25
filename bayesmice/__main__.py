"""``python -m bayesmice``: the command line."""

import sys

from bayesmice.commands import main

sys.exit(main())
