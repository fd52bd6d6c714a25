"""Multiple imputation by chained equations in which every conditional model is a PyMC model."""

from importlib import import_module
from typing import TYPE_CHECKING

from bayesmice import priors, quantities, testing
from bayesmice.analysis.bootstrap import bootstrap
from bayesmice.analysis.convergence import posterior_convergence
from bayesmice.combining import concat, from_long
from bayesmice.comparing import ModelComparison, compare_models
from bayesmice.continuation import open_imputations
from bayesmice.data.amputation import Amputation, ampute
from bayesmice.data.flux import MissingPairs, flux, missing_pairs
from bayesmice.data.mcar import MCARTest, mcar_test
from bayesmice.data.missing_pattern import missing_pattern
from bayesmice.data.quick_predictors import quick_predictors
from bayesmice.datasets import load_dataset, simulate_dataset
from bayesmice.diagnostics import Convergence, Until, compare, loo, until
from bayesmice.errors import (
    AnalysisError,
    BayesMiceError,
    ColumnNotFoundError,
    DataError,
    DataTypeError,
    ModelError,
    NotRunError,
    PoolingError,
    SamplingError,
    SpecificationError,
    StoreError,
)
from bayesmice.imputations import Imputations
from bayesmice.mice import MICE
from bayesmice.models import PMM, Auxiliary, Custom, Family, Regression
from bayesmice.pooling import (
    CompleteDataResult,
    HypothesisTest,
    PooledResults,
    anova,
    compare_pooling,
    complete_data_result,
    mix,
    pool,
    pool_posterior,
    pool_scalar,
)
from bayesmice.running import SweepInfo
from bayesmice.testing import ModelReport, check_model

if TYPE_CHECKING:
    from bayesmice.imputer import BayesianImputer
    from bayesmice.plots import (
        plot_box,
        plot_convergence,
        plot_density,
        plot_flux,
        plot_fmi,
        plot_forest,
        plot_graph,
        plot_loo_pit,
        plot_overimpute,
        plot_parameters,
        plot_pattern,
        plot_ppc,
        plot_prior_predictive,
        plot_propensity,
        plot_strip,
        plot_trace,
        plot_xy,
    )
else:
    LATER = {
        "plot_box": "bayesmice.plots",
        "plot_convergence": "bayesmice.plots",
        "plot_density": "bayesmice.plots",
        "plot_flux": "bayesmice.plots",
        "plot_fmi": "bayesmice.plots",
        "plot_forest": "bayesmice.plots",
        "plot_graph": "bayesmice.plots",
        "plot_loo_pit": "bayesmice.plots",
        "plot_overimpute": "bayesmice.plots",
        "plot_parameters": "bayesmice.plots",
        "plot_pattern": "bayesmice.plots",
        "plot_ppc": "bayesmice.plots",
        "plot_prior_predictive": "bayesmice.plots",
        "plot_propensity": "bayesmice.plots",
        "plot_strip": "bayesmice.plots",
        "plot_trace": "bayesmice.plots",
        "plot_xy": "bayesmice.plots",
        "BayesianImputer": "bayesmice.imputer",
    }

    def __getattr__(name):
        """Load when it is asked for what imports ArviZ, which takes a second, or scikit-learn."""
        if name not in LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(LATER[name]), name)


__all__ = [
    "MICE",
    "PMM",
    "Amputation",
    "AnalysisError",
    "Auxiliary",
    "BayesMiceError",
    "BayesianImputer",
    "ColumnNotFoundError",
    "CompleteDataResult",
    "Convergence",
    "Custom",
    "DataError",
    "DataTypeError",
    "Family",
    "HypothesisTest",
    "Imputations",
    "MCARTest",
    "MissingPairs",
    "ModelComparison",
    "ModelError",
    "ModelReport",
    "NotRunError",
    "PooledResults",
    "PoolingError",
    "Regression",
    "SamplingError",
    "SpecificationError",
    "StoreError",
    "SweepInfo",
    "Until",
    "ampute",
    "anova",
    "bootstrap",
    "check_model",
    "compare",
    "compare_models",
    "compare_pooling",
    "complete_data_result",
    "concat",
    "flux",
    "from_long",
    "load_dataset",
    "loo",
    "mcar_test",
    "missing_pairs",
    "missing_pattern",
    "mix",
    "open_imputations",
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
    "pool",
    "pool_posterior",
    "pool_scalar",
    "posterior_convergence",
    "priors",
    "quantities",
    "quick_predictors",
    "simulate_dataset",
    "testing",
    "until",
]
