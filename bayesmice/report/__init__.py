"""The report of a run: one HTML page that needs neither a network nor Python to be read.

Like the pictures on it, it is imported when it is first asked for: ArviZ takes longer to import
than a small run takes.
"""

from typing import TYPE_CHECKING

from bayesmice.later import names_from

if TYPE_CHECKING:
    from bayesmice.report.page import ReportRequest, report_page
else:
    _MODULES = dict.fromkeys(("ReportRequest", "report_page"), "bayesmice.report.page")
    __getattr__, __dir__ = names_from(__name__, _MODULES)


__all__ = ["ReportRequest", "report_page"]
