"""Reading the results of all imputations, of which some may have failed."""

from collections.abc import Sequence
from typing import Any

from bayesmice.errors import warn_caller
from bayesmice.pooling.adapters import read_result
from bayesmice.pooling.complete import CompleteDataResult, FailedAnalysis


def read_usable(listed: Sequence[Any], *, drop_failed: bool) -> dict[int, CompleteDataResult]:
    """Read the results of all imputations, and leave out failed ones where that is asked for.

    Parameters
    ----------
    listed : sequence
        One result per imputation.
    drop_failed : bool
        Whether to leave out analyses that failed or did not converge.

    Returns
    -------
    dict of int to CompleteDataResult
        By the number of the imputation.

    Raises
    ------
    PoolingError
        If a result cannot be read.

    Warns
    -----
    UserWarning
        If a fit did not converge, or an imputation is left out.
    """
    complete: dict[int, CompleteDataResult] = {}
    failed = []
    for imputation, result in enumerate(listed):
        if drop_failed and isinstance(result, FailedAnalysis):
            failed.append(imputation)
        else:
            complete[imputation] = read_result(result, imputation)
    unconverged = [number for number, result in complete.items() if not result.converged]
    if drop_failed:
        complete = {n: result for n, result in complete.items() if n not in unconverged}
    for numbers, what, then in (
        (failed, "failed", "They are left out."),
        (
            unconverged,
            "did not converge",
            "They are left out."
            if drop_failed
            else "Their estimates are pooled as they are; drop_failed=True leaves them out.",
        ),
    ):
        if numbers:
            warn_caller(
                f"The analysis of {len(numbers)} of {len(listed)} imputations {what}: "
                f"{', '.join(map(str, numbers))} (counted from 0). {then}",
            )
    return complete
