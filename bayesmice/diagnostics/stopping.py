"""Stopping rules: when the chains of a run have mixed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bayesmice.diagnostics.rhat import MIN_DRAWS, r_hat
from bayesmice.errors import SpecificationError

Chains = NDArray[np.float64]
QUANTITIES = ("mean", "sd")


@dataclass(frozen=True)
class Until:
    """A stopping rule for the sweeps of a run; made by `until`.

    Attributes
    ----------
    rhat : float
        Bound of R-hat.
    min_sweeps, max_sweeps : int
        Sweeps at least and at most.
    max_minutes : float or None
        Minutes at most.
    """

    rhat: float
    min_sweeps: int
    max_sweeps: int
    max_minutes: float | None


def until(
    rhat: float = 1.05,
    min_sweeps: int = 10,
    max_sweeps: int = 200,
    max_minutes: float | None = None,
) -> Until:
    """Let a run go on until its chains have mixed.

    After every sweep from ``min_sweeps`` on, the rank-normalized split R-hat [1]_ of the mean and
    the standard deviation of each column's imputed cells is computed over all sweeps so far, the
    first ones included, as `Imputations.convergence` shows it. The run stops when the largest is
    below the bound; the event log says why it stopped.

    Parameters
    ----------
    rhat : float, default 1.05
        Bound of R-hat, above 1.
    min_sweeps : int, default 10
        Sweeps at least; 4 or more, since chains are split into halves.
    max_sweeps : int, default 200
        Sweeps at most.
    max_minutes : float, optional
        Minutes at most; a run that is resumed counts anew. No limit by default.

    Returns
    -------
    Until
        For ``mice.mice(sweeps=until(...))``.

    Raises
    ------
    SpecificationError
        If a number is out of its range.

    Notes
    -----
    With few chains R-hat varies by chance: five chains of ten sweeps rarely fall below 1.05
    although nothing is wrong. A bound is a sign of mixing of these means and deviations only, not a
    proof that all parameters have converged.

    References
    ----------
    .. [1] Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), Bayesian Analysis 16, 667-718.

    Examples
    --------
    >>> until(rhat=1.1, max_sweeps=50)
    Until(rhat=1.1, min_sweeps=10, max_sweeps=50, max_minutes=None)
    """
    if isinstance(rhat, bool) or not isinstance(rhat, int | float) or not rhat > 1:
        raise SpecificationError(f"until: rhat is {rhat!r}; expected a number above 1.")
    for name, value, least in (
        ("min_sweeps", min_sweeps, MIN_DRAWS),
        ("max_sweeps", max_sweeps, MIN_DRAWS),
    ):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise SpecificationError(
                f"until: {name} is {value!r}; expected a whole number of at least {least}."
            )
    if min_sweeps > max_sweeps:
        raise SpecificationError(
            f"until: min_sweeps is {min_sweeps} and max_sweeps {max_sweeps}; expected the smaller "
            "number first."
        )
    if max_minutes is not None and not max_minutes > 0:
        raise SpecificationError(
            f"until: max_minutes is {max_minutes!r}; expected a positive number, or None."
        )
    return Until(float(rhat), int(min_sweeps), int(max_sweeps), max_minutes)


@dataclass
class StoppingRule:
    """Watches a run by a rule.

    Attributes
    ----------
    rule : Until
        The rule.
    clock : callable
        Seconds, from any beginning.
    """

    rule: Until
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def reason(self, sweeps: int, worst: "WorstRHat | None") -> str | None:
        """Say why to stop after some sweeps; None to go on.

        Parameters
        ----------
        sweeps : int
            Sweeps so far.
        worst : WorstRHat or None
            The largest R-hat; None where it is not defined.
        """
        rule = self.rule
        reached = "R-hat is not defined" if worst is None else f"the largest R-hat is {worst}"
        if sweeps >= rule.min_sweeps and worst is not None and worst.value < rule.rhat:
            return f"Stopped after {sweeps} sweeps: {reached}, below {rule.rhat:g}."
        if sweeps >= rule.max_sweeps:
            return f"Stopped after {sweeps} sweeps, as many as were allowed; {reached}."
        minutes = (self.clock() - self._began) / 60
        if rule.max_minutes is not None and minutes >= rule.max_minutes:
            return (
                f"Stopped after {sweeps} sweeps, since {rule.max_minutes:g} minutes have passed; "
                f"{reached}."
            )
        return None


@dataclass(frozen=True)
class WorstRHat:
    """The largest R-hat, and what it belongs to."""

    value: float
    column: str
    quantity: str

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.column}, {self.quantity} of imputed cells)"


def worst_r_hat(sweep_stats: Mapping[str, Chains]) -> WorstRHat | None:
    """Find the largest R-hat of the means and standard deviations of imputed cells.

    Parameters
    ----------
    sweep_stats : mapping of str to ndarray of shape (n_chains, n_sweeps, 2)
        Mean and standard deviation, by column. A single chain is split into two.

    Returns
    -------
    WorstRHat or None
        None where it is defined for no quantity.
    """
    found = [
        WorstRHat(value, column, quantity)
        for column, values in sweep_stats.items()
        for position, quantity in enumerate(QUANTITIES)
        if not np.isnan(value := r_hat(_at_least_two(values[:, :, position])))
    ]
    return max(found, key=lambda one: one.value, default=None)


def _at_least_two(chains: Chains) -> Chains:
    if len(chains) > 1:
        return chains
    half = chains.shape[1] // 2
    return np.stack([chains[0, :half], chains[0, half : 2 * half]])
