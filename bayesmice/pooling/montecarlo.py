"""What a finite number of imputations leaves uncertain, and how many are enough."""

from collections.abc import Callable

import numpy as np

from bayesmice.errors import PoolingError
from bayesmice.later import later
from bayesmice.pooling.rubin import FloatArray
from bayesmice.pooling.stacking import StackedResults

stats = later("scipy.stats")
special = later("scipy.special")


def jackknife_errors(
    stack: StackedResults, quantities: Callable[[StackedResults], FloatArray]
) -> FloatArray:
    r"""Monte Carlo errors of pooled quantities, by the jackknife over imputations.

    How much a quantity would change if everything were imputed again with other random numbers and
    the same m: with :math:`\theta_{(j)}` the quantity without imputation j,

    .. math:: \sqrt{\frac{m - 1}{m} \sum_j (\theta_{(j)} - \bar\theta_{(\cdot)})^2} .

    Parameters
    ----------
    stack : StackedResults
        At least three imputations, or three nests where there are nests.
    quantities : callable
        From stacked results to an array of pooled quantities, of any shape.

    Returns
    -------
    ndarray
        Of the shape of the quantities. NaN where one of them is not finite without some imputation.

    Raises
    ------
    PoolingError
        If there are fewer than three imputations: leaving one out must leave two.

    Notes
    -----
    For a pooled estimate it equals :math:`\sqrt{B / m}`. It is not the standard error, which would
    stay with infinitely many imputations.

    References
    ----------
    White, Royston and Wood (2011), Statistics in Medicine 30, 377-399, section 7.

    Examples
    --------
    >>> stack = StackedResults(
    ...     ("a",), np.array([[1.0], [2.0], [3.0]]), np.ones((3, 1, 1)), np.full(3, np.inf)
    ... )
    >>> jackknife_errors(stack, lambda some: some.q_hat.mean(axis=0)).round(4)
    array([0.5774])
    """
    units = stack.n_nests or stack.m
    if units < 3:
        raise PoolingError(
            f"Monte Carlo errors leave out one imputation at a time and need at least 3; got "
            f"{units}. Run mice(m=20) or more."
        )
    without = np.stack([quantities(stack.without(unit)) for unit in range(units)])
    with np.errstate(invalid="ignore", over="ignore"):
        # Shifted by the first, so that values that are all the same have an error of exactly 0.
        shifted = without - without[0]
        squares = ((shifted - shifted.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.sqrt((units - 1) / units * squares))


def recommended_imputations(
    fmi: FloatArray, m: int, *, cv: float = 0.05, conf_level: float = 0.95
) -> FloatArray:
    r"""Give the number of imputations that makes standard errors repeatable.

    With fraction of missing information :math:`\gamma` the coefficient of variation of a standard
    error over repeated imputations is at most ``cv`` with [1]_

    .. math:: m = 1 + \frac 1 2 \left(\frac \gamma {cv}\right)^2 .

    The fraction is itself estimated from m imputations, so the upper end of its confidence interval
    is used: on the logit scale its standard error is about :math:`\sqrt{2/m}`.

    Parameters
    ----------
    fmi : ndarray of shape (k,)
        Estimated fractions of missing information.
    m : int
        Number of imputations that they were estimated from.
    cv : float, default 0.05
        Coefficient of variation of the standard error that is tolerated.
    conf_level : float, default 0.95
        Of the interval for the fraction.

    Returns
    -------
    ndarray of shape (k,)
        Whole numbers, at least 2; NaN where the fraction is.

    Raises
    ------
    PoolingError
        If ``cv`` is not positive or ``conf_level`` does not lie between 0 and 1.

    Notes
    -----
    A pilot run of about 20 imputations is enough to find it; with very few the interval is wide and
    the number large.

    References
    ----------
    .. [1] von Hippel (2020), Sociological Methods & Research 49, 699-718.

    Examples
    --------
    >>> recommended_imputations(np.array([0.3]), m=20)
    array([41.])
    """
    if not cv > 0 or not 0 < conf_level < 1:
        raise PoolingError(
            f"cv must be positive and conf_level lie between 0 and 1; got cv={cv} and "
            f"conf_level={conf_level}. cv=0.05 asks for standard errors that repeat within 5 %."
        )
    with np.errstate(divide="ignore"):
        upper = special.expit(
            special.logit(fmi) + stats.norm.isf((1 - conf_level) / 2) * np.sqrt(2 / m)
        )
    return np.asarray(np.maximum(np.ceil(1 + 0.5 * (upper / cv) ** 2), 2))
