"""The command line: ``bayesmice impute``, ``report``, ``complete`` and ``pattern``."""

from bayesmice.commands.main import main

__all__ = ["main"]
