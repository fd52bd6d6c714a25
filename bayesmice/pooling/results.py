"""What pooling returns: labelled tables with the names that statsmodels gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import xarray as xr

from bayesmice.errors import PoolingError
from bayesmice.pooling.adapters import read_result
from bayesmice.pooling.adapters.marginal import compute_effects
from bayesmice.pooling.delta import Function, delta_method
from bayesmice.pooling.hypotheses import Hypothesis, wald_test
from bayesmice.pooling.montecarlo import jackknife_errors, recommended_imputations
from bayesmice.pooling.multiparameter import HypothesisTest
from bayesmice.pooling.predictions import Interval, pool_predictions, stack_predictions
from bayesmice.pooling.rubin import FloatArray, PooledEstimate
from bayesmice.pooling.rules import Pooled, Pooling
from bayesmice.pooling.stacking import StackedResults, stack_results
from bayesmice.pooling.student import checked_level
from bayesmice.pooling.summary import Summary
from bayesmice.pooling.transforms import LOG, Transform

TITLES = {
    "rubin1987": "Pooled results, Rubin's rules",
    "reiter2003": "Pooled results, Reiter's rules for synthetic data",
    "mixture": "Pooled results, mixture of the complete-data distributions",
}
DF_METHODS = {
    "barnard_rubin": "Barnard-Rubin",
    "rubin": "Rubin 1987",
    "infinite": "infinite",
}


@dataclass(frozen=True, eq=False, repr=False)
class PooledResults:
    r"""Estimates of an analysis model, pooled over imputations.

    Made by `pool`. Attributes and methods have the names of a statsmodels result, and their Series
    and DataFrames are labelled by the parameters in the order of the model.

    Parameters
    ----------
    stack : StackedResults
        Estimates and covariances of all imputations.
    pooling : Pooling
        The rule.
    conf_level : float
        Level of the intervals in tables.
    fits : sequence
        The results that were pooled, as they came.

    Notes
    -----
    By Rubin's rules each parameter is referred to its own t distribution,
    :math:`(\bar Q - Q) / \sqrt T \sim t_\nu` [1]_ [2]_. For several parameters at once there is
    `wald_test`.

    Quantities that were pooled on a transformed scale (a correlation on Fisher's z) have their
    estimates and intervals transformed back in tables; `params`, `bse` and the other columns stay
    on the scale on which they were pooled.

    References
    ----------
    .. [1] Rubin (1987), Multiple Imputation for Nonresponse in Surveys, p. 76-77.
    .. [2] Barnard and Rubin (1999), Biometrika 86, 948-955.

    Examples
    --------
    >>> from bayesmice.pooling import pool
    >>> pooled = pool([(pd.Series({"age": q}), pd.Series({"age": 0.5})) for q in (1.0, 2.0, 3.0)])
    >>> pooled.params["age"], round(pooled.bse["age"], 3)
    (np.float64(2.0), np.float64(1.354))
    >>> pooled.conf_int(alpha=0.1).round(3)  # doctest: +NORMALIZE_WHITESPACE
              0      1
    term
    age  -0.935  4.935
    """

    stack: StackedResults
    pooling: Pooling
    conf_level: float = 0.95
    fits: Sequence[object] = ()

    @cached_property
    def terms(self) -> pd.Index:
        """Names of the k parameters."""
        terms = pd.Index(list(self.stack.names))
        return terms if isinstance(terms, pd.MultiIndex) else terms.rename("term")

    @property
    def m(self) -> int:
        """Number of imputations."""
        return self.stack.m

    @property
    def pooled(self) -> PooledEstimate:
        """The pooled arrays in Rubin's letters."""
        return self._pooled.estimate

    @property
    def params(self) -> "pd.Series[float]":
        r"""Pooled estimates :math:`\bar Q`, in the units of the estimands."""
        return self._series(self.pooled.q_bar, "estimate")

    @property
    def bse(self) -> "pd.Series[float]":
        r"""Standard errors :math:`\sqrt T` of the pooled estimates."""
        return self._series(np.sqrt(self.pooled.t), "std_error")

    @property
    def tvalues(self) -> "pd.Series[float]":
        """Estimates divided by their standard errors; infinite where the latter are 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._series(self.pooled.q_bar / np.sqrt(self.pooled.t), "statistic")

    @property
    def pvalues(self) -> "pd.Series[float]":
        """Two-sided p-values of the hypotheses that the parameters are 0."""
        return self._series(self._pooled.reference.p_values(), "p_value")

    @property
    def df(self) -> "pd.Series[float]":
        """Degrees of freedom of each parameter's reference distribution."""
        return self._series(self.pooled.df, "df")

    @property
    def within(self) -> pd.DataFrame:
        r"""Within-imputation covariance matrix :math:`\bar U`, of shape (k, k)."""
        return self._matrix(self._pooled.covariance.within)

    @property
    def between(self) -> pd.DataFrame:
        """Between-imputation covariance matrix :math:`B`, of shape (k, k)."""
        return self._matrix(self._pooled.covariance.between)

    @property
    def table(self) -> pd.DataFrame:
        """Everything that a report of the analysis needs, one row per parameter.

        Columns are ``estimate``, ``std_error``, ``statistic``, ``df``, ``p_value``, ``ci_low``,
        ``ci_high``, ``riv`` (relative increase in variance), ``lambda`` (share of the variance that
        is due to missing values) and ``fmi`` (fraction of missing information). The index holds
        the terms.
        """
        return self.to_frame()

    @property
    def dataset(self) -> xr.Dataset:
        """Everything that was pooled, with the names of the parameters as coordinates.

        Dimensions are ``parameter``, ``parameter_bis`` for the columns of the three matrices
        ``within``, ``between`` and ``total``, and ``imputation`` for the ``estimates`` of all
        imputations. Besides the columns of the table there are ``df_complete`` and
        ``relative_efficiency``, that of m imputations compared with infinitely many,
        :math:`1 / (1 + fmi / m)`.
        """
        names = [str(name) for name in self.stack.names]
        covariance = self._pooled.covariance
        columns = {name: ("parameter", column.to_numpy()) for name, column in self.table.items()}
        matrices = {
            name: (("parameter", "parameter_bis"), getattr(covariance, name))
            for name in ("within", "between", "total")
        }
        return xr.Dataset(
            {
                **columns,
                **matrices,
                "df_complete": ("parameter", self.pooled.df_complete),
                "relative_efficiency": ("parameter", 1 / (1 + self.pooled.fmi / self.m)),
                "estimates": (("imputation", "parameter"), self.stack.q_hat),
            },
            coords={
                "parameter": names,
                "parameter_bis": names,
                "imputation": np.arange(self.m),
            },
            attrs={
                "m": self.m,
                "rule": self._rule,
                "df_method": self.pooling.df_method,
                "conf_level": self.conf_level,
                "transform": self.stack.transform.name,
            },
        )

    def cov_params(self) -> pd.DataFrame:
        r"""Total covariance matrix of the pooled estimates.

        Returns
        -------
        pandas.DataFrame of shape (k, k)
            :math:`T = \bar U + (1 + 1/m) B` in squared units; NaN off the diagonal where only
            variances were pooled.
        """
        return self._matrix(self._pooled.covariance.total)

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Confidence intervals from the reference distribution of each parameter.

        Parameters
        ----------
        alpha : float, default 0.05
            One minus the confidence level.

        Returns
        -------
        pandas.DataFrame of shape (k, 2)
            Lower bounds in column 0 and upper bounds in column 1, as statsmodels has them.

        Raises
        ------
        PoolingError
            If ``alpha`` does not lie between 0 and 1.
        """
        if not 0 < alpha < 1:
            raise PoolingError(
                f"alpha must lie between 0 and 1; got {alpha}. For 95 % intervals pass alpha=0.05."
            )
        ends = self._pooled.reference.interval(1 - alpha)
        return pd.DataFrame(dict(enumerate(ends)), index=self.terms)

    def to_frame(
        self, conf_level: float | None = None, *, exponentiate: bool = False
    ) -> pd.DataFrame:
        """Give the table at another confidence level, or for odds and hazard ratios.

        Parameters
        ----------
        conf_level : float, optional
            Level of the confidence intervals; that of the pooling by default.
        exponentiate : bool, default False
            Show ``exp(estimate)`` and the exponentials of the interval's ends: odds ratios of a
            logistic model, hazard ratios of a Cox model, rate ratios of a Poisson model. Standard
            errors and tests stay on the log scale, as in R's broom.

        Returns
        -------
        pandas.DataFrame of shape (k, 10)
            See `table`.

        Raises
        ------
        PoolingError
            If ``conf_level`` does not lie between 0 and 1, or a transformed quantity is to be
            exponentiated.
        """
        scale = self._shown_scale(exponentiate)
        level = self.conf_level if conf_level is None else checked_level(conf_level)
        estimate, low, high = (
            scale.inverse(values)
            for values in (self.pooled.q_bar, *self._pooled.reference.interval(level))
        )
        columns = {
            "estimate": estimate,
            "std_error": self.bse,
            "statistic": self.tvalues,
            "df": self.pooled.df,
            "p_value": self.pvalues,
            "ci_low": low,
            "ci_high": high,
            "riv": self.pooled.riv,
            "lambda": self.pooled.lambda_,
            "fmi": self.pooled.fmi,
        }
        return pd.DataFrame(columns, index=self.terms)

    def summary(
        self,
        conf_level: float | None = None,
        *,
        exponentiate: bool = False,
        monte_carlo: bool = False,
    ) -> Summary:
        """Show the pooled results, as text or as HTML.

        Parameters
        ----------
        conf_level : float, optional
            Level of the confidence intervals; that of the pooling by default.
        exponentiate : bool, default False
            See `to_frame`.
        monte_carlo : bool, default False
            Show Monte Carlo errors below the table. Needs three imputations.

        Returns
        -------
        Summary
            It prints as text and shows itself as HTML; `table` is the same as a data frame.

        Raises
        ------
        PoolingError
            See `to_frame` and `monte_carlo_errors`.
        """
        level = self.conf_level if conf_level is None else conf_level
        tables = {"": self.to_frame(level, exponentiate=exponentiate)}
        if monte_carlo:
            tables["Monte Carlo errors"] = self.monte_carlo_errors(level, exponentiate=exponentiate)
        return Summary(
            TITLES.get(self._rule, "Pooled results, nested imputation"),
            self._facts(level),
            tables,
            self._notes(exponentiate),
        )

    def monte_carlo_errors(
        self, conf_level: float | None = None, *, exponentiate: bool = False
    ) -> pd.DataFrame:
        """How much each number of the table would change with new random numbers and the same m.

        By the jackknife over imputations, as Stata's ``mcerror``. Those of the estimate, the test
        statistic and the p-value should be so small that conclusions do not depend on them.

        Parameters
        ----------
        conf_level : float, optional
            Level of the confidence intervals; that of the pooling by default.
        exponentiate : bool, default False
            See `to_frame`.

        Returns
        -------
        pandas.DataFrame of shape (k, 10)
            The rows and columns of the table.

        Raises
        ------
        PoolingError
            If there are fewer than three imputations.
        """

        def table(stack: StackedResults) -> FloatArray:
            some = PooledResults(stack, self.pooling, self.conf_level)
            return some.to_frame(conf_level, exponentiate=exponentiate).to_numpy()

        errors = jackknife_errors(self.stack, table)
        return pd.DataFrame(errors, index=self.terms, columns=self.table.columns)

    def recommended_m(self, cv: float = 0.05, *, conf_level: float = 0.95) -> "pd.Series[float]":
        """Give the number of imputations after which standard errors would hardly change.

        Parameters
        ----------
        cv : float, default 0.05
            Coefficient of variation of a standard error over repeated imputations that is
            tolerated.
        conf_level : float, default 0.95
            Of the interval for the fraction of missing information, whose upper end is used.

        Returns
        -------
        pandas.Series of shape (k,)
            One number per parameter, by von Hippel (2020); the largest is the one to choose. NaN
            where there is no fraction of missing information.

        Raises
        ------
        PoolingError
            If ``cv`` is not positive.
        """
        numbers = recommended_imputations(self.pooled.fmi, self.m, cv=cv, conf_level=conf_level)
        return self._series(numbers, "recommended_m")

    def wald_test(
        self,
        hypothesis: Hypothesis,
        *,
        test: Literal["D1", "D2"] = "D1",
        df_complete: float | None = None,
    ) -> HypothesisTest:
        """Test linear constraints on the parameters, all at once.

        Parameters
        ----------
        hypothesis : str, sequence, mapping, array or tuple
            In words, such as ``"age = 0, bmi = 2 * age"``, where what has no equals sign is zero;
            names that are all zero; a mapping of names to values; a matrix of shape (r, k); or a
            tuple of a matrix and r values. Names that read as arithmetic stand in backticks.
        test : {"D1", "D2"}, default "D1"
            D1 pools estimates and covariances (Li, Raghunathan and Rubin 1991), with the
            denominator degrees of freedom of Reiter (2007) where ``df_complete`` is finite; D2
            pools Wald statistics alone (Li, Meng, Raghunathan and Rubin 1991).
        df_complete : float, optional
            Degrees of freedom had no value been missing; those of the pooling by default.

        Returns
        -------
        HypothesisTest
            With an F statistic, its degrees of freedom and its p-value.

        Raises
        ------
        PoolingError
            If the hypothesis cannot be read, names an unknown parameter or says something twice, or
            covariances are not known or singular.
        """
        if df_complete is None:
            df_complete = float(self.pooling.df_complete.min())
        return wald_test(self.stack, hypothesis, test=test, df_complete=df_complete)

    def delta_method(self, function: str | Sequence[str] | Mapping[str, str] | Function) -> Self:
        """Pool nonlinear combinations of the parameters, by the delta method.

        Parameters
        ----------
        function : str, sequence of str, mapping of str to str, or callable
            An expression in the names of the parameters, such as ``"exp(age) / (1 + bmi)"``;
            several; several with names of their own; or a function of a Series of the estimates
            that returns a number or a Series. Names that read as arithmetic stand in backticks.

        Returns
        -------
        PooledResults
            Of the combinations, with the smallest ``df_complete`` of the parameters.

        Raises
        ------
        PoolingError
            If an expression cannot be read or has no derivative at the estimates, or covariances
            are not known.
        """
        stack = delta_method(self.stack, function)
        return replace(self, stack=stack, pooling=self._of_other_parameters(), fits=())

    def predict(
        self,
        new_data: pd.DataFrame,
        *,
        interval: Interval = "confidence",
        conf_level: float | None = None,
    ) -> pd.DataFrame:
        """Predict new rows, with intervals that hold the uncertainty of the missing values too.

        Every fit predicts the linear predictors of the rows with their standard errors; they are
        pooled row by row, and then transformed to the scale of the outcome.

        Parameters
        ----------
        new_data : DataFrame of shape (n, ...)
            Complete rows with the columns that the models' formulas read.
        interval : {"confidence", "prediction"}, default "confidence"
            Of the mean of the outcome, or of a new observation (linear models only).
        conf_level : float, optional
            Level of the intervals; that of the pooling by default.

        Returns
        -------
        pandas.DataFrame of shape (n, 6)
            ``estimate``, ``std_error`` (of the linear predictor), ``df``, ``ci_low``, ``ci_high``
            and ``fmi``, with the index of ``new_data``.

        Raises
        ------
        PoolingError
            If the results were not pooled from fitted models that predict with standard errors.

        Notes
        -----
        Standard errors of the linear predictors are nearly exact for large samples; a prediction
        interval assumes normal residuals.
        """
        level = self.conf_level if conf_level is None else checked_level(conf_level)
        predictions = stack_predictions(self.fits, new_data, interval)
        return pool_predictions(
            predictions, self._of_other_parameters(), self.stack.n_nests, level, new_data.index
        )

    def marginal_effects(self, function: str = "avg_slopes", **options: Any) -> "PooledResults":
        """Pool predictions, contrasts or slopes of the package marginaleffects.

        Parameters
        ----------
        function : str, default "avg_slopes"
            A function of that package: ``"avg_comparisons"`` for contrasts, ``"avg_predictions"``
            with ``by=`` for marginal means, ``"predictions"``, ``"slopes"``...
        **options
            Passed on to it, beside the fit to each completed data set.

        Returns
        -------
        PooledResults
            One parameter per row of its table.

        Raises
        ------
        PoolingError
            If marginaleffects is not installed, has no such function, or these results were not
            pooled from fitted models.
        """
        effects = tuple(compute_effects(self.fits, function, options))
        results = [read_result(effect, imputation) for imputation, effect in enumerate(effects)]
        stack = stack_results(results, n_nests=self.stack.n_nests)
        return PooledResults(stack, self._of_other_parameters(), self.conf_level, effects)

    def __repr__(self) -> str:
        return self.summary().as_text()

    def _repr_html_(self) -> str:
        return self.summary().as_html()

    @cached_property
    def _pooled(self) -> Pooled:
        return self.pooling(self.stack)

    def _of_other_parameters(self) -> Pooling:
        """Give the rule for quantities beside the parameters, with the smallest df."""
        return self.pooling._replace(df_complete=np.asarray(self.pooling.df_complete.min()))

    @property
    def _rule(self) -> str:
        return "nested" if self.stack.n_nests else self.pooling.rule

    def _shown_scale(self, exponentiate: bool) -> Transform:
        if not exponentiate:
            return self.stack.transform
        if not self.stack.transform.is_identity:
            raise PoolingError(
                f"exponentiate=True is for estimates on the log scale; these were pooled on the "
                f"scale {self.stack.transform.name!r}, and tables show them transformed back."
            )
        return LOG

    def _facts(self, conf_level: float) -> dict[str, str]:
        df_complete = np.unique(self.pooled.df_complete)
        shown = [_number(df_complete[0])] if len(df_complete) == 1 else map(_number, df_complete)
        facts = {
            "Imputations (m)": _number(self.m),
            "Confidence level": f"{100 * conf_level:g} %",
            "Complete-data df": ", ".join(shown),
        }
        if self.stack.n_nests:
            facts["Nests"] = _number(self.stack.n_nests)
        elif self.pooling.rule == "rubin1987":
            facts["Degrees of freedom"] = DF_METHODS[self.pooling.df_method]
        if np.isfinite(self.pooled.fmi).any():
            facts["Largest fmi"] = f"{np.nanmax(self.pooled.fmi):.3g}"
            facts["Recommended m"] = _number(float(np.nanmax(self.recommended_m())))
        return facts

    def _notes(self, exponentiate: bool) -> tuple[str, ...]:
        notes = []
        if np.isfinite(self.pooled.fmi).any():
            notes.append(
                "Recommended m: standard errors would repeat within 5 % (von Hippel 2020)."
            )
        if exponentiate:
            notes.append(
                "Estimates and intervals are exponentials; std_error and tests are on the log "
                "scale."
            )
        elif not self.stack.transform.is_identity:
            notes.append(f"std_error and tests are on the scale {self.stack.transform.name}.")
        return tuple(notes)

    def _series(self, values: FloatArray, name: str) -> "pd.Series[float]":
        return pd.Series(values, index=self.terms, name=name)

    def _matrix(self, values: FloatArray) -> pd.DataFrame:
        return pd.DataFrame(values, index=self.terms, columns=self.terms)


def _number(value: float) -> str:
    return f"{value:g}"
