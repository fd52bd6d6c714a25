"""Rules by name: from stacked results to pooled estimates and their reference distributions."""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from bayesmice.errors import PoolingError
from bayesmice.pooling.nested import nested_covariance, pool_nested
from bayesmice.pooling.references import MixtureReference, Reference, StudentReference
from bayesmice.pooling.reiter import pool_reiter
from bayesmice.pooling.rubin import (
    FloatArray,
    PooledCovariance,
    PooledEstimate,
    pool_covariance,
    pool_rubin,
)
from bayesmice.pooling.stacking import StackedResults

Rule = Literal["rubin1987", "reiter2003", "mixture"]
DfMethod = Literal["barnard_rubin", "rubin", "infinite"]


class Pooled(NamedTuple):
    """What a rule makes of stacked results.

    Attributes
    ----------
    estimate : PooledEstimate
        Arrays in Rubin's letters.
    covariance : PooledCovariance
        Within, between and total.
    reference : Reference
        Where tests and intervals come from.
    """

    estimate: PooledEstimate
    covariance: PooledCovariance
    reference: Reference


class Pooling(NamedTuple):
    """How results are pooled.

    Attributes
    ----------
    rule : str
        ``"rubin1987"``, ``"reiter2003"`` or ``"mixture"``.
    df_method : str
        ``"barnard_rubin"``, ``"rubin"`` or ``"infinite"``.
    df_complete : ndarray of shape (k,) or ()
        Degrees of freedom had no value been missing.
    """

    rule: Rule
    df_method: DfMethod
    df_complete: FloatArray

    def check(self) -> None:
        """Refuse names that are none.

        Raises
        ------
        PoolingError
            It lists those that are.
        """
        for argument, given, known in (
            ("rule", self.rule, get_args(Rule)),
            ("df_method", self.df_method, get_args(DfMethod)),
        ):
            if given not in known:
                raise PoolingError(
                    f"{argument}={given!r} is not known. Choose one of "
                    f"{', '.join(repr(name) for name in known)}."
                )

    def __call__(self, stack: StackedResults) -> Pooled:
        """Pool.

        Parameters
        ----------
        stack : StackedResults
            At least two imputations.

        Returns
        -------
        Pooled
        """
        estimate, reference = self.one_by_one(stack.q_hat, stack.variances, stack.n_nests)
        if stack.n_nests is not None:
            nested = (
                in_nests(stack.q_hat, stack.n_nests),
                in_nests(stack.covariances, stack.n_nests),
            )
            return Pooled(estimate, nested_covariance(*nested), reference)
        covariance = pool_covariance(stack.q_hat, stack.covariances)
        if self.rule == "reiter2003":
            covariance = _with_between(covariance, 1 / stack.m)
        if self.rule == "mixture":
            scale = np.sqrt(_inflation(estimate.df_complete))
            within = covariance.within * np.outer(scale, scale)
            covariance = _with_between(covariance._replace(within=within), 1 - 1 / stack.m)
        return Pooled(estimate, covariance, reference)

    def one_by_one(
        self, q_hat: FloatArray, u: FloatArray, n_nests: int | None = None
    ) -> tuple[PooledEstimate, Reference]:
        """Pool parameters without their covariances.

        Parameters
        ----------
        q_hat, u : ndarray of shape (m, k)
            Estimates and squared standard errors.
        n_nests : int, optional
            Number of nests.

        Returns
        -------
        PooledEstimate, Reference

        Raises
        ------
        PoolingError
            If the imputations are nested and the rule is for one level.
        """
        if n_nests is not None:
            if self.rule != "rubin1987":
                raise PoolingError(
                    f"rule={self.rule!r} is for one level of imputations; got a list of lists of "
                    f"results. Leave out rule= for nested imputation, or pass a flat list."
                )
            nested = pool_nested(in_nests(q_hat, n_nests), in_nests(u, n_nests))
            return nested, _student(nested)
        return RULES[self.rule](self, q_hat, u)


def in_nests(values: FloatArray, n_nests: int) -> FloatArray:
    """Part the first axis, that of imputations, into nests and imputations within them."""
    return values.reshape(n_nests, -1, *values.shape[1:])


def _rubin(how: Pooling, q_hat: FloatArray, u: FloatArray) -> tuple[PooledEstimate, Reference]:
    df_complete: ArrayLike = how.df_complete if how.df_method == "barnard_rubin" else np.inf
    estimate = pool_rubin(q_hat, u, df_complete=df_complete)
    if how.df_method == "infinite":
        estimate = estimate._replace(
            df=np.full_like(estimate.df, np.inf), fmi=estimate.lambda_.copy()
        )
    return estimate, _student(estimate)


def _reiter(how: Pooling, q_hat: FloatArray, u: FloatArray) -> tuple[PooledEstimate, Reference]:
    estimate = pool_reiter(q_hat, u)
    return estimate, _student(estimate)


def _mixture(how: Pooling, q_hat: FloatArray, u: FloatArray) -> tuple[PooledEstimate, Reference]:
    rubin = pool_rubin(q_hat, u)
    df_complete = np.array(np.broadcast_to(how.df_complete, rubin.q_bar.shape))
    with np.errstate(divide="ignore", invalid="ignore"):
        u_bar = rubin.u_bar * _inflation(df_complete)
        added = (1 - 1 / rubin.m) * rubin.b
        estimate = rubin._replace(
            u_bar=u_bar,
            t=u_bar + added,
            df=np.full_like(rubin.df, np.nan),
            riv=added / u_bar,
            lambda_=added / (u_bar + added),
            fmi=np.full_like(rubin.fmi, np.nan),
            df_complete=df_complete,
        )
    return estimate, MixtureReference(q_hat, u, df_complete)


def _inflation(df_complete: FloatArray) -> FloatArray:
    """Variance of a t distribution in units of its squared scale: nu / (nu - 2)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        finite = np.where(df_complete > 2, df_complete / (df_complete - 2), np.inf)
    return np.where(np.isinf(df_complete), 1.0, finite)


def _student(estimate: PooledEstimate) -> StudentReference:
    return StudentReference(estimate.q_bar, estimate.t, estimate.df)


def _with_between(covariance: PooledCovariance, share: float) -> PooledCovariance:
    return covariance._replace(total=covariance.within + share * covariance.between)


RULES: dict[str, Callable[[Pooling, FloatArray, FloatArray], tuple[PooledEstimate, Reference]]] = {
    "rubin1987": _rubin,
    "reiter2003": _reiter,
    "mixture": _mixture,
}
