"""Regressions of statsmodels by formula."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pandas as pd

from bayesmice.data.dtypes import as_numpy
from bayesmice.errors import AnalysisError

ModelFunction = Callable[..., Any]


@dataclass(frozen=True)
class FormulaFit:
    """An analysis: make a model from a formula and a completed data set, and fit it.

    Parameters
    ----------
    formula : str
        In the grammar of statsmodels.
    model : str or callable
        A name in `statsmodels.formula.api`, or a function of formula and data, such as
        ``OrderedModel.from_formula``.
    model_options : mapping
        Further arguments of the model, such as ``family`` or ``groups``.
    fit_options : mapping
        Arguments of its ``fit``, such as ``cov_type``.
    """

    formula: str
    model: str | ModelFunction
    model_options: Mapping[str, Any]
    fit_options: Mapping[str, Any]

    def __call__(self, data: pd.DataFrame) -> Any:
        """Fit.

        Parameters
        ----------
        data : DataFrame
            One completed data set.

        Returns
        -------
        object
            What the model's ``fit`` returns.
        """
        model = find_model(self.model)(self.formula, as_numpy(data), **self.model_options)
        quiet = {"disp": 0} if "disp" in inspect.signature(model.fit).parameters else {}
        return model.fit(**{**quiet, **self.fit_options})


def find_model(model: str | ModelFunction) -> ModelFunction:
    """Find a function of statsmodels that makes a model from a formula.

    Parameters
    ----------
    model : str or callable
        ``"ols"``, ``"logit"``, ``"poisson"``, ``"glm"``, ``"mixedlm"``... in any case of letters,
        or the function itself.

    Returns
    -------
    callable
        Of a formula and data.

    Raises
    ------
    AnalysisError
        If statsmodels has none of that name, or is not installed.

    Examples
    --------
    >>> find_model("OLS").__name__
    'from_formula'
    """
    if callable(model):
        return model
    try:
        functions = import_module("statsmodels.formula.api")
    except ModuleNotFoundError as error:
        raise AnalysisError(
            "fit needs the package statsmodels, which is not installed. Install it, or pass a "
            "function of your own to analyze."
        ) from error
    names = sorted(name for name in functions.__all__ if name == name.lower())
    if model.lower() not in names:
        raise AnalysisError(
            f"statsmodels has no formula function {model!r}. Choose one of {', '.join(names)}, or "
            f"pass a function of formula and data, such as OrderedModel.from_formula."
        )
    function: ModelFunction = getattr(functions, model.lower())
    return function
