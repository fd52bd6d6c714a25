"""Conditional models, as the tree remembers them, in words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import xarray as xr

from bayesmice.data import in_group

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
PASSIVE = "passive"
"""What is recorded of columns that are computed from others."""
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
    """A conditional model, as it was recorded.

    Attributes
    ----------
    name : str
        The target, with its group of rows where there are some; a child of ``/conditionals``.
    kind : str
        What it is called, in words.
    formula : str
        Its formula, or the name of the function that wrote it.
    link : str
        Name of the link; empty where the kind says it, or there is none.
    draw : str
        How missing cells are drawn, in words.
    priors : mapping of str to str
        The prior of each parameter, as text.
    is_fitted : bool
        Whether it imputed anything.
    targets : tuple of str
        The columns that it imputes: one, or those of a block.
    """

    name: str
    kind: str
    formula: str
    link: str
    draw: str
    priors: Mapping[str, str]
    is_fitted: bool
    targets: tuple[str, ...]


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
    recorded = json.loads(tree.attrs.get("specification") or "{}")
    by_group = recorded if _has_groups(recorded) else {"": recorded}
    fitted = set(tree["conditionals"].children) if "conditionals" in tree.children else set()
    return [
        _note(target, label, model, fitted)
        for label, models in by_group.items()
        for target, model in models.items()
        if model["model"] != PASSIVE
    ]


def _has_groups(recorded: Mapping[str, Any]) -> bool:
    return any("model" not in one for one in recorded.values())


def _note(target: str, label: str, model: Mapping[str, Any], fitted: set[str]) -> ModelNote:
    name = in_group(target, label)
    family, link = model["model"], model["link"]
    named = NAMED_LINKS.get((family, link))
    shows_link = not named and link and link != "identity"
    return ModelNote(
        name=name,
        kind=named or KINDS.get(family, f"{family} regression"),
        formula=model["formula"],
        link=link if shows_link else "",
        draw=_draw(model.get("draw", "predictive")),
        priors=model["priors"],
        is_fitted=name in fitted,
        targets=tuple(model.get("targets", [target])),
    )


def _draw(draw: str) -> str:
    if draw.startswith("PMM"):
        return f"predictive mean matching, {draw}"
    return "draws from the posterior predictive distribution"
