"""The log-likelihoods of fitted models, as functions of their parameters.

Nothing is refitted. The likelihood of the stacked data sets is the sum of their likelihoods, and
its maximum is found from the mean of the estimates, so that weights, offsets, strata and whatever
else a model holds count as they did in its fits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from bayesmice.errors import PoolingError
from bayesmice.later import later
from bayesmice.pooling.multiparameter import ModelLikelihood
from bayesmice.pooling.rubin import FloatArray

optimize = later("scipy.optimize")
special = later("scipy.special")

# What a further Newton step may add to a log-likelihood that is said to be at its maximum.
ATTAINED = 1e-3


class Likelihood(Protocol):
    """The log-likelihood of one completed data set."""

    @property
    def estimates(self) -> FloatArray:
        """All parameters at the maximum, of shape (h,), a free scale last."""

    def at(self, parameters: FloatArray) -> float:
        """Evaluate at parameters of shape (h,)."""

    def shortfall(self) -> float:
        """Tell how far below the maximum the estimates of the fit are, approximately."""

    @classmethod
    def maximum_of_sum(cls, parts: Sequence[Self]) -> float:
        """Maximize the sum over several data sets, with one set of parameters for all."""


@dataclass(frozen=True, eq=False)
class LinearLikelihood:
    r"""A linear model with normal residuals, whose variance is its last parameter.

    .. math::

        \ell(\beta, \sigma^2) = c - \frac n 2 \log(2 \pi \sigma^2)
            - \frac 1 {2 \sigma^2} \lVert y - X \beta \rVert^2

    Attributes
    ----------
    y, x : ndarray of shape (n,) and (n, k)
        Outcome and design, with weights multiplied in.
    beta : ndarray of shape (k,)
        The estimates of the fit.
    constant : float
        What the weights add to the log-likelihood.
    """

    y: FloatArray
    x: FloatArray
    beta: FloatArray
    constant: float

    @classmethod
    def read(cls, result: Any) -> "LinearLikelihood":
        """Read a linear regression, weighted or not."""
        y, x = np.asarray(result.model.wendog), np.asarray(result.model.wexog)
        beta = np.asarray(result.params, dtype=np.float64)
        bare = cls(y, x, beta, 0.0)
        return cls(y, x, beta, float(result.llf) - bare.at(bare.estimates))

    @property
    def estimates(self) -> FloatArray:
        """Coefficients, and the residual variance of maximum likelihood."""
        return np.append(self.beta, self._squares(self.beta) / len(self.y))

    def at(self, parameters: FloatArray) -> float:
        """Evaluate at coefficients and a residual variance."""
        beta, variance = parameters[:-1], parameters[-1]
        log_scale = len(self.y) / 2 * np.log(2 * np.pi * variance)
        return float(self.constant - log_scale - self._squares(beta) / (2 * variance))

    def shortfall(self) -> float:
        """Compare with the least squares."""
        return self.maximum_of_sum([self]) - self.at(self.estimates)

    @classmethod
    def maximum_of_sum(cls, parts: Sequence["LinearLikelihood"]) -> float:
        """Fit the stacked data sets by least squares."""
        y, x = (
            np.concatenate([part.y for part in parts]),
            np.concatenate([part.x for part in parts]),
        )
        stacked = cls(y, x, np.linalg.lstsq(x, y)[0], sum(part.constant for part in parts))
        return stacked.at(stacked.estimates)

    def _squares(self, beta: FloatArray) -> float:
        return float(np.sum((self.y - self.x @ beta) ** 2))


@dataclass(frozen=True, eq=False)
class GeneralizedLinearLikelihood:
    """A generalized linear model, whose scale is its last parameter where it has one.

    The scale that maximizes the likelihood takes the place of the fit's own estimate, which for
    gamma models comes from Pearson's statistic.

    Attributes
    ----------
    model : object
        The model of statsmodels.
    beta : ndarray of shape (k,)
        The estimates of the fit.
    family : str
        Name of the family.
    """

    model: Any
    beta: FloatArray
    family: str

    @property
    def has_scale(self) -> bool:
        """Whether the family has a free scale."""
        return self.family in SCALES

    @property
    def estimates(self) -> FloatArray:
        """Coefficients, and the scale of maximum likelihood."""
        return self._with_scale([self], self.beta)

    def at(self, parameters: FloatArray) -> float:
        """Evaluate at coefficients, and a scale where the family has one."""
        beta, scale = (parameters[:-1], parameters[-1]) if self.has_scale else (parameters, 1.0)
        return float(self.model.loglike(beta, scale=float(scale)))

    def shortfall(self) -> float:
        """Predict what a Newton step would add."""
        scale = self.estimates[-1] if self.has_scale else 1.0
        _, gain = newton_step(
            self.model.score(self.beta, scale=1.0), self.model.hessian(self.beta, scale=1.0)
        )
        return gain / scale

    @classmethod
    def maximum_of_sum(cls, parts: Sequence["GeneralizedLinearLikelihood"]) -> float:
        """Maximize over the coefficients, whatever the scale, and then over the scale."""
        beta = maximize(
            lambda beta: sum(part.model.loglike(beta, scale=1.0) for part in parts),
            lambda beta: sum(part.model.score(beta, scale=1.0) for part in parts),
            lambda beta: sum(part.model.hessian(beta, scale=1.0) for part in parts),
            start=np.mean([part.beta for part in parts], axis=0),
        )
        parameters = cls._with_scale(parts, beta)
        return sum(part.at(parameters) for part in parts)

    @staticmethod
    def _with_scale(parts: Sequence["GeneralizedLinearLikelihood"], beta: FloatArray) -> FloatArray:
        if not parts[0].has_scale:
            return beta
        models = [part.model for part in parts]
        deviance = sum(
            model.family.deviance(
                model.endog, model.predict(beta), model.var_weights, model.freq_weights, 1.0
            )
            for model in models
        )
        frequencies = np.concatenate([model.freq_weights for model in models])
        weights = np.concatenate([model.var_weights for model in models])
        return np.append(beta, SCALES[parts[0].family](float(deviance), frequencies, weights))


@dataclass(frozen=True, eq=False)
class ParametricLikelihood:
    """Any model with a log-likelihood of all its parameters, and its derivatives.

    Attributes
    ----------
    model : object
        Has ``loglike``, ``score`` and ``hessian``.
    estimates : ndarray of shape (h,)
        All its parameters. Those of an outcome with several levels are read level by level.
    """

    model: Any
    estimates: FloatArray

    def at(self, parameters: FloatArray) -> float:
        """Evaluate at all parameters."""
        return float(self.model.loglike(parameters))

    def shortfall(self) -> float:
        """Predict what a Newton step would add."""
        score = np.asarray(self.model.score(self.estimates))
        return newton_step(score, np.asarray(self.model.hessian(self.estimates)))[1]

    @classmethod
    def maximum_of_sum(cls, parts: Sequence["ParametricLikelihood"]) -> float:
        """Maximize by Newton's method."""
        parameters = maximize(
            lambda values: sum(part.at(values) for part in parts),
            lambda values: sum(np.asarray(part.model.score(values)) for part in parts),
            lambda values: sum(np.asarray(part.model.hessian(values)) for part in parts),
            start=np.mean([part.estimates for part in parts], axis=0),
        )
        return sum(part.at(parameters) for part in parts)


