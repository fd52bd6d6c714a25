"""A whole chain of NUTS as one loop: window adaptation, then draws.

Tuning and drawing share one transition in the compiled program, which halves the time that XLA
takes to compile it. The schedule and its parts are BlackJAX's, and follow Stan: step size by dual
averaging all along, mass matrix at the ends of windows that double in length.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from blackjax.adaptation.mass_matrix import mass_matrix_adaptation
from blackjax.adaptation.step_size import dual_averaging_adaptation
from blackjax.adaptation.window_adaptation import build_schedule
from blackjax.mcmc import hmc, nuts

from bayesmice.kernels.kernel import Array, LogDensity

DRAWS = 2
"""What a transition is for, besides BlackJAX's 0 (step size) and 1 (step size and mass matrix)."""
SLOW = 1
FIRST_STEP_SIZE = 1.0

_transition = nuts.build_kernel()
_start_metric, _add_to_metric, _finish_metric = mass_matrix_adaptation(True)


class Tuning(NamedTuple):
    """Where adaptation stands.

    Attributes
    ----------
    averaging : DualAveragingAdaptationState
        Of the step size.
    metric : MassMatrixAdaptationState
        Moments of the positions in the present window.
    step_size : Array, scalar
        In use.
    inverse_mass_matrix : Array of shape (n_dim,)
        In use; diagonal.
    """

    averaging: Any
    metric: Any
    step_size: Array
    inverse_mass_matrix: Array


def run_chain(
    key: Array,
    start: Array,
    logdensity: LogDensity,
    lengths: tuple[int, int],
    target_accept: float,
) -> tuple[Array, dict[str, Array]]:
    """Adapt, and draw.

    Parameters
    ----------
    key : Array
        Random key.
    start : Array of shape (n_dim,)
        Where to begin.
    logdensity : callable
        Of unconstrained positions.
    lengths : (int, int)
        Transitions of adaptation, and draws after them.
    target_accept : float
        Acceptance probability that the step size is adapted to.

    Returns
    -------
    tuple of (Array of shape (draws, n_dim), dict of str to Array of shape (draws,))
        Positions, and what happened in each transition by ArviZ's names.
    """
    tune, draws = lengths
    start_averaging, average, finish_averaging = dual_averaging_adaptation(target_accept)

    def adapt(tuning: Tuning, position: Array, acceptance: Array, turn: Array) -> Tuning:
        stage, is_window_end, is_last = turn
        averaging = average(tuning.averaging, acceptance)
        metric = _select(stage == SLOW, _add_to_metric(tuning.metric, position), tuning.metric)
        averaging = _select(
            is_window_end > 0, start_averaging(finish_averaging(averaging)), averaging
        )
        metric = _select(is_window_end > 0, _finish_metric(metric), metric)
        step_size = jnp.where(
            is_last > 0, finish_averaging(averaging), jnp.exp(averaging.log_step_size)
        )
        return Tuning(averaging, metric, step_size, metric.inverse_mass_matrix)

    def step(
        carry: tuple[hmc.HMCState, Tuning], given: tuple[Array, Array]
    ) -> tuple[tuple[hmc.HMCState, Tuning], tuple[Array, dict[str, Array]]]:
        (state, tuning), (key, turn) = carry, given
        moved, info = _transition(
            key, state, logdensity, tuning.step_size, tuning.inverse_mass_matrix
        )
        after = adapt(tuning, moved.position, info.acceptance_rate, turn)
        kept = _select(turn[0] == DRAWS, tuning, after)
        return (moved, kept), (moved.position, _statistics(moved, info, tuning.step_size))

    begun = Tuning(
        start_averaging(FIRST_STEP_SIZE),
        _start_metric(start.shape[0]),
        jnp.asarray(FIRST_STEP_SIZE),
        jnp.ones(start.shape[0]),
    )
    # Strong types, as the loop returns them.
    strong = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.asarray(leaf).dtype), begun)
    _, (positions, statistics) = jax.lax.scan(
        step,
        (hmc.init(start, logdensity), strong),
        (jax.random.split(key, tune + draws), _turns(tune, draws)),
    )
    return positions[tune:], {name: values[tune:] for name, values in statistics.items()}


def _turns(tune: int, draws: int) -> Array:
    """Say what each transition is for: stage, end of a window, end of the adaptation."""
    schedule = build_schedule(tune).astype(int)
    is_last = (jnp.arange(tune) == tune - 1).astype(int)
    adapting = jnp.column_stack([schedule, is_last])
    drawing = jnp.tile(jnp.array([DRAWS, 0, 0]), (draws, 1))
    return jnp.concatenate([adapting, drawing])


def _select(condition: Array, one: Any, other: Any) -> Any:
    """Choose one of two trees, with the types of the second."""
    return jax.tree.map(
        lambda a, b: jnp.where(condition, a, b).astype(jnp.asarray(b).dtype), one, other
    )


def _statistics(state: hmc.HMCState, info: nuts.NUTSInfo, step_size: Array) -> dict[str, Array]:
    return {
        "acceptance_rate": info.acceptance_rate,
        "diverging": info.is_divergent,
        "energy": info.energy,
        "lp": state.logdensity,
        "n_steps": info.num_integration_steps,
        "step_size": step_size,
        "tree_depth": info.num_trajectory_expansions,
    }
