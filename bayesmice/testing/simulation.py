"""Simulation studies: make data, delete values, impute, analyze, pool, compare with the truth."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmice.errors import SpecificationError
from bayesmice.mice import MICE
from bayesmice.pooling import CompleteDataResult, complete_data_result, pool
from bayesmice.pooling.references import StudentReference
from bayesmice.progress import counting_display
from bayesmice.testing.spreading import Hands, spread
from bayesmice.testing.study import Study

if TYPE_CHECKING:
    from distributed import Client

Rng = np.random.Generator
Imputer = Callable[[pd.DataFrame, int], Iterable[pd.DataFrame]]
Method = Mapping[str, Any] | Imputer | str

FULL_DATA, COMPLETE_CASES = "full_data", "complete_cases"


def simulate(
    make: Callable[[Rng], pd.DataFrame],
    ampute: Callable[[pd.DataFrame, Rng], pd.DataFrame],
    analyze: Callable[[pd.DataFrame], Any],
    truth: Mapping[str, float],
    *,
    methods: Mapping[str, Method] | None = None,
    replicates: int = 500,
    m: int = 5,
    sweeps: int = 10,
    conf_level: float = 0.95,
    random_seed: int | None = None,
    workers: int | None = None,
    client: "Client | None" = None,
    progressbar: bool = True,
) -> Study:
    """Repeat a whole study and compare its answers with the truth.

    Every replicate makes data, deletes values, imputes them by each method, analyzes the completed
    data sets and pools the analyses. All methods see the same data.

    Parameters
    ----------
    make : callable
        From a NumPy random generator to complete data.
    ampute : callable
        From complete data and the generator to the same data with missing values.
    analyze : callable
        From completed data to a result that `bayesmice.pool` reads.
    truth : mapping of str to float
        True values of the parameters that are compared, by their names in the analysis.
    methods : mapping of str to method, optional
        What is compared, by names for the table. A method is a mapping of arguments of `MICE`, such
        as ``{"models": {"y": bm.PMM()}}``; or a function of the incomplete data and a seed that
        gives completed data frames; or ``"full_data"`` or ``"complete_cases"``, for analyses
        without imputation. By default ``{"default": {}}``, the default models.
    replicates : int, default 500
        Repetitions. A coverage of 0.95 has a Monte Carlo error of 0.01 after 500.
    m, sweeps : int, default 5, 10
        Imputations, and sweeps per chain.
    conf_level : float, default 0.95
        Level of the intervals whose coverage is counted.
    random_seed : int, optional
        Seed. The same seed gives the same study for any number of workers.
    workers : int, optional
        Number of processes; one by default, -1 for all cores. Every process compiles its programs
        once, or reads them from the cache.
    client : dask.distributed.Client, optional
        A cluster of Dask to spread the replicates over instead.
    progressbar : bool, default True
        Whether to show a progress bar.

    Returns
    -------
    Study
        Bias, coverage, width and root mean squared error of every parameter by every method, with
        Monte Carlo errors.

    Raises
    ------
    SpecificationError
        If ``replicates`` is less than 2, a method is not one, or the analysis lacks a parameter
        that ``truth`` names.

    Notes
    -----
    After the first replicate all compiled programs are reused, as long as the columns stay of the
    same kind and the number of rows the same.

    References
    ----------
    van Buuren (2018), Flexible Imputation of Missing Data, 2nd edition, section 2.5; Morris, White
    and Crowther (2019), Statistics in Medicine 38, 2074-2102, for the Monte Carlo errors.

    Examples
    --------
    >>> def make(rng):
    ...     x = rng.normal(size=50)
    ...     return pd.DataFrame({"x": x, "y": x + rng.normal(size=50)})
    >>> def ampute(data, rng):
    ...     return data.assign(y=data["y"].mask(rng.random(50) < 0.3))
    >>> def analyze(data):
    ...     return pd.Series({"mean": data["y"].mean()}), np.array([data["y"].var() / 50])
    >>> study = simulate(make, ampute, analyze, {"mean": 0.0}, replicates=20, progressbar=False)
    >>> study.table.index.tolist()
    [('default', 'mean')]
    """
    methods = {"default": {}} if methods is None else dict(methods)
    _check(methods, replicates)
    experiment = _Experiment(
        make, ampute, analyze, pd.Series(truth), methods, m, sweeps, conf_level
    )
    seeds = np.random.SeedSequence(random_seed).spawn(replicates)
    with counting_display("Simulating", replicates, progressbar) as progress:
        found = spread(experiment.replicate, seeds, Hands(workers, client, "The study"), progress)
    rows = [rows_of_one.assign(replicate=place) for place, rows_of_one in enumerate(found)]
    return Study(pd.concat(rows, ignore_index=True), pd.Series(truth, dtype=float), conf_level)


@dataclass(frozen=True)
class _Experiment:
    make: Callable[[Rng], pd.DataFrame]
    ampute: Callable[[pd.DataFrame, Rng], pd.DataFrame]
    analyze: Callable[[pd.DataFrame], Any]
    truth: "pd.Series[float]"
    methods: Mapping[str, Method]
    m: int
    sweeps: int
    conf_level: float

    def replicate(self, seed: np.random.SeedSequence) -> pd.DataFrame:
        """Give one row per method and parameter."""
        rng = np.random.default_rng(seed)
        complete = self.make(rng)
        incomplete = self.ampute(complete.copy(), rng)
        run_seed = int(seed.generate_state(1)[0])
        answers = [
            self._answer(method, complete, incomplete, run_seed).assign(method=name)
            for name, method in self.methods.items()
        ]
        return pd.concat(answers)

    def _answer(
        self, method: Method, complete: pd.DataFrame, incomplete: pd.DataFrame, seed: int
    ) -> pd.DataFrame:
        if isinstance(method, str):
            data = complete if method == FULL_DATA else incomplete.dropna()
            return self._compared(_without_pooling(self.analyze(data), self.conf_level))
        if callable(method):
            completed = method(incomplete, seed)
        else:
            mice = MICE(incomplete, **method)
            completed = mice.mice(self.m, self.sweeps, random_seed=seed, progressbar=False)
        pooled = pool([self.analyze(data) for data in completed], conf_level=self.conf_level)
        return self._compared(pooled.table)

    def _compared(self, table: pd.DataFrame) -> pd.DataFrame:
        lacking = [name for name in self.truth.index if name not in table.index]
        if lacking:
            raise SpecificationError(
                f"truth names {', '.join(map(repr, lacking))}, and the analysis has the parameters "
                f"{', '.join(map(repr, table.index))}. Use the names of the analysis."
            )
        columns = ["estimate", "std_error", "df", "ci_low", "ci_high", "fmi"]
        return table.loc[self.truth.index, columns].rename_axis("term").reset_index()


def _without_pooling(result: Any, conf_level: float) -> pd.DataFrame:
    complete: CompleteDataResult = complete_data_result(result)
    covariance = complete.covariance
    variance = covariance if covariance.ndim == 1 else np.diag(covariance)
    df = np.full(len(variance), complete.df_complete)
    low, high = StudentReference(complete.estimates, variance, df).interval(conf_level)
    columns = {
        "estimate": complete.estimates,
        "std_error": np.sqrt(variance),
        "df": df,
        "ci_low": low,
        "ci_high": high,
        "fmi": np.zeros(len(df)),
    }
    return pd.DataFrame(columns, index=pd.Index(list(complete.names), tupleize_cols=False))


def _check(methods: Mapping[str, Method], replicates: int) -> None:
    if isinstance(replicates, bool) or not isinstance(replicates, int) or replicates < 2:
        raise SpecificationError(
            f"replicates is {replicates!r}; expected a whole number of at least 2."
        )
    for name, method in methods.items():
        is_word = method in (FULL_DATA, COMPLETE_CASES) if isinstance(method, str) else False
        if not (is_word or callable(method) or isinstance(method, Mapping)):
            raise SpecificationError(
                f"The method {name!r} is {method!r:.60}; expected a mapping of arguments of MICE, "
                f"a function of data and seed, {FULL_DATA!r} or {COMPLETE_CASES!r}."
            )