def read_likelihoods(results: Sequence[object], test: str) -> list[Likelihood]:
    """Read the likelihoods of the fits of one model to all completed data sets.

    Parameters
    ----------
    results : sequence of results
        Fits of statsmodels by maximum likelihood, or others with the same attributes: ``llf``,
        ``params``, and a ``model`` with ``loglike``, ``score`` and ``hessian``.
    test : str
        What the likelihoods are for, for the errors.

    Returns
    -------
    list of Likelihood

    Raises
    ------
    PoolingError
        If a result has no likelihood, or is not at the maximum of its likelihood. The text names
        the imputation.

    Examples
    --------
    >>> import statsmodels.api as sm
    >>> data = [1, 2, 0, 3], [2, 2, 1, 3]
    >>> fits = [sm.Poisson(counts, np.ones(4)).fit(disp=0) for counts in data]
    >>> likelihoods = read_likelihoods(fits, test="D4")
    >>> own_maxima(likelihoods).round(3)
    array([-6.052, -5.633])
    """
    likelihoods = []
    for imputation, result in enumerate(results):
        where = f"Imputation {imputation}: {_described(result)}"
        likelihood = _read(result, where, test)
        shortfall = likelihood.shortfall()
        if not shortfall <= ATTAINED:
            raise PoolingError(
                f"{where} is not at the maximum of its likelihood, which is higher by about "
                f"{shortfall:.3g}. {test} needs fits by maximum likelihood that have converged, "
                f"without a penalty or constraints; for others use D1."
            )
        likelihoods.append(likelihood)
    return likelihoods


