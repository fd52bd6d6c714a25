"""Quantities that Rubin's rules need on another scale: correlations, proportions, R squared...

Each function analyzes one completed data set, and returns what `bayesmice.pool` pools: the estimate
on the scale where it is nearly normal, and its variance there. Tables show it transformed back.

>>> import numpy as np, pandas as pd
>>> from bayesmice.pooling import pool
>>> frames = [pd.DataFrame({"x": [1.0, 2, 3, 4, 5], "y": [1.0, 3, 2, 5, last]}) for last in (4, 6)]
>>> pooled = pool([correlation(frame["x"], frame["y"]) for frame in frames])
>>> pooled.table["estimate"].round(3).to_dict()
{'correlation': 0.869}
"""

from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bayesmice.errors import AnalysisError
from bayesmice.pooling import CompleteDataResult, Transform
from bayesmice.pooling.transforms import FISHER_Z, LOG, LOG_COMPLEMENT, LOGIT, R_SQUARED

FloatArray = NDArray[np.float64]


def correlation(x: ArrayLike, y: ArrayLike) -> CompleteDataResult:
    r"""Pearson's correlation, on the scale of Fisher's z.

    Parameters
    ----------
    x, y : array-like of shape (n,)
        Two columns of a completed data set, of at least four rows.

    Returns
    -------
    CompleteDataResult
        :math:`\operatorname{artanh} r`, with variance :math:`1 / (n - 3)`.

    Raises
    ------
    AnalysisError
        If a column does not vary, the columns depend on each other exactly, or there are fewer than
        four rows.

    References
    ----------
    Schafer (1997), Analysis of Incomplete Multivariate Data, section 4.5.3.

    Examples
    --------
    >>> correlation([1.0, 2, 3, 4, 5], [1.0, 3, 2, 5, 4]).covariance
    array([0.5])
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(x) < 4 or x.std() == 0 or y.std() == 0:
        raise AnalysisError(
            f"A correlation needs two columns that vary, of at least 4 rows; got {len(x)} rows "
            f"with the standard deviations {x.std():g} and {y.std():g}."
        )
    r = float(np.corrcoef(x, y)[0, 1])
    return _quantity("correlation", r, FISHER_Z, transformed_variance=1 / (len(x) - 3))


def proportion(values: ArrayLike) -> CompleteDataResult:
    r"""Give the share of ones, or of true values, on the logit scale.

    Parameters
    ----------
    values : array-like of shape (n,)
        Zeros and ones, or booleans.

    Returns
    -------
    CompleteDataResult
        :math:`\operatorname{logit} p`, with variance :math:`1 / (n p (1 - p))`.

    Raises
    ------
    AnalysisError
        If there are other values, or all are the same: the logit is then infinite.

    Examples
    --------
    >>> proportion([True, False, False, False]).estimates.round(4)
    array([-1.0986])
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isin(numbers, (0, 1)).all():
        raise AnalysisError(
            "proportion takes zeros and ones, or booleans: compare the column with a level first, "
            "as in proportion(df['stage'] == 'late')."
        )
    p = float(numbers.mean())
    if not 0 < p < 1:
        raise AnalysisError(
            f"All {len(numbers)} values are {'true' if p else 'false'}, and the logit of {p:g} is "
            f"infinite. Model the proportion instead, as with imputations.sample."
        )
    return _quantity("proportion", p, LOGIT, transformed_variance=1 / (len(numbers) * p * (1 - p)))


def r_squared(fit: Any, *, adjusted: bool = False) -> CompleteDataResult:
    r"""R squared of a linear model, on the scale of Fisher's z of its square root.

    Parameters
    ----------
    fit : fitted linear model of statsmodels
        With ``rsquared``, ``rsquared_adj`` and ``nobs``.
    adjusted : bool, default False
        Whether to take the adjusted R squared. A negative one counts as zero.

    Returns
    -------
    CompleteDataResult
        :math:`\operatorname{artanh} \sqrt{R^2}`, with variance :math:`1 / (n - 3)`.

    Raises
    ------
    AnalysisError
        If the fit has no R squared.

    Notes
    -----
    The lower end of an interval that crosses zero is shown as zero.

    References
    ----------
    Harel (2009), Journal of Applied Statistics 36, 1109-1118.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> r_squared(SimpleNamespace(rsquared=0.25, nobs=103)).covariance
    array([0.01])
    """
    attribute = "rsquared_adj" if adjusted else "rsquared"
    if not (hasattr(fit, attribute) and hasattr(fit, "nobs")):
        raise AnalysisError(
            f"{type(fit).__name__} has no {attribute}. Pass a linear model fitted with statsmodels."
        )
    value = max(float(getattr(fit, attribute)), 0.0)
    name = "adjusted_r_squared" if adjusted else "r_squared"
    return _quantity(name, value, R_SQUARED, transformed_variance=1 / (float(fit.nobs) - 3))


