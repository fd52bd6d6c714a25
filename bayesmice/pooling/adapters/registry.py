"""Which adapter reads a result."""

from collections.abc import Callable
from functools import singledispatch

from bayesmice.errors import PoolingError
from bayesmice.pooling.adapters.estimators import refuse_bare_estimator
from bayesmice.pooling.adapters.fitted import (
    read_fitted_model,
    read_linearmodels,
    read_mixed_model,
)
from bayesmice.pooling.adapters.marginal import read_marginal_effects
from bayesmice.pooling.adapters.pairs import read_pair
from bayesmice.pooling.adapters.survival import read_lifelines
from bayesmice.pooling.complete import CompleteDataResult, FailedAnalysis

Adapter = Callable[[object], CompleteDataResult | None]

ADAPTERS: tuple[Adapter, ...] = (
    read_mixed_model,
    read_fitted_model,
    read_linearmodels,
    read_lifelines,
    read_marginal_effects,
    read_pair,
    refuse_bare_estimator,
)


@singledispatch
def complete_data_result(result: object) -> CompleteDataResult:
    """Read the analysis of one completed data set.

    A registry: results of a type of your own are pooled once an adapter is registered for it. The
    adapter of the nearest base class counts, as for every `functools.singledispatch` function.

    Parameters
    ----------
    result : object
        A fitted model, a tuple ``(estimates, covariance)``, or anything that has been registered.

    Returns
    -------
    CompleteDataResult

    Raises
    ------
    PoolingError
        If no adapter knows the result.

    Examples
    --------
    >>> import numpy as np
    >>> class Fit:
    ...     beta, variance = 1.5, 0.25
    >>> @complete_data_result.register
    ... def _(result: Fit) -> CompleteDataResult:
    ...     return CompleteDataResult(
    ...         ("beta",), np.array([result.beta]), np.array([result.variance])
    ...     )
    >>> complete_data_result(Fit()).names
    ('beta',)
    """
    for adapter in ADAPTERS:
        complete = adapter(result)
        if complete is not None:
            return complete
    raise PoolingError(
        f"it is of the type {type(result).__name__}, which pool does not know. It accepts fitted "
        f"models with .params and .cov_params(), such as those of statsmodels, of linearmodels and "
        f"lifelines, results of marginaleffects, and tuples (estimates, covariance). For another "
        f"type register an adapter: @bm.complete_data_result.register."
    )


@complete_data_result.register
def _(result: CompleteDataResult) -> CompleteDataResult:
    return result


@complete_data_result.register
def _(result: FailedAnalysis) -> CompleteDataResult:
    raise PoolingError(
        f"its analysis failed with {result.reason}. Mend it, or pass drop_failed=True to pool the "
        f"others."
    )


def read_result(result: object, imputation: int) -> CompleteDataResult:
    """Read one result, and say of which imputation it is where that fails.

    Parameters
    ----------
    result : object
        The analysis of one completed data set.
    imputation : int
        Its position, counted from 0, for the errors.

    Returns
    -------
    CompleteDataResult

    Raises
    ------
    PoolingError
        If no adapter knows the result, or the one that does cannot read it.

    Examples
    --------
    >>> read_result((1.5, 0.25), imputation=0).names
    (0,)
    """
    try:
        return complete_data_result(result)
    except (TypeError, ValueError) as error:
        raise PoolingError(f"Imputation {imputation} cannot be read: {error}") from error
