"""Conditional models, as the tree remembers them, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import xarray as xr

from bayesmice.store import Described, models_of_tree

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "gaussian": "linear regression with normal residuals",
        "t": "linear regression with Student t residuals, which allow for outliers",
        "skewnormal": "linear regression with skew-normal residuals",
        "lognormal": "log-normal regression",
        "gamma": "gamma regression",
        "weibull": "Weibull regression",
        "beta": "beta regression",
        "bernoulli": "binary regression",
        "binomial": "binomial regression",
        "categorical": "multinomial regression",
        "cumulative": "ordinal regression with ordered cutpoints",
        "poisson": "Poisson regression",
        "negativebinomial": "negative binomial regression",
        "zero_inflated_poisson": "zero-inflated Poisson regression",
        "zero_inflated_negativebinomial": "zero-inflated negative binomial regression",
        "hurdle_gamma": "gamma regression with a hurdle at zero",
        "hurdle_lognormal": "log-normal regression with a hurdle at zero",
        "vonmises": "von Mises regression of angles",
        "truncated_gaussian": "truncated linear regression",
        "custom": "a model of its own, written in PyMC",
    }
)
"""What a family of regressions is called."""
NAMED_LINKS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("bernoulli", "logit"): "logistic regression",
        ("bernoulli", "probit"): "probit regression",
        ("categorical", "softmax"): "multinomial logistic regression",
        ("cumulative", "logit"): "ordinal logistic regression (proportional odds)",
        ("cumulative", "probit"): "ordinal probit regression",
    }
)
"""Families that have a name of their own with a link."""


@dataclass(frozen=True)
class ModelNote:
    """A conditional model in words.

    Attributes
    ----------
    model : Described
        The model.
    is_fitted : bool
        Whether it imputed anything.
    """

    model: Described
    is_fitted: bool

    @property
    def kind(self) -> str:
        """What it is called."""
        own = self.model
        named = NAMED_LINKS.get((own.model, own.link))
        return named or KINDS.get(own.model, f"{own.model} regression")

    @property
    def link(self) -> str:
        """Name of its link; empty where the kind says it, or there is none."""
        own = self.model
        is_told = (own.model, own.link) in NAMED_LINKS or own.link == "identity"
        return "" if is_told else own.link

    @property
    def draw(self) -> str:
        """How missing cells are drawn."""
        if self.model.draw.startswith("PMM"):
            return f"predictive mean matching, {self.model.draw}"
        return "draws from the posterior predictive distribution"


def model_notes(tree: xr.DataTree) -> list[ModelNote]:
    """Read the conditional models of a run.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.

    Returns
    -------
    list of ModelNote
        In the order of the data; none where nothing is known of models.
    """
    fitted = set(tree["conditionals"].children) if "conditionals" in tree.children else set()
    return [
        ModelNote(model, model.name in fitted)
        for model in models_of_tree(tree)
        if not model.is_passive
    ]
