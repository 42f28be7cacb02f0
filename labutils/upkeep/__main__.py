"""The maintainer's command: ``python -m labutils.upkeep``."""

import sys

from labutils.upkeep.stored_notebooks import main

sys.exit(main())
