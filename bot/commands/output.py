"""How commands show tables: as wide as the terminal, and whole where there is none.

Leaves to others: what is in the tables.
"""

from __future__ import annotations

import sys

from rich.console import Console

#: Columns of a table that goes to a file or another program, where nothing should be cut.
WIDE = 200


def console() -> Console:
    """Return where to print tables."""
    return Console() if sys.stdout.isatty() else Console(width=WIDE)
