"""The plan of a run: how many chains, how many sweeps, and where imputations are taken from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bayesmice.errors import SpecificationError

SWEEPS, THIN = 10, 5
"""Sweeps of a run, or of its burn-in, and sweeps between two imputations of one chain."""


@dataclass(frozen=True)
class Plan:
    """Where the imputations of a run are taken from.

    Imputation ``i`` comes from chain ``i % n_chains``: the first round of imputations is taken
    ``thin`` sweeps after the burn-in, and every further one ``thin`` sweeps later.

    Attributes
    ----------
    m : int
        Number of imputations.
    n_chains : int
        Number of chains.
    thin : int
        Sweeps from one imputation of a chain to the next.
    burn_in : int or None
        Sweeps before the first round begins; None as long as a stopping rule has not decided.
    """

    m: int
    n_chains: int
    thin: int
    burn_in: int | None

    @property
    def rounds(self) -> int:
        """Imputations per chain, at most."""
        return math.ceil(self.m / self.n_chains)

    @property
    def total(self) -> int | None:
        """Sweeps of the whole run; None as long as they are not known."""
        return None if self.burn_in is None else self.burn_in + self.rounds * self.thin

    def keeps(self, sweep: int) -> bool:
        """Whether imputations may be taken from a sweep, counted from 0."""
        if self.burn_in is None:
            return True
        past = sweep + 1 - self.burn_in
        return past > 0 and past % self.thin == 0

    def picks(self, chains: Sequence[int], sweeps: int) -> list[tuple[int, int]]:
        """Give chain and sweep of each imputation that a run of some sweeps has reached.

        Parameters
        ----------
        chains : sequence of int
            Identities of the chains, in order; those of chains that were given up included.
        sweeps : int
            Number of sweeps so far.

        Returns
        -------
        list of (int, int)
            In the order of the imputations.
        """
        if self.burn_in is None:
            return []
        places = (
            (chains[i % self.n_chains], self.burn_in + self.thin * (i // self.n_chains + 1) - 1)
            for i in range(self.m)
        )
        return [(chain, sweep) for chain, sweep in places if sweep < sweeps]

    def settled_at(self, sweeps: int) -> "Plan":
        """Let the burn-in end after some sweeps; a chain with one imputation gives its last."""
        burn_in = sweeps - self.thin if self.rounds == 1 else sweeps
        return replace(self, burn_in=max(burn_in, 0))

    def extended(self, sweeps: int) -> "Plan":
        """Let the burn-in be longer by some sweeps.

        Raises
        ------
        SpecificationError
            If imputations would be taken from sweeps whose cells were not kept.
        """
        if self.rounds > 1 and sweeps % self.thin:
            raise SpecificationError(
                f"extend(sweeps={sweeps}) would take imputations between those that were kept "
                f"every {self.thin} sweeps (thin). Extend by a multiple of {self.thin}."
            )
        return replace(self, burn_in=(self.burn_in or 0) + sweeps)


def make_plan(
    m: int,
    sweeps: int | None,
    chains: int | None,
    thin: int | None,
    burn_in: int | None,
    *,
    default_sweeps: int = SWEEPS,
    is_open: bool = False,
) -> Plan:
    """Work out the plan of a run from what the user gave.

    Parameters
    ----------
    m : int
        Number of imputations.
    sweeps : int or None
        Sweeps of every chain, burn-in and thinning included.
    chains : int or None
        Number of chains; by default one for each imputation.
    thin, burn_in : int or None
        Sweeps from one imputation of a chain to the next, and before the first round.
    default_sweeps : int
        Sweeps of the burn-in (or of the run, with one imputation per chain) by default.
    is_open : bool, default False
        Whether a stopping rule decides when the burn-in ends.

    Returns
    -------
    Plan

    Raises
    ------
    SpecificationError
        If the numbers contradict each other.

    Examples
    --------
    >>> make_plan(8, None, 4, 5, None)
    Plan(m=8, n_chains=4, thin=5, burn_in=10)
    >>> make_plan(5, 20, None, None, None)
    Plan(m=5, n_chains=5, thin=1, burn_in=19)
    """
    n_chains = m if chains is None else chains
    if n_chains > m:
        raise SpecificationError(
            f"chains is {n_chains}, but m is {m}; a chain without an imputation is of no use. Give "
            "at most as many chains as imputations."
        )
    rounds = math.ceil(m / n_chains)
    if thin is None:
        thin = 1 if rounds == 1 else THIN
    thinned = rounds * thin
    if is_open:
        if burn_in is not None:
            raise SpecificationError(
                f"burn_in is {burn_in}, and sweeps is a stopping rule, which decides how long the "
                "burn-in is. Leave one of them out, or give until(min_sweeps=...)."
            )
        return Plan(m, n_chains, thin, None)
    if sweeps is None:
        if burn_in is None:
            burn_in = default_sweeps - thin if rounds == 1 else default_sweeps
        return Plan(m, n_chains, thin, max(burn_in, 0))
    implied = sweeps - thinned
    if burn_in is None:
        burn_in = implied
    if burn_in != implied or implied < 0:
        taken = f"{rounds} imputations per chain, {thin} sweeps apart, take {thinned} sweeps"
        raise SpecificationError(
            f"sweeps is {sweeps} and burn_in {max(burn_in, 0)}, but {taken} after the burn-in. "
            f"Give sweeps={max(burn_in, 0) + thinned}, or leave one of them out."
        )
    return Plan(m, n_chains, thin, burn_in)
