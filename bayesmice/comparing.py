"""Which conditional model of a column predicts its observed values best."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from numpy.typing import NDArray

from bayesmice.analysis.leave_one_out import SampledModel, sample_pointwise
from bayesmice.arguments import check_count, check_seed
from bayesmice.data import ColumnStore
from bayesmice.diagnostics.compare import compare
from bayesmice.diagnostics.propensity import completed_values
from bayesmice.diagnostics.stacking import pseudo_bma_weights, stacking_weights
from bayesmice.errors import DataTypeError, SpecificationError
from bayesmice.imputations import Imputations
from bayesmice.kernels.posterior_sampler import PosteriorSettings
from bayesmice.kernels.sharing import observed_values
from bayesmice.mice import MICE
from bayesmice.models import Custom, CustomModel, Regression
from bayesmice.models.custom import check_signature
from bayesmice.problem import Group, Problem
from bayesmice.progress import counting_display
from bayesmice.specification import ConditionalModel, Description, resolve_candidate

type Candidate = str | Regression | Custom | Callable[[Any], object]
type Fills = Mapping[str, NDArray[np.float64]]

CLEAR = 2.0
"""A model is called better where it leads by so many standard errors."""


@dataclass(frozen=True, eq=False, repr=False)
class ModelComparison:
    """How well candidate models of a column predict its observed values.

    Made by `compare_models`.

    Attributes
    ----------
    name : str
        The column.
    table : DataFrame
        One row per model, the best first: ``rank``, ``elpd_loo`` with its ``std_error``, ``p_loo``,
        ``elpd_diff`` to the best with its ``diff_std_error``, the number of unreliable Pareto
        ``bad_k`` over all imputations, ``weight`` by stacking, and ``pseudo_bma`` weights.
    pointwise : mapping of str to xarray.Dataset
        By model, ``elpd``, ``p_loo``, ``pareto_k`` and ``was_matched`` (by moment matching) over
        imputation and row.
    programs : mapping of str to int
        By model, how many programs were compiled for all imputations.
    """

    name: str
    table: pd.DataFrame
    pointwise: Mapping[str, xr.Dataset]
    programs: Mapping[str, int]

    @property
    def verdict(self) -> str:
        """Which model predicts best, in plain words."""
        best, second = self.table.index[:2]
        lead, error = self.table.loc[second, ["elpd_diff", "diff_std_error"]]
        told = (
            f"its elpd is {lead:.1f} above that of {second}, with a standard error of {error:.1f}"
        )
        if lead > CLEAR * error:
            text = f"{best} predicts observed values of {self.name} best: {told}."
        else:
            text = f"{best} predicts observed values of {self.name} best, but not clearly: {told}."
        bad = self.table["bad_k"]
        if bad.any():
            which = ", ".join(f"{n} of {model}" for model, n in bad[bad > 0].items())
            text += (
                f" Pareto k stays too large in {which} (rows times imputations); those models "
                "are judged too well or too badly there."
            )
        return text

    def __repr__(self) -> str:
        table = self.table.to_string(float_format="{:.3g}".format)
        return f"Conditional models of {self.name}\n{self.verdict}\n\n{table}"

    def _repr_html_(self) -> str:
        table = self.table.to_html(float_format="{:.3g}".format)
        return (
            f"<p>Conditional models of {escape(self.name)}</p>\n<p>{escape(self.verdict)}</p>\n"
            f"{table}"
        )


def compare_models(
    mice: MICE,
    name: str,
    candidates: Mapping[str, Candidate],
    *,
    m: int = 5,
    draws: int = 500,
    tune: int = 500,
    chains: int = 2,
    random_seed: int | None = None,
    group: object = None,
    progressbar: bool = True,
) -> ModelComparison:
    """Compare conditional models of a column by how well they predict its observed values.

    All candidates are judged by the same completed predictors: those of the imputations that
    ``mice`` made, with the models that ``mice`` has. Given each completed data set, each candidate
    learns from the observed rows of the column, and predicts every one of them from the others
    (PSIS-LOO [1]_; draws are moved by moment matching [2]_ where that is not reliable). Estimates
    and differences are pooled over imputations by Rubin's rules, as by `compare`.

    Parameters
    ----------
    mice : MICE
        Data and models. If it has not run yet, it makes ``m`` imputations first.
    name : str
        The column.
    candidates : mapping of str to str, Regression, Custom or function
        At least two models by names of your choice: what ``MICE(models=...)`` takes, or the name of
        a family for a regression on all other columns.
    m : int, default 5
        Number of imputations, where ``mice`` has not run.
    draws, tune, chains : int
        Draws kept and transitions of adaptation per chain, and the chains, for each candidate and
        imputation.
    random_seed : int, optional
        Seed.
    group : level, optional
        Where models are separate for groups of rows (``by``), the level of the group.
    progressbar : bool, default True
        Whether to show progress.

    Returns
    -------
    ModelComparison
        ``.verdict`` in plain words, ``.table``, and everything by row.

    Raises
    ------
    SpecificationError
        If there are fewer than two candidates, one does not fit the column, one observes something
        else than the column itself, densities meet probabilities, or rows have weights.
    ModelError
        If a model cannot be written or sampled.

    Notes
    -----
    Each candidate is compiled once for all imputations.

    A density of numbers and a probability of counts have different units, so a continuous family is
    not compared with a discrete one; nor is a model of a transformed column with one of the column.
    A family that has both (a hurdle, zero inflation of a continuous variable) is not told apart,
    and should be compared with others of its kind only.

    Predictive accuracy in observed rows is not all: missing cells may lie elsewhere; see
    `Imputations.check`. How cells are drawn (``draw=``) has no part in it. Cells that are known by
    limits only are learned from, and not predicted. Models of several columns at once (blocks) are
    not compared.

    References
    ----------
    .. [1] Vehtari, Gelman and Gabry (2017), Statistics and Computing 27, 1413-1432.
    .. [2] Paananen, Piironen, Bürkner and Vehtari (2021), Statistics and Computing 31, 16.

    Examples
    --------
    >>> import bayesmice as bm
    >>> mice = bm.MICE(bm.load_dataset("nhanes2"))
    >>> _ = mice.mice(m=2, sweeps=5, random_seed=1, progressbar=False)
    >>> found = bm.compare_models(mice, "bmi", {"all": "gaussian", "age": bm.Regression("age")},
    ...                           random_seed=1, progressbar=False)
    >>> sorted(found.table.index), dict(found.programs)
    (['age', 'all'], {'all': 1, 'age': 1})
    """
    if not isinstance(mice, MICE):
        raise DataTypeError(
            f"compare_models takes the MICE that has data and models; got {type(mice).__name__}."
        )
    for label, value in (("m", m), ("draws", draws), ("tune", tune), ("chains", chains)):
        check_count(label, value)
    seed = check_seed(random_seed)
    settings = PosteriorSettings(draws, tune, chains, seed, 0.8, True, keep_positions=True)
    own_group = mice._problem.group(group)
    described = _described(candidates, name)
    resolved = _resolved(mice._problem, own_group, name, described)
    imputations = _run(mice, m, seed, progressbar)
    fills = _fills(mice._problem.store, own_group, imputations)
    for label, model in resolved.items():
        _check_filled(label, model, fills[0])
        _check_observed(label, model, own_group.specification.store, fills[0])
    sampled: dict[str, SampledModel] = {}
    for label, model in resolved.items():
        with counting_display(f"Sampling {label}", len(fills), progressbar) as progress:
            models = _written(model, own_group.specification.store, fills)
            sampled[label] = sample_pointwise(
                models, name, settings, lambda done, _: progress(done)
            )
    return _compared(name, sampled)


def _described(candidates: object, name: str) -> dict[str, Description]:
    if not isinstance(candidates, Mapping) or len(candidates) < 2:
        raise SpecificationError(
            "candidates must be a mapping of at least two models by name, such as "
            f"{{'gaussian': 'gaussian', 't': 't'}}; got {candidates!r:.60}."
        )
    return {
        str(label): Regression(family=model)
        if isinstance(model, str)
        else model
        if isinstance(model, Regression)
        else check_signature(model, name)
        for label, model in candidates.items()
    }


def _resolved(
    problem: Problem, group: Group, name: str, described: Mapping[str, Description]
) -> dict[str, ConditionalModel]:
    specification = group.specification
    specification.model(name)  # a column with a model of its own
    if name not in specification.store.columns:
        raise SpecificationError(
            f"{name!r} is a block of columns; compare_models judges models of one column."
        )
    column = specification.store.columns[name]
    if not np.isin(column.row_weights, (0.0, 1.0)).all():
        raise SpecificationError(
            f"Rows have weights other than 0 and 1, and leaving a row of {name!r} out would leave "
            "out a part of it only. Compare models without weights=."
        )
    read_data = problem.read.at_rows(group.rows) if group.label else problem.read
    resolved, discrete = {}, {}
    for label, description in described.items():
        try:
            model = resolve_candidate(read_data, specification, name, description)
        except SpecificationError as error:
            error.add_note(f"This was the candidate {label!r}.")
            raise
        assert model is not None  # a constant column has no model, and was refused
        resolved[label] = model
        discrete[label] = _is_discrete(model, name)
    _check_same_kind(name, discrete)
    return resolved


def _is_discrete(model: ConditionalModel, name: str) -> bool:
    if isinstance(model, CustomModel):
        return bool(np.dtype(model.full[name].type.dtype).kind != "f")
    return model.family.support.is_discrete


def _check_same_kind(name: str, discrete: Mapping[str, bool]) -> None:
    if len(set(discrete.values())) == 1:
        return
    masses = ", ".join(repr(label) for label, is_discrete in discrete.items() if is_discrete)
    densities = ", ".join(repr(label) for label, is_discrete in discrete.items() if not is_discrete)
    raise SpecificationError(
        f"Candidates for {name!r} cannot be compared: {densities} give densities of numbers, and "
        f"{masses} probabilities of whole ones, which have other units. Compare continuous models "
        "with each other, and discrete ones with each other."
    )


def _run(mice: MICE, m: int, seed: int, progressbar: bool) -> Imputations:
    if mice._imputations is not None:
        return mice._imputations
    return mice.mice(m, random_seed=seed, progressbar=progressbar)


def _fills(store: ColumnStore, group: Group, imputations: Imputations) -> list[Fills]:
    """Give what stands in the missing cells of a group's columns, by imputation."""
    imputed = imputations.tree["imputations"].to_dataset()
    by_column = {}
    for name, column in group.specification.store.columns.items():
        whole = store.columns[name]
        completed = completed_values(store, imputed, whole)[:, group.rows]
        if column.levels != whole.levels and column.levels:
            codes = [column.levels.index(x) if x in column.levels else -1 for x in whole.levels]
            seen = ~np.isnan(completed)
            completed[seen] = np.asarray(codes, dtype=float)[completed[seen].astype(np.intp)]
        by_column[name] = completed[:, column.missing_rows]
    return [
        {name: cells[imputation] for name, cells in by_column.items()}
        for imputation in range(imputations.m)
    ]


