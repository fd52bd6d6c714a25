"""The report of a run: one HTML page that needs neither a network nor Python to be read.

Like the pictures on it, it is imported when it is first asked for: ArviZ takes longer to import
than a small run takes.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bayesmice.report.page import ReportRequest, report_page
else:
    _NAMES = ("ReportRequest", "report_page")

    def __getattr__(name):
        if name not in _NAMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module("bayesmice.report.page"), name)


__all__ = ["ReportRequest", "report_page"]
