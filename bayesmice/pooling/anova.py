"""The comparison of two nested models after multiple imputation."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from bayesmice.errors import PoolingError
from bayesmice.pooling.complete import CompleteDataResult
from bayesmice.pooling.hypotheses import wald_test
from bayesmice.pooling.likelihoods import (
    Likelihood,
    at_common_maximum,
    at_mean_estimates,
    own_maxima,
    read_likelihoods,
)
from bayesmice.pooling.multiparameter import Ariv, HypothesisTest, d2, d3, d4
from bayesmice.pooling.stacking import stack_results
from bayesmice.pooling.usable import read_usable


def anova(
    full: Iterable[Any],
    reduced: Iterable[Any],
    *,
    test: Literal["D1", "D2", "D3", "D4"] = "D1",
    statistic: Literal["wald", "likelihood"] = "wald",
    df_complete: float | None = None,
    ariv: Ariv = "default",
    drop_failed: bool = False,
) -> HypothesisTest:
    """Test whether a model is better than a smaller one that it contains.

    Parameters
    ----------
    full, reduced : iterable of results
        Fits of the larger and the smaller model, one per imputation and in the same order. Any that
        `pool` reads, and for likelihoods those that `read_likelihoods` reads.
    test : {"D1", "D2", "D3", "D4"}, default "D1"
        - ``"D1"``: Wald test of the pooled parameters that the smaller model lacks. The default
          since it needs no likelihood, and knows of small samples.
        - ``"D2"``: pools the test statistics alone; needs least, and is least to be trusted.
        - ``"D3"``: likelihood-ratio test at the mean of the estimates.
        - ``"D4"``: likelihood-ratio test of the stacked data; does not depend on how the models are
          parametrized.
    statistic : {"wald", "likelihood"}, default "wald"
        The statistics that D2 pools.
    df_complete : float, optional
        For D1, degrees of freedom had no value been missing; by default the smallest residual
        degrees of freedom of the larger model's fits.
    ariv : {"default", "positive", "robust"}, default "default"
        For D3 and D4, how the relative increase in variance is estimated; see `d3` and `d4`.
    drop_failed : bool, default False
        Leave out imputations in which one of the two analyses failed or did not converge.

    Returns
    -------
    HypothesisTest

    Raises
    ------
    PoolingError
        If the numbers of imputations, rows or outcomes differ between the two models, the smaller
        one is not nested in the larger one, a result cannot be read or has no likelihood where one
        is needed, or an argument does not belong to the test.

    Warns
    -----
    UserWarning
        If a fit did not converge, or an imputation is left out.

    Notes
    -----
    D1, and D2 with Wald statistics, find the parameters in question by name. Likelihoods do not
    need names, and also compare models of which one is contained in the other in other words.

    Examples
    --------
    >>> full = [((q, 0.5 * q), np.diag([0.04, 0.01])) for q in (1.0, 1.2, 0.9)]
    >>> reduced = [((q,), np.array([0.05])) for q in (1.1, 1.3, 0.8)]
    >>> test = anova(full, reduced, df_complete=40)
    >>> test.hypothesis, test.df1, round(test.statistic, 2)
    (('1 = 0',), 1, 15.02)
    """
    _check_arguments(test, statistic, df_complete, ariv)
    fits, reduced_fits = _as_lists(full, reduced)
    usable = read_usable(fits, drop_failed=drop_failed)
    usable_reduced = read_usable(reduced_fits, drop_failed=drop_failed)
    numbers = [number for number in usable if number in usable_reduced]
    if len(numbers) < 2:
        raise PoolingError(
            f"anova needs at least 2 imputations in which both analyses worked; {len(numbers)} are "
            f"left of {len(fits)}."
        )
    for number in numbers:
        _check_same_data(number, fits[number], reduced_fits[number])
    fits, reduced_fits = [fits[n] for n in numbers], [reduced_fits[n] for n in numbers]
    read = [usable[number] for number in numbers]
    read_reduced = [usable_reduced[number] for number in numbers]
    stack, reduced_stack = stack_results(read, numbers), stack_results(read_reduced, numbers)
    names, kept = stack.names, reduced_stack.names
    tested = [name for name in names if name not in kept]
    if test in ("D3", "D4") or statistic == "likelihood":
        _check_same_order(read)
        _check_same_order(read_reduced)
        pooled = _likelihood_ratio_test(fits, reduced_fits, test, ariv)
        is_nested_by_name = set(kept) <= set(names) and len(tested) == pooled.df1
        hypothesis = tuple(f"{name} = 0" for name in tested) if is_nested_by_name else ()
        return replace(pooled, hypothesis=hypothesis)
    foreign = [name for name in kept if name not in names]
    if foreign or not tested:
        _raise_not_nested(foreign)
    if df_complete is None:
        df_complete = float(stack.df_complete.min())
    return wald_test(stack, tested, test="D1" if test == "D1" else "D2", df_complete=df_complete)


def _likelihood_ratio_test(
    full: list[Any], reduced: list[Any], test: str, ariv: Ariv
) -> HypothesisTest:
    where = "D2 with likelihoods" if test == "D2" else test
    larger, smaller = read_likelihoods(full, where), read_likelihoods(reduced, where)
    _check_kinds(full[0], reduced[0])
    ratios = _ratios(larger, smaller)
    if test == "D2":
        return d2(ratios, k=len(larger[0].estimates) - len(smaller[0].estimates))
    if test == "D3":
        return d3(at_mean_estimates(larger), at_mean_estimates(smaller), ariv=ariv)
    return d4(at_common_maximum(larger), at_common_maximum(smaller), ariv=ariv)


def _ratios(larger: Sequence[Likelihood], smaller: Sequence[Likelihood]) -> Any:
    """Likelihood-ratio statistics of the imputations, of shape (m,)."""
    maxima = own_maxima(larger)
    ratios = 2 * (maxima - own_maxima(smaller))
    k = len(larger[0].estimates) - len(smaller[0].estimates)
    # Optimizers stop short of the maximum by less than this.
    is_worse = ratios < -1e-6 * (1 + np.abs(maxima))
    if k < 1 or is_worse.any():
        _raise_not_nested_by_likelihood(k, ratios)
    return np.maximum(ratios, 0.0)


def _raise_not_nested_by_likelihood(k: int, ratios: Any) -> None:
    worst = int(np.argmin(ratios))
    raise PoolingError(
        f"The smaller model is not nested in the larger one, which has {k} parameters more and in "
        f"imputation {worst} a log-likelihood that is higher by {ratios[worst] / 2:.4g}. Pass the "
        f"fits of the larger model first."
    )


def _raise_not_nested(foreign: Sequence[Any]) -> None:
    if foreign:
        raise PoolingError(
            f"The smaller model is not nested in the larger one by its names: it alone has "
            f"{', '.join(repr(name) for name in foreign)}. Pass the fits of the larger model "
            f"first, or compare likelihoods, which need no names, by test='D4'."
        )
    raise PoolingError(
        "Both models have the same parameters, so that there is nothing to test. Pass the fits of "
        "a larger and of a smaller model."
    )


def _check_arguments(test: str, statistic: str, df_complete: float | None, ariv: str) -> None:
    if test not in ("D1", "D2", "D3", "D4") or statistic not in ("wald", "likelihood"):
        raise PoolingError(
            f"anova knows the tests 'D1', 'D2', 'D3' and 'D4', and the statistics 'wald' and "
            f"'likelihood'; got test={test!r} and statistic={statistic!r}."
        )
    if statistic == "likelihood" and test == "D1":
        raise PoolingError(
            "D1 is a Wald test. For likelihoods pass test='D4', 'D3', or 'D2' with "
            "statistic='likelihood'."
        )
    if df_complete is not None and test != "D1":
        raise PoolingError(
            f"{test} has no use for df_complete, which belongs to D1. Leave it out, or use D1."
        )
    if ariv != "default" and test in ("D1", "D2"):
        raise PoolingError(f"{test} has no ariv={ariv!r}, which belongs to D3 and D4.")


def _as_lists(full: Iterable[Any], reduced: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    for results in (full, reduced):
        if not isinstance(results, Iterable):
            raise PoolingError(
                f"anova needs two iterables of results, one result per imputation; got one "
                f"{type(results).__name__}. Pass lists of the fits to all completed data sets."
            )
    larger, smaller = list(full), list(reduced)
    if len(larger) != len(smaller) or len(larger) < 2:
        raise PoolingError(
            f"anova needs both models from the same imputations, at least 2; got {len(larger)} "
            f"results of the larger model and {len(smaller)} of the smaller one."
        )
    return larger, smaller


def _check_same_data(imputation: int, larger: Any, smaller: Any) -> None:
    outcome, other = (
        np.asarray(getattr(getattr(result, "model", None), "endog", None))
        for result in (larger, smaller)
    )
    if outcome.ndim == 0 or other.ndim == 0:
        return
    if len(outcome) != len(other):
        raise PoolingError(
            f"Imputation {imputation}: the larger model was fitted to {len(outcome)} rows and the "
            f"smaller one to {len(other)}. Fit both to the same rows of the completed data."
        )
    if not np.array_equal(outcome, other):
        raise PoolingError(
            f"Imputation {imputation}: the two models have different outcomes. Fit both to the "
            f"same outcome, and pass the fits in the order of the imputations."
        )


def _check_same_order(results: Sequence[CompleteDataResult]) -> None:
    """Refuse what would let likelihoods take one parameter for another."""
    for imputation, result in enumerate(results):
        if result.names != results[0].names:
            raise PoolingError(
                f"Imputation {imputation} has its parameters in the order "
                f"{', '.join(map(repr, result.names))}, and imputation 0 in the order "
                f"{', '.join(map(repr, results[0].names))}. Likelihoods need one order: fit the "
                f"same formula, with the same categories, to all completed data sets."
            )


def _check_kinds(larger: Any, smaller: Any) -> None:
    kinds = [type(result.model).__name__ for result in (larger, smaller)]
    families = [type(getattr(result.model, "family", None)) for result in (larger, smaller)]
    if kinds[0] != kinds[1] or families[0] != families[1]:
        raise PoolingError(
            f"The likelihoods of models of different kinds cannot be compared: the larger one is "
            f"of the kind {kinds[0]}, the smaller one {kinds[1]}. Fit both in the same way, with "
            f"the same family."
        )
