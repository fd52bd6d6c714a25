"""Pictures of a run, all of them made from its tree.

ArviZ takes longer to import than a small run takes, so a picture's module is imported when the
picture is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bayesmice.plots.density import plot_density
    from bayesmice.plots.pit import plot_loo_pit
    from bayesmice.plots.predictive import plot_ppc
    from bayesmice.plots.prior import draw_prior_predictive, plot_prior_predictive
    from bayesmice.plots.propensity import plot_propensity
    from bayesmice.plots.trace import plot_trace
else:
    _MODULES = {
        "draw_prior_predictive": "bayesmice.plots.prior",
        "plot_density": "bayesmice.plots.density",
        "plot_loo_pit": "bayesmice.plots.pit",
        "plot_ppc": "bayesmice.plots.predictive",
        "plot_prior_predictive": "bayesmice.plots.prior",
        "plot_propensity": "bayesmice.plots.propensity",
        "plot_trace": "bayesmice.plots.trace",
    }

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name]), name)


__all__ = [
    "draw_prior_predictive",
    "plot_density",
    "plot_loo_pit",
    "plot_ppc",
    "plot_prior_predictive",
    "plot_propensity",
    "plot_trace",
]
