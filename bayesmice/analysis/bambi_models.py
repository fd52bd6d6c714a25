"""Bambi's models as analyses: the same formula, family and priors for every completed data set."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

import pandas as pd
import xarray as xr
from pandas.api import types

from bayesmice.analysis.coding import find_columns
from bayesmice.data import Column
from bayesmice.data.dtypes import as_numpy
from bayesmice.errors import ModelError, SpecificationError


class BambiAnalysis:
    """A Bambi model, to be written for every completed data set.

    Formula, family, links, parameterization and priors are those of the given model. Its priors are
    kept as they are, also those that Bambi scaled to its data, so that all data sets are analysed
    under one prior.

    Parameters
    ----------
    template : bambi.Model
        The model.

    Notes
    -----
    Bambi does not keep ``extra_namespace``, so formulas cannot use it here.
    """

    def __init__(self, template: Any) -> None:
        self._template = template
        self._written: list[Any] = []

    def models(self, frames: Iterable[pd.DataFrame]) -> Iterator[Any]:
        """Write the PyMC model of each data set, with the levels of all of them."""
        columns = find_columns(frames)
        for frame in frames:
            written = rebuild(self._template, labels_as_categories(frame, columns))
            written.build()
            self._written.append(written)
            yield written.backend.model

    def finish(self, imputation: int, posterior: xr.Dataset) -> xr.Dataset:
        """Give what Bambi's own ``fit`` gives: intercepts of uncentered predictors, no offsets."""
        tree = xr.DataTree.from_dict({"posterior": posterior})
        # Bambi centers by the data, so each data set has its own correction of the intercept. The
        # method is not public, but is all that knows how (a test compares with Bambi's fit).
        backend = self._written[imputation].backend
        finished = backend._clean_results(tree, omit_offsets=True, include_response_params=False)
        dataset: xr.Dataset = finished["posterior"].to_dataset()
        return dataset.drop_attrs()


def load_bambi() -> ModuleType:
    """Import Bambi, which bayesmice does not require."""
    try:
        return import_module("bambi")
    except ImportError as error:
        raise ModelError(
            "A formula as analysis model needs the package Bambi, which is not installed. Install "
            "it with pip install bambi, or write the model as a function of data."
        ) from error


def is_bambi_model(model: object) -> bool:
    """Tell a Bambi model from others, without importing Bambi."""
    return any(
        kind.__name__ == "Model" and kind.__module__.split(".")[0] == "bambi"
        for kind in type(model).__mro__
    )


def bambi_analysis(model: object, family: str | None, frames: Iterable[pd.DataFrame]) -> Any:
    """Make an analysis of a Bambi model, or of a formula.

    Parameters
    ----------
    model : bambi.Model or str
        The model, or its formula.
    family : str or None
        Family of the formula; by default gaussian.
    frames : iterable of DataFrame
        The data. Default priors of a formula are scaled to the first data set.

    Returns
    -------
    BambiAnalysis
        The analysis.

    Raises
    ------
    ModelError
        If Bambi is not installed.
    SpecificationError
        If a family is given for a model that has its own.
    """
    if isinstance(model, str):
        bambi = load_bambi()
        first = labels_as_categories(next(iter(frames)), find_columns(frames))
        return BambiAnalysis(bambi.Model(model, first, family=family or "gaussian"))
    if family is not None:
        raise SpecificationError(
            f"family={family!r} is for formulas; this Bambi model has its own family, "
            f"{model.family.name!r}. Leave family out."  # type: ignore[attr-defined]
        )
    return BambiAnalysis(model)


def labels_as_categories(frame: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Make columns of strings categorical, as Bambi would, with the levels of all data sets.

    Parameters
    ----------
    frame : DataFrame
        One data set.
    columns : mapping of str to Column
        From `find_columns`.

    Returns
    -------
    DataFrame
        The same data with dtypes that Bambi knows; categorical columns keep their categories.
    """
    plain = as_numpy(frame)
    changed = {
        label: pd.Categorical(series, list(columns[str(label)].levels))
        for label, series in plain.items()
        if types.is_object_dtype(series.dtype) or isinstance(series.dtype, pd.StringDtype)
    }
    return plain.assign(**{str(label): values for label, values in changed.items()})


def rebuild(template: Any, frame: pd.DataFrame) -> Any:
    """Make the same Bambi model of other data.

    Parameters
    ----------
    template : bambi.Model
        The model.
    frame : DataFrame
        The data.

    Returns
    -------
    bambi.Model
        Not built yet.
    """
    was_categorical = template.data.dtypes == "category"
    categorical = [
        name
        for name in template.data.columns[was_categorical]
        if name in frame.columns and not isinstance(frame[name].dtype, pd.CategoricalDtype)
    ]
    return type(template)(
        template.formula,
        frame,
        family=template.family,
        priors=kept_priors(template),
        categorical=categorical or None,
        potentials=template.potentials,
        dropna=template.dropna,
        auto_scale=template.auto_scale,
        noncentered=template.noncentered,
        center_predictors=template.center_predictors,
    )


def kept_priors(template: Any) -> dict[str, Any]:
    """Collect the priors of a Bambi model, by parameter of the family and by term."""
    by_term = {
        name: {
            term_name: term.prior
            for term_name, term in component.terms.items()
            if getattr(term, "kind", "") != "offset"
        }
        for name, component in template.conditional_parameters.items()
    }
    constant = {name: part.prior for name, part in template.marginal_parameters.items()}
    return by_term | constant
