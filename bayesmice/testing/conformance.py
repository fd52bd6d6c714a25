"""Conformance: whether a conditional model can take part in chained equations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pymc as pm
from numpy.typing import NDArray

from bayesmice.data import ColumnStore, check_frame, encode
from bayesmice.errors import BayesMiceError, SpecificationError
from bayesmice.kernels import Moment, Recorded, Target, run_seed
from bayesmice.kernels.kernel import Array
from bayesmice.models import Custom, CustomModel, Regression, check_signature
from bayesmice.models.custom import CustomFunction, write_model
from bayesmice.models.passive import PassiveColumns
from bayesmice.scheduler import Course, initial_fill, start_chains
from bayesmice.scheduler.chains import varying_columns
from bayesmice.specification import ConditionalModel, Specification, specify

SEED = 20261122
PASSED, FAILED = "passed", "failed"


@dataclass(frozen=True, eq=False)
class ModelReport:
    """What `check_model` found.

    Attributes
    ----------
    targets : tuple of str
        The columns that the model imputes.
    kernel : str
        The kernel that it will get; empty if it failed before.
    table : DataFrame
        One row per check: ``check``, ``result`` (``"passed"`` or ``"failed"``), ``detail``.
    """

    targets: tuple[str, ...]
    kernel: str
    table: pd.DataFrame

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return bool((self.table["result"] == PASSED).all())

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        rows = [f"{r.result:7}{r.check}: {r.detail}" for r in self.table.itertuples()]
        return "\n".join([self._caption(), *rows])

    def _repr_html_(self) -> str:
        table = self.table.to_html(escape=True, index=False)
        return f"<p>{escape(self._caption())}</p>\n{table}"

    def _caption(self) -> str:
        verdict = "ready to impute" if self.passed else "not ready to impute"
        return f"Model for {', '.join(self.targets) or 'no column'}: {verdict}"


class _Checks:
    """Collects results in the order of the checks."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str]] = []

    def note(self, check: str, is_good: bool, detail: str) -> bool:
        self._rows.append((check, PASSED if is_good else FAILED, detail))
        return is_good

    def report(self, targets: Sequence[str], kernel: str) -> ModelReport:
        table = pd.DataFrame(self._rows, columns=["check", "result", "detail"])
        return ModelReport(tuple(targets), kernel, table)


def check_model(
    model: CustomFunction | Custom | Regression,
    data: pd.DataFrame,
    target: str | tuple[str, ...] | None = None,
) -> ModelReport:
    """Check a conditional model before a run.

    Parameters
    ----------
    model : function, Custom or Regression
        The model, as it would stand in ``MICE(models=...)``.
    data : DataFrame of shape (n_rows, n_columns)
        The data.
    target : str or tuple of str, optional
        The columns that it imputes. By default the observed variables that the function writes.

    Returns
    -------
    ModelReport
        With one line per check: the model's form, its log-density and gradient at the start, its
        draws (finite, and possible under the model itself), the same draws from the same seed, and
        the kernel that it will get, with the reason. True in a condition if every check passed.

    Raises
    ------
    DataTypeError, DataError
        If the data cannot be imputed by any model.
    SpecificationError
        If the model is no function, or a regression without ``target``.

    Examples
    --------
    >>> import bayesmice as bm
    >>> import pymc as pm
    >>> def chl_model(data):
    ...     mean = pm.Normal("mean", 200, 50)
    ...     pm.Normal("chl", mean, pm.HalfNormal("sd", 50), observed=data["chl"])
    >>> bm.check_model(chl_model, bm.load_dataset("nhanes2")).passed
    True
    """
    store = encode(check_frame(data))
    checks = _Checks()
    try:
        targets = _find_targets(model, store, target)
        key = targets[0] if len(targets) == 1 else targets
        specification = specify(data, {key: model})
        resolved = specification.model(targets[0])
        bound = specification.target("+".join(targets))
    except BayesMiceError as error:
        if isinstance(error, SpecificationError) and target is None and not callable(model):
            raise
        checks.note("form", False, str(error))
        return checks.report(() if target is None else _as_tuple(target), "")
    checks.note("form", True, _form(resolved, specification))
    _check_again(checks, resolved)
    kernel = bound.program.kernel.name
    if _check_start(checks, specification, bound, resolved):
        _check_draws(checks, specification, bound)
    checks.note("kernel", True, f"{kernel}: {_reason(resolved, kernel)}")
    return checks.report(targets, kernel)


def _as_tuple(target: str | tuple[str, ...]) -> tuple[str, ...]:
    return target if isinstance(target, tuple) else (target,)


def _find_targets(
    model: object, store: ColumnStore, target: str | tuple[str, ...] | None
) -> tuple[str, ...]:
    if target is not None:
        return _as_tuple(target)
    if isinstance(model, Regression):
        raise SpecificationError(
            "check_model got a bm.Regression without a target; name the column that it imputes, as "
            "in check_model(model, data, target='bmi')."
        )
    function = check_signature(model, "check_model").function
    fills = {name: cells[0] for name, cells in initial_fill(store, 0, [0]).items()}
    written, _ = write_model(function, (), store, fills, np.arange(store.n_rows), _Probe)
    names = tuple(written.observed_names)
    known = tuple(name for name in store.columns if name in names)
    if not known or len(known) < len(names):
        raise SpecificationError(
            f"The model writes the observed variables {', '.join(names) or '(none)'}; expected "
            f"names of columns. Columns: {', '.join(store.columns)}."
        )
    return known