def variance_component(estimate: float, std_error: float) -> CompleteDataResult:
    r"""Give a variance, or any positive quantity, on the log scale.

    Parameters
    ----------
    estimate : float
        The variance, in squared units.
    std_error : float
        Its standard error, in the same units.

    Returns
    -------
    CompleteDataResult
        :math:`\log \hat\sigma^2`, with variance :math:`(se / \hat\sigma^2)^2`.

    Raises
    ------
    AnalysisError
        If the estimate is not positive.

    Examples
    --------
    >>> variance_component(2.0, 1.0).covariance
    array([0.25])
    """
    if not estimate > 0:
        raise AnalysisError(
            f"A variance component must be positive to be pooled by its logarithm; got {estimate}."
        )
    return _quantity(
        "variance_component", estimate, LOG, transformed_variance=(std_error / estimate) ** 2
    )


def kappa(first: ArrayLike, second: ArrayLike) -> CompleteDataResult:
    """Cohen's kappa of two raters, on the scale of Fisher's z.

    Parameters
    ----------
    first, second : array-like of shape (n,)
        Ratings of the same objects.

    Returns
    -------
    CompleteDataResult
        With the large-sample variance of Fleiss, Cohen and Everitt, transformed by the delta
        method.

    Raises
    ------
    AnalysisError
        If statsmodels is not installed, or the raters agree on every object.

    References
    ----------
    Fleiss, Cohen and Everitt (1969), Psychological Bulletin 72, 323-327.

    Examples
    --------
    >>> a, b = ["x"] * 6 + ["y"] * 6, ["x"] * 5 + ["y"] * 6 + ["x"]
    >>> pooled = kappa(a, b)
    >>> FISHER_Z.inverse(pooled.estimates).round(4)
    array([0.6667])
    """
    try:
        inter_rater = import_module("statsmodels.stats.inter_rater")
    except ModuleNotFoundError as error:
        raise AnalysisError("kappa needs the package statsmodels. Install it.") from error
    ratings = pd.crosstab(np.asarray(first), np.asarray(second))
    levels = ratings.index.union(ratings.columns)
    table = ratings.reindex(index=levels, columns=levels, fill_value=0)
    agreement = inter_rater.cohens_kappa(table.to_numpy())
    return _quantity("kappa", agreement.kappa, FISHER_Z, variance=agreement.var_kappa)


def cronbach_alpha(items: pd.DataFrame) -> CompleteDataResult:
    r"""Cronbach's alpha of a scale, by the logarithm of its complement.

    Parameters
    ----------
    items : DataFrame of shape (n, k)
        The items of the scale, one column each; at least two columns and three rows.

    Returns
    -------
    CompleteDataResult
        :math:`-\log(1 - \alpha)`, with variance :math:`2k / ((k - 1)(n - 2))`.

    Raises
    ------
    AnalysisError
        If there are fewer columns or rows, or the sum of the items does not vary.

    References
    ----------
    Bonett (2002), Journal of Educational and Behavioral Statistics 27, 335-340.

    Examples
    --------
    >>> items = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [1.0, 2, 3, 5]})
    >>> LOG_COMPLEMENT.inverse(cronbach_alpha(items).estimates).round(4)
    array([0.972])
    """
    n, k = items.shape
    values = items.to_numpy(dtype=np.float64)
    total = values.sum(axis=1).var(ddof=1) if k else 0.0
    if n < 3 or k < 2 or total == 0:
        raise AnalysisError(
            f"Cronbach's alpha needs at least 2 items and 3 rows, and a sum that varies; got {k} "
            f"items and {n} rows."
        )
    alpha = k / (k - 1) * (1 - values.var(axis=0, ddof=1).sum() / total)
    return _quantity(
        "cronbach_alpha",
        float(alpha),
        LOG_COMPLEMENT,
        transformed_variance=2 * k / ((k - 1) * (n - 2)),
    )