def at_mean_estimates(likelihoods: Sequence[Likelihood]) -> ModelLikelihood:
    """Arrange what D3 needs: the likelihoods at the mean of the estimates.

    Parameters
    ----------
    likelihoods : sequence of m Likelihood
        Of one model.

    Returns
    -------
    ModelLikelihood
    """
    mean = np.mean([likelihood.estimates for likelihood in likelihoods], axis=0)
    common = float(np.mean([likelihood.at(mean) for likelihood in likelihoods]))
    return ModelLikelihood(own_maxima(likelihoods), common, len(mean))


def at_common_maximum(likelihoods: Sequence[Likelihood]) -> ModelLikelihood:
    """Arrange what D4 needs: the maximum of the likelihood of the stacked data sets, over m.

    Parameters
    ----------
    likelihoods : sequence of m Likelihood
        Of one model.

    Returns
    -------
    ModelLikelihood
    """
    common = type(likelihoods[0]).maximum_of_sum(likelihoods) / len(likelihoods)
    return ModelLikelihood(own_maxima(likelihoods), common, len(likelihoods[0].estimates))


def own_maxima(likelihoods: Sequence[Likelihood]) -> FloatArray:
    """Evaluate each at its own estimates, to an array of shape (m,)."""
    return np.array([likelihood.at(likelihood.estimates) for likelihood in likelihoods])


def maximize(
    value: Callable[[FloatArray], float],
    score: Callable[[FloatArray], Any],
    hessian: Callable[[FloatArray], Any],
    start: FloatArray,
) -> FloatArray:
    """Maximize a function by Newton's method, with steps halved until it rises.

    Parameters
    ----------
    value, score, hessian : callable
        The function and its derivatives, of shapes (), (h,) and (h, h).
    start : ndarray of shape (h,)
        Near the maximum.

    Returns
    -------
    ndarray of shape (h,)
        Where a further step would add less than 1e-12 of the value.

    Raises
    ------
    PoolingError
        If that is not reached in 100 steps.

    Examples
    --------
    >>> parabola = lambda x: -((x[0] - 3) ** 2)
    >>> maximize(parabola, lambda x: -2 * (x - 3), lambda x: np.array([[-2.0]]), np.zeros(1))
    array([3.])
    """
    parameters, height = start, value(start)
    for _ in range(100):
        step, gain = newton_step(np.asarray(score(parameters)), np.asarray(hessian(parameters)))
        if 0 <= gain <= 1e-12 * (1 + abs(height)):
            return parameters
        for halving in range(30):
            candidate = parameters + step / 2**halving
            with np.errstate(all="ignore"):  # a step may leave the parameters' domain
                higher = value(candidate)
            if higher > height:
                parameters, height = candidate, higher
                break
        else:
            # Rounding hides so small a gain.
            if 0 <= gain <= 1e-8 * (1 + abs(height)):
                return parameters
            break
    raise PoolingError(
        "The likelihood of all imputations together has no maximum near the mean of the estimates. "
        "Look at whether the fits to the completed data sets agree, or use D1."
    )


def newton_step(score: FloatArray, hessian: FloatArray) -> tuple[FloatArray, float]:
    """Step to the top of the parabola with these derivatives, and its height above here."""
    step = np.linalg.lstsq(-hessian, score)[0]
    return step, float(score @ step) / 2


def _mean_deviance(deviance: float, frequencies: FloatArray, weights: FloatArray) -> float:
    """Scale of maximum likelihood of the normal and inverse Gaussian distributions."""
    return deviance / float(frequencies.sum())