class _Probe(pm.Model):  # type: ignore[misc]
    """Notes the names of observed variables, and leaves them out.

    Which columns are targets is not known yet, so that all columns with levels are dimensions; and
    PyMC refuses a variable with the name of one.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.observed_names: list[str] = []

    def register_rv(self, rv: object, name: str, **settings: object) -> object:
        if settings.get("observed") is None:
            return super().register_rv(rv, name, **settings)
        self.observed_names.append(name)
        return rv


def _form(model: ConditionalModel, specification: Specification) -> str:
    written = specification.write_model(model.targets[0])
    columns = (specification.store.columns[name] for name in model.targets)
    n_rows = int(np.logical_and.reduce([column.observed for column in columns]).sum())
    free = ", ".join(variable.name for variable in written.free_RVs)
    return (
        f"one observed variable per target ({', '.join(model.targets)}), one likelihood for each "
        f"of {n_rows} observed rows; free variables: {free}"
    )


def _check_again(checks: _Checks, model: ConditionalModel) -> None:
    """See that a function writes the same model each time it is called."""
    if not isinstance(model, CustomModel):
        return
    first, second = (_variables(written) for written in (model.full, model.write_full()))
    checks.note(
        "same model each time",
        first == second,
        f"{len(first)} variables" if first == second else f"{first} is not {second}",
    )


def _variables(model: pm.Model) -> list[tuple[str, str]]:
    return sorted((variable.name, str(variable.type)) for variable in model.basic_RVs)


def _check_start(
    checks: _Checks, specification: Specification, target: Target, model: ConditionalModel
) -> bool:
    name = model.targets[0]
    written = specification.write_model(name)
    found = written.point_logps()
    bad = {term: value for term, value in found.items() if not np.isfinite(value)}
    if bad:
        terms = ", ".join(f"{term} ({value})" for term, value in bad.items())
        detail = (
            f"not finite in {terms}. Give the parameters priors, or initial values, that keep the "
            "target within the support of its distribution."
        )
        return checks.note("log-density at the start", False, detail)
    total = sum(found.values())
    return checks.note("log-density at the start", True, f"{total:.4g}")


def _check_draws(checks: _Checks, specification: Specification, target: Target) -> None:
    first, again = (_visit(specification, target) for _ in range(2))
    info = first.info
    is_finite = bool(np.isfinite(np.asarray(info.lp)).all())
    moved = f"log-density {float(info.lp[0]):.4g}, acceptance {float(info.acceptance_rate[0]):.2f}"
    if not checks.note("first transition", is_finite, moved):
        return
    for column, cells in zip(target.columns, first.cells, strict=True):
        values = np.asarray(cells)[0]
        checks.note(f"draws of {column.name}", *_describe_draws(column.levels, values))
    same = all(
        np.array_equal(one, other) for one, other in zip(first.cells, again.cells, strict=True)
    )
    detail = "two visits agree in every cell" if same else "two visits with one seed differ"
    checks.note("same seed, same draws", same, detail)


def _describe_draws(levels: tuple[object, ...], values: NDArray[np.float64]) -> tuple[bool, str]:
    n_bad = int((~np.isfinite(values)).sum())
    if n_bad:
        return False, f"{n_bad} of {len(values)} are not finite"
    low, high = values.min(), values.max()
    if not levels:
        return True, f"{len(values)} values from {low:.4g} to {high:.4g}"
    is_code = (values >= 0) & (values < len(levels)) & (values == np.rint(values))
    if is_code.all():
        return True, f"{len(values)} level codes from {low:g} to {high:g}"
    return False, (
        f"{int((~is_code).sum())} of {len(values)} are no level codes from 0 to {len(levels) - 1}"
    )


def _visit(specification: Specification, target: Target) -> Recorded:
    """Visit a target as the first sweep of one chain does, and draw all of its rows."""
    store = specification.store
    fill = initial_fill(store, SEED, [0])
    everything = jnp.arange(store.n_rows)
    rows = tuple(
        rows._replace(
            drawn=everything, written=everything, limits=_all_rows(rows.limits, store.n_rows)
        )
        for rows in target.given.rows
    )
    whole = replace(target, given=target.given._replace(rows=rows))
    course = Course(
        store, specification.design, {whole.name: whole}, PassiveColumns(), {}, run_seed(SEED)
    )
    state = start_chains(course, fill, [0])
    (lane,) = state.lanes[whole.name]
    moment = Moment(
        course.seed,
        jnp.asarray(0),
        jnp.asarray(target.position),
        jnp.asarray(True),
        jnp.asarray(True),
    )
    columns = varying_columns(state, whole, lane.chains)
    _, recorded, _ = lane.program.visit(
        moment, state.ids, lane.state, state.design, columns, whole.given
    )
    return recorded


def _all_rows(limits: tuple[Array, Array] | None, n_rows: int) -> tuple[Array, Array] | None:
    """Leave out limits, which belong to single cells."""
    if limits is None:
        return None
    return jnp.full(n_rows, -jnp.inf), jnp.full(n_rows, jnp.inf)


def _reason(model: ConditionalModel, kernel: str) -> str:
    if model.sampling.kernel != "auto":
        return "as asked for"
    return {
        "conjugate": "normal residuals and normal priors of coefficients leave posteriors that are "
        "drawn exactly",
        "hmc": "a regression has a posterior close to Gaussian, which its curvature describes",
        "nuts": "gradients move all variables, and nothing is known of the posterior's shape",
        "pymc": "some variables are discrete, or an operation has no JAX version, so PyMC's own "
        "step methods move them",
    }[kernel]
