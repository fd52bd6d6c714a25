"""Cells: how the missing cells of a visit are drawn, given parameters.

Each way of drawing is a small object beside the kernel. It sees the model, the parameters of this
visit, what the model reads, and the rows; it returns a value for each missing cell of each target.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

from bayesmice.kernels.jax_model import JaxModel
from bayesmice.kernels.kernel import Array
from bayesmice.kernels.matching import match_donors
from bayesmice.models.blueprint import LIMITS_DATA, LIMITS_POTENTIAL

ETA = "eta"
"""Name of the expression that holds the linear predictor."""
BISECTIONS = 64
"""Halvings until an interval of doubles, on a scale that is logarithmic at its ends, is a point."""
BLOCK_MOVES = 10
"""Metropolis moves of the cells of a block per visit."""


class Rows(NamedTuple):
    """What a target's visit knows about rows; the same for all chains.

    Attributes
    ----------
    observed : Array of shape (n_rows,)
        The target, with an observed value wherever it is missing.
    weights : Array of shape (n_rows,)
        Weights of rows in the likelihood, 0 for those that do not enter it.
    drawn : Array of shape (n_cells,)
        Rows to draw, padded with ``n_rows``, which is no row.
    written : Array of shape (n_cells,)
        Rows that the draws become values of: the same, but ``n_rows`` where a value was observed.
    limits : (Array, Array) or None
        Lower and upper limits of the cells, of shape (n_cells,); infinite where there are none.
    left_out : Array of shape (n_cells,) or None
        Rows of weight 0, padded with ``n_rows``, where all others have weight 1; None where that is
        not so, or of no use.
    """

    observed: Array
    weights: Array
    drawn: Array
    written: Array
    limits: tuple[Array, Array] | None = None
    left_out: Array | None = None


@dataclass(frozen=True, eq=False)
class Moved:
    """A chain after its transition, ready to draw cells.

    Attributes
    ----------
    model : JaxModel
        The model.
    values : dict of str to Array
        Unconstrained parameters.
    estimate : callable
        ``estimate()``: unconstrained parameters near the mode.
    inputs : dict of str to Array
        What the model reads.
    rows : tuple of Rows
        By target.
    """

    model: JaxModel
    values: dict[str, Array]
    estimate: Callable[[], dict[str, Array]]
    inputs: dict[str, Array]
    rows: tuple[Rows, ...]


class CellDraw(Protocol):
    """A way to draw missing cells."""

    def __call__(self, moved: Moved, key: Array) -> tuple[Array, ...]:
        """Draw a value for each missing cell, of shape (n_cells,), by target."""


@dataclass(frozen=True)
class PredictiveDraw:
    """Draws from the predictive distribution of rows that know nothing of each other.

    Attributes
    ----------
    row_inputs : tuple of str
        Inputs with one element per row.
    """

    row_inputs: tuple[str, ...]

    def __call__(self, moved: Moved, key: Array) -> tuple[Array, ...]:
        """Draw at the missing rows only."""
        (rows,), (draw,) = moved.rows, moved.model.draw.values()
        return (draw(moved.values, at_drawn(moved.inputs, self.row_inputs, rows), key),)


class Donors(NamedTuple):
    """Rows that may give their values.

    Attributes
    ----------
    predictions : Array of shape (n_rows,)
        Linear predictor of each row at an estimate of the parameters.
    observed : Array of shape (n_rows,)
        Their values.
    weights : Array of shape (n_rows,)
        0 for rows that cannot give.
    """

    predictions: Array
    observed: Array
    weights: Array


@dataclass(frozen=True)
class MatchingDraw:
    """Takes values from donors: predictive mean matching of type 1.

    Attributes
    ----------
    row_inputs : tuple of str
        Inputs with one element per row.
    donors : int
        How many nearest rows to choose from.
    """

    row_inputs: tuple[str, ...]
    donors: int

    def __call__(self, moved: Moved, key: Array) -> tuple[Array, ...]:
        """Match predictions at an estimate with those at the draw of the parameters."""
        (rows,) = moved.rows
        predictions = moved.model.expressions[ETA](moved.estimate(), moved.inputs)
        return self.among(Donors(predictions, rows.observed, rows.weights), moved, key)

    def among(self, rows: Donors, moved: Moved, key: Array) -> tuple[Array, ...]:
        """Take values from given rows, which need not be those that the cells belong to."""
        inputs = at_drawn(moved.inputs, self.row_inputs, moved.rows[0])
        wanted = moved.model.expressions[ETA](moved.values, inputs)
        chosen = match_donors(key, rows.predictions, rows.weights, wanted, self.donors)
        return (rows.observed[chosen].astype(float),)


@dataclass(frozen=True)
class LimitedDraw:
    """Draws cells within their limits, and the others from the predictive distribution.

    The distribution function between the lower limit and a value is inverted by bisection, in terms
    of log-probabilities, so that limits may lie far in a tail.

    Attributes
    ----------
    row_inputs : tuple of str
        Inputs with one element per row.
    is_discrete : bool
        Whether values are whole numbers.
    """

    row_inputs: tuple[str, ...]
    is_discrete: bool

    def __call__(self, moved: Moved, key: Array) -> tuple[Array, ...]:
        """Draw at the missing rows only."""
        (rows,), (draw,) = moved.rows, moved.model.draw.values()
        assert rows.limits is not None
        lower, upper = rows.limits
        key_free, key_inside = jax.random.split(key)
        free = draw(moved.values, at_drawn(moved.inputs, self.row_inputs, rows), key_free)

        def log_probability(up_to: Array) -> Array:
            limits = dict(zip(LIMITS_DATA, (lower, up_to), strict=True))
            return moved.model.expressions[LIMITS_POTENTIAL](moved.values, moved.inputs | limits)

        # One minus a uniform number is never zero, whose logarithm would end at the lower limit.
        share = jnp.log1p(-jax.random.uniform(key_inside, lower.shape))
        wanted = log_probability(upper) + share

        def halve(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
            low, high = bracket
            middle = 0.5 * (low + high)
            at_middle = jnp.clip(jnp.sinh(middle), lower, upper)
            is_reached = log_probability(at_middle) >= wanted
            return jnp.where(is_reached, low, middle), jnp.where(is_reached, middle, high)

        ends = (jnp.arcsinh(jnp.clip(limit, -1e300, 1e300)) for limit in (lower, upper))
        _, reached = jax.lax.fori_loop(0, BISECTIONS, halve, tuple(ends))
        inside = jnp.sinh(reached)
        inside = jnp.clip(jnp.rint(inside) if self.is_discrete else inside, lower, upper)
        is_limited = jnp.isfinite(lower) | jnp.isfinite(upper)
        return (jnp.where(is_limited, inside, free),)


@dataclass(frozen=True)
class WholeDraw:
    """Draws all rows of all targets, and keeps the missing cells: for models over whole columns."""

    def __call__(self, moved: Moved, key: Array) -> tuple[Array, ...]:
        """Draw every row of each target."""
        return tuple(
            draw(moved.values, moved.inputs, jax.random.fold_in(key, position))
            .at[rows.drawn]
            .get(mode="clip")
            for position, (rows, draw) in enumerate(
                zip(moved.rows, moved.model.draw.values(), strict=True)
            )
        )


@dataclass(frozen=True)
class BlockDraw:
    """Draws the cells of targets that depend on each other, row by row.

    The targets are drawn in the order of their dependence, each given the ones before. Where a
    target that was observed depends on a cell that was drawn, the draw is a proposal, accepted by
    its likelihood there: an independence Metropolis move of the cells of that row.

    Attributes
    ----------
    inputs : tuple of str
        Names of the inputs that hold the targets.
    order : tuple of int
        Positions of the targets, parents first.
    """

    inputs: tuple[str, ...]
    order: tuple[int, ...]

    def __call__(self, moved: Moved, key: Array) -> tuple[Array, ...]:
        """Move every missing cell `BLOCK_MOVES` times."""

        def move(step: int, inputs: dict[str, Array]) -> dict[str, Array]:
            return self._move(moved, inputs, jax.random.fold_in(key, step))

        inputs = jax.lax.fori_loop(0, BLOCK_MOVES, move, dict(moved.inputs))
        return tuple(
            inputs[name].at[rows.drawn].get(mode="clip").astype(float)
            for name, rows in zip(self.inputs, moved.rows, strict=True)
        )

    def _move(self, moved: Moved, inputs: dict[str, Array], key: Array) -> dict[str, Array]:
        key_accept, key_draw = jax.random.split(key)
        names = list(moved.model.draw)
        ahead = dict(inputs)
        for position in self.order:
            name, rows = self.inputs[position], moved.rows[position]
            drawn = moved.model.draw[names[position]](
                moved.values, ahead, jax.random.fold_in(key_draw, position)
            )
            cells = drawn.at[rows.drawn].get(mode="clip").astype(ahead[name].dtype)
            ahead[name] = ahead[name].at[rows.written].set(cells, mode="drop")
        now, then = (moved.model.log_likelihood(moved.values, given) for given in (inputs, ahead))
        gain = jnp.zeros(moved.rows[0].weights.shape)
        for name, rows in zip(names, moved.rows, strict=True):
            gain += jnp.where(_is_observed(rows), then[name] - now[name], 0.0)
        accepted = jnp.log(jax.random.uniform(key_accept, gain.shape)) < gain
        return inputs | {
            name: jnp.where(accepted, ahead[name], inputs[name]) for name in self.inputs
        }


def at_drawn(inputs: dict[str, Array], row_inputs: tuple[str, ...], rows: Rows) -> dict[str, Array]:
    """Replace inputs over all rows by their values at the rows to draw."""
    return inputs | {name: inputs[name].at[rows.drawn].get(mode="clip") for name in row_inputs}


def rows_at(design: Array, places: Array) -> tuple[Array, Array]:
    """Give some rows of a design after the constant; zeros where a place is none of its rows.

    Parameters
    ----------
    design : Array of shape (n_rows, n_design)
        The design.
    places : Array of shape (n_places,)
        Which rows.

    Returns
    -------
    Array of shape (n_places, 1 + n_design), Array of shape (n_places, 1)
        The rows, and 1 where there is one, 0 elsewhere.
    """
    is_row = (places < design.shape[0]).astype(design.dtype)[:, None]
    rows = design.at[places].get(mode="fill", fill_value=0.0)
    return jnp.concatenate([is_row, rows], axis=1), is_row


def _is_observed(rows: Rows) -> Array:
    marks = jnp.ones(rows.weights.shape, dtype=bool)
    return marks.at[rows.written].set(False, mode="drop")