def _check_filled(label: str, model: ConditionalModel, fills: Fills) -> None:
    for name in model.predictors:
        if np.isnan(fills[name]).any():
            raise SpecificationError(
                f"The candidate {label!r} reads {name!r}, of which some missing cells were not "
                "imputed (where=, or a visit sequence without it). Leave it out of the model."
            )


def _written(model: ConditionalModel, store: ColumnStore, fills: list[Fills]) -> Iterator[pm.Model]:
    for own in fills:
        if isinstance(model, CustomModel):
            yield replace(model, fills=own).write()
        else:
            yield model.write(store, own).model


def _check_observed(label: str, model: ConditionalModel, store: ColumnStore, fills: Fills) -> None:
    """Refuse a model of something else than the column: its density has other units."""
    if not isinstance(model, CustomModel):
        return
    (name,) = model.targets
    (written,) = _written(model, store, [fills])
    data = {variable.name: variable.get_value() for variable in written.data_vars}
    found = observed_values(written, data).get(name)
    column = store.columns[name]
    expected = column.values[column.fitted]  # noqa: PD011
    if found is None or not np.array_equal(found, expected):
        raise SpecificationError(
            f"The candidate {label!r} observes an expression of {name!r}, such as its logarithm. "
            "The density of that has other units than the density of the column. Give it the "
            "distribution of the column itself, such as pm.LogNormal for a normal logarithm."
        )


def _compared(name: str, sampled: Mapping[str, SampledModel]) -> ModelComparison:
    trees = {
        label: xr.DataTree.from_dict({f"/loo/{name}": own.pointwise.drop_vars("was_matched")})
        for label, own in sampled.items()
    }
    with warnings.catch_warnings():
        # The verdict tells how many Pareto k are too large, for all models together.
        warnings.filterwarnings("ignore", "Pareto k is above", UserWarning)
        table = compare(trees)
    elpd = np.stack([sampled[label].pointwise["elpd"].to_numpy().ravel() for label in table.index])
    table["weight"] = stacking_weights(elpd)
    table["pseudo_bma"] = pseudo_bma_weights(table["elpd_loo"].to_numpy())
    return ModelComparison(
        name,
        table,
        {label: own.pointwise for label, own in sampled.items()},
        {label: own.programs for label, own in sampled.items()},
    )
