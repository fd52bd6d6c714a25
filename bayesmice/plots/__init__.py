"""Pictures of data, of a run from its tree, and of what was pooled.

ArviZ takes longer to import than a small run takes, so a picture's module is imported when the
picture is first asked for.
"""

from typing import TYPE_CHECKING

from bayesmice.later import names_from

if TYPE_CHECKING:
    from bayesmice.plots.box import plot_box
    from bayesmice.plots.convergence import plot_convergence
    from bayesmice.plots.density import plot_density
    from bayesmice.plots.flux import plot_flux
    from bayesmice.plots.fmi import plot_fmi
    from bayesmice.plots.forest import plot_forest
    from bayesmice.plots.graph import plot_graph
    from bayesmice.plots.overimpute import plot_overimpute
    from bayesmice.plots.parameters import plot_parameters
    from bayesmice.plots.pattern import plot_pattern
    from bayesmice.plots.pit import plot_loo_pit
    from bayesmice.plots.predictive import plot_ppc
    from bayesmice.plots.prior import draw_prior_predictive, plot_prior_predictive
    from bayesmice.plots.propensity import plot_propensity
    from bayesmice.plots.scatter import plot_xy
    from bayesmice.plots.strip import plot_strip
    from bayesmice.plots.trace import plot_trace
else:
    _MODULES = {
        "draw_prior_predictive": "bayesmice.plots.prior",
        "plot_box": "bayesmice.plots.box",
        "plot_convergence": "bayesmice.plots.convergence",
        "plot_density": "bayesmice.plots.density",
        "plot_flux": "bayesmice.plots.flux",
        "plot_fmi": "bayesmice.plots.fmi",
        "plot_forest": "bayesmice.plots.forest",
        "plot_graph": "bayesmice.plots.graph",
        "plot_loo_pit": "bayesmice.plots.pit",
        "plot_overimpute": "bayesmice.plots.overimpute",
        "plot_parameters": "bayesmice.plots.parameters",
        "plot_pattern": "bayesmice.plots.pattern",
        "plot_ppc": "bayesmice.plots.predictive",
        "plot_prior_predictive": "bayesmice.plots.prior",
        "plot_propensity": "bayesmice.plots.propensity",
        "plot_strip": "bayesmice.plots.strip",
        "plot_trace": "bayesmice.plots.trace",
        "plot_xy": "bayesmice.plots.scatter",
    }
    __getattr__, __dir__ = names_from(__name__, _MODULES)


__all__ = [
    "draw_prior_predictive",
    "plot_box",
    "plot_convergence",
    "plot_density",
    "plot_flux",
    "plot_fmi",
    "plot_forest",
    "plot_graph",
    "plot_loo_pit",
    "plot_overimpute",
    "plot_parameters",
    "plot_pattern",
    "plot_ppc",
    "plot_prior_predictive",
    "plot_propensity",
    "plot_strip",
    "plot_trace",
    "plot_xy",
]
