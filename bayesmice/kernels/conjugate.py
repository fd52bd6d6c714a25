"""Exact draws of a normal linear regression whose coefficients have normal priors.

Given the residual standard deviation, the posterior of the coefficients is normal, and drawn
exactly. Given the coefficients, that of the standard deviation depends on the data through one sum
of squares. A transition draws one after the other, so that what it keeps of where it began is about
the number of coefficients divided by the number of rows. All of it needs the moments of the rows
only (`bayesmice.kernels.moments`).

The standard deviation is proposed from what the likelihood alone makes of it: the cube root of a
chi-squared variable, which is close to normal (Wilson and Hilferty 1931). Where that is no good
proposal (few rows, a strong prior, residuals that vanish), it moves by slice sampling. Which of the
two is decided from the data and the coefficients, not from the standard deviation itself, so that
both leave the posterior invariant.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from bayesmice.kernels.kernel import Array, Info, Kernel, on_device, one_by_one, random_numbers
from bayesmice.kernels.moments import Moments, NormalLikelihood, log_likelihood
from bayesmice.kernels.slicing import slice_move

SIGMA = "sigma"
"""Name of the standard deviation."""
MIN_ROWS = 20
"""Fewer rows leave a standard deviation whose distribution is too skewed for the proposal."""
FAR, UNEVEN = 3.0, 1.0
"""The proposal is good where its log-weights differ by less than `UNEVEN` within so many standard
deviations."""
ROUNDS = 3
"""How often coefficients and standard deviation are put near their mode before the first visit."""
SLICE_WIDTH = 1.0
"""On the log scale, where the posterior of a standard deviation from few rows is about so wide."""
ROUNDING = 1e-14
"""Relative rounding error of moments, which keeps a singular precision matrix positive."""
KEPT, MOST_TRANSITIONS = 0.03, 8
"""What a visit may keep of where it began, and the transitions that it takes at most."""


class ConjugateState(NamedTuple):
    """Position of shape (n_dim,)."""

    position: Array


@dataclass(frozen=True, eq=False)
class ConjugateDensity:
    """The posterior of a normal linear regression with normal priors, for one chain.

    Attributes
    ----------
    density : callable
        Log-density of an unconstrained position of shape (n_dim,).
    moments : Moments
        Of the rows.
    linear : Array of shape (1 + n_design,)
        Where in a position the location and the coefficients stand.
    used : Array of shape (1 + n_design,)
        1 for coefficients that enter the linear predictor, 0 for those that have their prior only.
    spread_at : int
        Where in a position the standard deviation stands, on its unconstrained scale.
    log_prior : callable
        Log-density of the priors at a position.
    spread : callable
        The standard deviation from its unconstrained value.
    unconstrained : callable
        The way back.
    """

    density: Callable[[Array], Array]
    moments: Moments
    linear: Array
    used: Array
    spread_at: int
    log_prior: Callable[[Array], Array]
    spread: Callable[[Array], Array]
    unconstrained: Callable[[Array], Array]

    def __call__(self, position: Array) -> Array:
        """Evaluate the log-density."""
        return self.density(position)

    def coefficients(self, position: Array) -> Array:
        """Give the coefficients as they enter, with the location counted from the center."""
        return position.at[self.linear[0]].add(-self.moments.center)[self.linear] * self.used

    def normal_given(self, position: Array) -> "Normal":
        """Give the posterior of the location and the coefficients, given the standard deviation."""
        prior_mean, prior_precision = self._prior(position.shape[0])
        variance = self.spread(position[self.spread_at]) ** 2
        entering = self.used[:, None] * self.moments.predictors * self.used[None, :]
        precision = entering / variance + jnp.diag(prior_precision)
        pull = self.used * self.moments.products / variance
        pull += prior_precision * (prior_mean - self._shift)
        scales = 1.0 / jnp.sqrt(jnp.diagonal(precision))
        correlations = precision * scales[:, None] * scales[None, :]
        factor = jnp.linalg.cholesky(correlations + ROUNDING * jnp.eye(len(scales)))
        half = solve_triangular(factor, scales * pull, lower=True)
        return Normal(factor, half, scales, self._shift)

    def with_linear(self, position: Array, values: Array) -> Array:
        """Put the location and the coefficients into a position."""
        return position.at[self.linear].set(values)

    @property
    def _shift(self) -> Array:
        """What the location and the coefficients are counted from."""
        return self.moments.base.at[0].add(self.moments.center)

    def _prior(self, n_dim: int) -> tuple[Array, Array]:
        """Give means and precisions of the normal priors: their log-density has a linear slope."""
        slope = jax.grad(self.log_prior)
        everywhere = jnp.zeros(n_dim).at[self.linear].set(1.0)
        at_zero, bend = jax.jvp(slope, (jnp.zeros(n_dim),), (everywhere,))
        precision = -bend[self.linear]
        return at_zero[self.linear] / precision, precision


@dataclass(frozen=True)
class ConjugateNames:
    """What the value variables of such a regression are called.

    Attributes
    ----------
    location, spread : str
        That of the location, and of the standard deviation.
    coefficients : str or None
        That of the coefficients; None where there are none.
    """

    location: str
    spread: str
    coefficients: str | None

    def bind(
        self,
        density: Callable[[Array], Array],
        unravel: Callable[[Array], dict[str, Array]],
        likelihood: NormalLikelihood,
        mask: Array | None,
    ) -> ConjugateDensity:
        """Make the posterior of one chain.

        Parameters
        ----------
        density : callable
            Its log-density.
        unravel : callable
            From a position of shape (n_dim,) to values by name.
        likelihood : NormalLikelihood
            Of its rows.
        mask : Array of shape (n_design,) or None
            1 for the coefficients that enter.
        """
        model, inputs, n_design = likelihood.model, likelihood.inputs, likelihood.n_design
        n_dim = n_design + 2
        with jax.ensure_compile_time_eval():
            places = {
                name: np.asarray(place, dtype=int).reshape(-1)
                for name, place in unravel(jnp.arange(n_dim, dtype=float)).items()
            }
        slopes = [places[self.coefficients]] if self.coefficients else []
        linear = np.concatenate([places[self.location], *slopes])
        spread_at = int(places[self.spread][0])
        origin = jnp.zeros(n_dim)

        def unconstrained(spread: Array) -> Array:
            parameters = model.parameters(unravel(origin), inputs) | {SIGMA: spread}
            return model.unconstrained(parameters, inputs)[self.spread]

        return ConjugateDensity(
            density=density,
            moments=likelihood.moments,
            linear=jnp.asarray(linear),
            used=jnp.ones(1 + n_design).at[1:].set(1.0 if mask is None else mask),
            spread_at=spread_at,
            log_prior=lambda position: model.log_prior(unravel(position), inputs),
            spread=lambda value: likelihood.spread(unravel(origin.at[spread_at].set(value))),
            unconstrained=unconstrained,
        )


class Normal(NamedTuple):
    """A normal distribution, by the Cholesky factor of its scaled precision.

    Attributes
    ----------
    factor : Array of shape (n, n)
        Lower Cholesky factor of the precision in units of `scales`.
    half : Array of shape (n,)
        The mean, half way through the solution of its equations.
    scales : Array of shape (n,)
        Units.
    shift : Array of shape (n,)
        Added at last.
    """

    factor: Array
    half: Array
    scales: Array
    shift: Array

    def at(self, noise: Array) -> Array:
        """Give a draw from standard normal noise; the mean from zeros."""
        solved = solve_triangular(self.factor, self.half + noise, lower=True, trans=1)
        return self.scales * solved + self.shift


def conjugate_transitions(n_rows: int, n_dim: int) -> int:
    """Choose how many transitions a visit takes, so that it keeps little of where it began.

    Parameters
    ----------
    n_rows : int
        Rows of the data.
    n_dim : int
        Coefficients, the location included.

    Returns
    -------
    int
        1 for many rows, and at most 8.

    Examples
    --------
    >>> [conjugate_transitions(n_rows, 21) for n_rows in (25, 200, 1000, 5000)]
    [8, 2, 1, 1]
    """
    kept = min(1.2 * n_dim / n_rows, 0.9)
    return min(math.ceil(math.log(KEPT) / math.log(kept)), MOST_TRANSITIONS)


def _empty(n_dim: int) -> ConjugateState:
    return ConjugateState(on_device(np.zeros(n_dim)))


def _tune(
    key: Array,
    state: ConjugateState,
    start: Array,
    is_first: Array,
    logdensity: ConjugateDensity,
) -> ConjugateState:
    """Put a chain where it begins; there is nothing to tune.

    Its first cells would be drawn from far too wide a distribution if it were not near the mode.
    """
    begins_anew = is_first | ~jnp.isfinite(logdensity(state.position))
    return ConjugateState(jnp.where(begins_anew, _near_mode(start, logdensity), state.position))


def _near_mode(start: Array, density: ConjugateDensity) -> Array:
    """Give the coefficients their mean, and the standard deviation that of the residuals, in turns.

    The standard deviation before counts like that of one row, which keeps it positive.
    """
    position = start
    for _ in range(ROUNDS):
        before = density.spread(position[density.spread_at])
        mean = density.normal_given(position).at(jnp.zeros(density.linear.shape))
        position = density.with_linear(position, mean)
        square = density.moments.residual_square(density.coefficients(position))
        spread = jnp.sqrt((square + before**2) / (density.moments.n + 1.0))
        position = position.at[density.spread_at].set(density.unconstrained(spread))
    return jnp.where(jnp.all(jnp.isfinite(position)), position, start)


def _step(
    key: Array, state: ConjugateState, logdensity: ConjugateDensity
) -> tuple[ConjugateState, Info]:
    uniform, normal = random_numbers(key, 1, 1 + len(logdensity.linear))
    position, acceptance = _spread_move(key, normal[0], uniform[0], state.position, logdensity)
    moved = logdensity.with_linear(position, logdensity.normal_given(position).at(normal[1:]))
    lp = logdensity(moved)
    return ConjugateState(moved), Info(
        acceptance_rate=acceptance,
        diverging=jnp.asarray(False),
        energy=-lp,
        lp=lp,
        n_steps=jnp.asarray(0),
        step_size=jnp.asarray(jnp.nan),
    )


def _spread_move(
    key: Array, noise: Array, uniform: Array, position: Array, density: ConjugateDensity
) -> tuple[Array, Array]:
    """Move the standard deviation, given the coefficients.

    Parameters
    ----------
    key : Array
        Random key, for slice sampling.
    noise, uniform : Array, scalars
        A standard normal number, for the proposal, and one between 0 and 1, for accepting it.
    position : Array of shape (n_dim,)
        Where the chain is.
    density : ConjugateDensity
        Its posterior.

    Returns
    -------
    tuple of (Array, Array)
        The position, and the acceptance rate.
    """
    n = density.moments.n
    square = density.moments.residual_square(density.coefficients(position))
    here = position[density.spread_at]

    def posterior(value: Array) -> Array:
        prior = density.log_prior(position.at[density.spread_at].set(value))
        return prior + log_likelihood(n, square, density.spread(value))

    # The cube root of S / (n sigma^2) is about normal.
    center, sd = 1.0 - 2.0 / (9.0 * n), jnp.sqrt(2.0 / (9.0 * n))

    def log_weight(value: Array) -> Array:
        spread, slope = jax.value_and_grad(density.spread)(value)
        root = jnp.cbrt(square / (n * spread**2))
        off = (root - center) / sd
        log_proposal = -0.5 * off**2 + jnp.log(root) + jnp.log(slope / spread)
        return posterior(value) - log_proposal

    roots = center + sd * jnp.stack([noise, jnp.asarray(-FAR), jnp.asarray(0.0), jnp.asarray(FAR)])
    spreads = jnp.sqrt(square / (n * jnp.maximum(roots, 0.0) ** 3))
    values = jnp.concatenate([jax.vmap(density.unconstrained)(spreads), here[None]])
    weights = jax.vmap(log_weight)(values)
    proposed, now = weights[0], weights[4]
    is_good = (n >= MIN_ROWS) & (jnp.ptp(weights[1:4]) < UNEVEN)
    rate = jnp.nan_to_num(jnp.minimum(jnp.exp(proposed - now), 1.0))

    def independently() -> tuple[Array, Array]:
        return jnp.where(uniform < rate, values[0], here), rate

    def by_slice() -> tuple[Array, Array]:
        return slice_move(jax.random.fold_in(key, 0), here, posterior, SLICE_WIDTH), jnp.ones(())

    moved, acceptance = jax.lax.cond(is_good, independently, by_slice)
    return position.at[density.spread_at].set(moved), acceptance


def _estimate(state: ConjugateState, logdensity: ConjugateDensity) -> Array:
    """Give the mean of the coefficients at the standard deviation as it is."""
    mean = logdensity.normal_given(state.position).at(jnp.zeros(logdensity.linear.shape))
    return logdensity.with_linear(state.position, mean)


CONJUGATE = Kernel(
    "conjugate",
    tuning_sweeps=(0,),
    retune_below=0.0,
    empty=_empty,
    tune=_tune,
    steps=one_by_one(_step),
    estimate=_estimate,
)