def _gamma_scale(deviance: float, frequencies: FloatArray, weights: FloatArray) -> float:
    r"""Scale of maximum likelihood of the gamma distribution.

    It solves :math:`\sum_i f_i w_i (\log a_i - \psi(a_i)) = D / 2` with shapes :math:`a_i = w_i /
    \phi`, frequencies f, weights w and deviance D: McCullagh and Nelder (1989), Generalized Linear
    Models, p. 295. As :math:`1 / (2 a) < \log a - \psi(a) < 1 / a`, it lies between
    :math:`D / (2 n)` and :math:`D / n`.
    """

    def excess(scale: float) -> float:
        shape = weights / scale
        difference = np.log(shape) - special.digamma(shape)
        return float(np.sum(frequencies * weights * difference)) - deviance / 2

    n = float(frequencies.sum())
    return float(optimize.brentq(excess, deviance / (2 * n), deviance / n, xtol=1e-300, rtol=1e-14))


SCALES: Mapping[str, Callable[[float, FloatArray, FloatArray], float]] = {
    "Gaussian": _mean_deviance,
    "InverseGaussian": _mean_deviance,
    "Gamma": _gamma_scale,
}
FAMILIES_WITHOUT_SCALE = frozenset({"Binomial", "Poisson", "NegativeBinomial"})


def _read(result: Any, where: str, test: str) -> Likelihood:
    model: Any = getattr(result, "model", None)
    _check_has_likelihood(result, model, where, test)
    if hasattr(model, "wexog"):
        return LinearLikelihood.read(result)
    estimates = np.asarray(result.params, dtype=np.float64).ravel(order="F")
    if callable(getattr(model, "estimate_scale", None)):
        family = type(model.family).__name__
        if family not in SCALES and (
            family not in FAMILIES_WITHOUT_SCALE or model.scaletype is not None
        ):
            raise PoolingError(
                f"{where} is a quasi-likelihood: its scale is estimated beside the likelihood. "
                f"{test} needs a likelihood; use D1 or D2 with Wald statistics."
            )
        return GeneralizedLinearLikelihood(model, estimates, family)
    likelihood = ParametricLikelihood(model, estimates)
    if not np.isclose(likelihood.at(estimates), float(result.llf), rtol=1e-8, atol=1e-8):
        raise _no_likelihood(where, test)
    return likelihood


def _check_has_likelihood(result: Any, model: Any, where: str, test: str) -> None:
    try:
        llf = getattr(result, "llf", None)
    except NotImplementedError:
        llf = None
    is_number = llf is not None and np.ndim(llf) == 0 and np.isfinite(llf)
    # Working correlations (GEE) are no part of a likelihood, and the variances of random effects
    # and of autoregressive residuals, and penalties, are parameters that loglike takes as given.
    is_other = any(
        hasattr(model, part) for part in ("cov_struct", "exog_re", "rho", "penal", "instrument")
    )
    if not (is_number and callable(getattr(model, "loglike", None))) or is_other:
        raise _no_likelihood(where, test)
    covariance = str(getattr(result, "cov_type", None)).lower()
    if covariance.startswith(("hc", "hac", "cluster")):
        raise PoolingError(
            f"{where} has a robust covariance matrix (cov_type={result.cov_type!r}), which {test} "
            f"would not use. Fit without it, or use D1 or D2 with Wald statistics."
        )
    exog = getattr(model, "exog", None)
    if exog is not None and not _has_full_rank(np.asarray(exog, dtype=np.float64)):
        raise PoolingError(
            f"{where} has a design whose columns depend linearly on each other, so that its "
            f"parameters cannot be counted. Leave out those that the others determine."
        )


def _has_full_rank(exog: FloatArray) -> bool:
    size = np.linalg.norm(exog, axis=0)  # units must not decide
    return bool(size.all() and np.linalg.matrix_rank(exog / size) == exog.shape[1])


def _no_likelihood(where: str, test: str) -> PoolingError:
    return PoolingError(
        f"{where} has no log-likelihood that can be evaluated at other parameters, as {test} "
        f"needs. Use D1 or D2 with Wald statistics."
    )


def _described(result: Any) -> str:
    return type(getattr(result, "model", result)).__name__