def auc(outcome: ArrayLike, score: ArrayLike) -> CompleteDataResult:
    """Area under the ROC curve, on the logit scale.

    Parameters
    ----------
    outcome : array-like of shape (n,)
        Zeros and ones, or booleans.
    score : array-like of shape (n,)
        Larger where a one is expected; a predicted probability, for instance.

    Returns
    -------
    CompleteDataResult
        With DeLong's variance, transformed by the delta method.

    Raises
    ------
    AnalysisError
        If there are fewer than two rows of one outcome, or the score separates them completely.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, 837-845.

    Examples
    --------
    >>> result = auc([0, 0, 1, 1, 1], [0.1, 0.6, 0.4, 0.7, 0.9])
    >>> LOGIT.inverse(result.estimates).round(4)
    array([0.8333])
    """
    ones = np.asarray(outcome, dtype=np.float64)
    scores = np.asarray(score, dtype=np.float64)
    if not np.isin(ones, (0, 1)).all() or min(ones.sum(), (1 - ones).sum()) < 2:
        raise AnalysisError("auc needs an outcome of zeros and ones, with at least two of each.")
    high, low = scores[ones == 1], scores[ones == 0]
    wins = (high[:, None] > low[None, :]) + 0.5 * (high[:, None] == low[None, :])
    of_ones, of_zeros = wins.mean(axis=1), wins.mean(axis=0)
    variance = of_ones.var(ddof=1) / len(high) + of_zeros.var(ddof=1) / len(low)
    return _quantity("auc", float(wins.mean()), LOGIT, variance=float(variance))


def c_index(time: ArrayLike, event: ArrayLike, risk: ArrayLike) -> CompleteDataResult:
    """Harrell's concordance index of censored survival times, on the logit scale.

    Parameters
    ----------
    time : array-like of shape (n,)
        Times of event or censoring.
    event : array-like of shape (n,)
        One, or true, where the event was observed.
    risk : array-like of shape (n,)
        Larger where an earlier event is expected; the linear predictor of a Cox model, for
        instance.

    Returns
    -------
    CompleteDataResult
        With the infinitesimal jackknife variance, transformed by the delta method.

    Raises
    ------
    AnalysisError
        If no pair of rows can be compared, or all pairs are concordant.

    References
    ----------
    Harrell, Lee and Mark (1996), Statistics in Medicine 15, 361-387. Therneau and Atkinson (2024),
    Concordance, vignette of the R package survival, for the variance.

    Examples
    --------
    >>> result = c_index([1.0, 2, 3, 4], [1, 1, 0, 1], [2.0, 3.0, 1.0, 0.0])
    >>> LOGIT.inverse(result.estimates).round(4)
    array([0.8])
    """
    times, risks = np.asarray(time, np.float64), np.asarray(risk, np.float64)
    events = np.asarray(event, dtype=bool)
    # Row i failed while row j was known to be alive: later, or censored at that very time.
    outlived = (times[None, :] > times[:, None]) | (
        (times[None, :] == times[:, None]) & ~events[None, :]
    )
    comparable = (events[:, None] & outlived).astype(float)
    agrees = comparable * np.sign(risks[:, None] - risks[None, :])
    pairs = comparable.sum()
    if pairs == 0:
        raise AnalysisError(
            "No two rows can be compared: an event must be followed by a later time. Look at the "
            "columns of times and events."
        )
    difference = agrees.sum() / pairs
    # The change of the index with the weight of each row, which enters pairs on either side.
    leverage = (agrees.sum(axis=0) + agrees.sum(axis=1)) - difference * (
        comparable.sum(axis=0) + comparable.sum(axis=1)
    )
    variance = float(((leverage / (2 * pairs)) ** 2).sum())
    return _quantity("c_index", float((difference + 1) / 2), LOGIT, variance=variance)


def _quantity(
    name: str,
    value: float,
    transform: Transform,
    *,
    variance: float | None = None,
    transformed_variance: float | None = None,
) -> CompleteDataResult:
    """Put a value on its scale, with a variance there or one on the original scale."""
    low, high = transform.support
    if not (low < value < high or (transform.closed and value == low)):
        raise AnalysisError(
            f"{name} is {value:g}, where the scale {transform.name!r} is infinite: it lies between "
            f"{low:g} and {high:g}. A value at its limit cannot be pooled by Rubin's rules."
        )
    at = np.array([value])
    if transformed_variance is None:
        transformed_variance = float((variance or 0.0) * transform.derivative(at)[0] ** 2)
    return CompleteDataResult(
        names=(name,),
        estimates=transform.forward(at),
        covariance=np.array([transformed_variance]),
        transform=transform,
    )
