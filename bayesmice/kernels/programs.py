"""Compiled programs: a visit to one target, for all chains at once.

A program belongs to a model and a kernel, not to a variable. Whatever differs between the variables
of a family (rows, weights, prior arguments, which design columns are its own) is an input. Chains
are a batch axis: `jax.lax.map` on a CPU, where it is faster and gives the same bits for any number
of chains, `jax.vmap` elsewhere.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from numpy.typing import NDArray

from bayesmice.kernels.cells import CellDraw, Moved, Rows, at_drawn, rows_at
from bayesmice.kernels.chain_axis import over_chains
from bayesmice.kernels.completing import sums_with_cells, write_rows
from bayesmice.kernels.conjugate import ConjugateNames
from bayesmice.kernels.jax_model import Inputs, JaxModel
from bayesmice.kernels.kernel import (
    Array,
    Info,
    Kernel,
    KernelState,
    LogDensity,
    Shaped,
    StructuredDensity,
    lost_depth,
    on_device,
)
from bayesmice.kernels.keys import VisitKeys, visit_key, visit_keys
from bayesmice.kernels.moments import (
    Moments,
    NormalLikelihood,
    around_fit,
    moments_of,
    moments_without,
)
from bayesmice.kernels.visits import CompletedDesign, Given, Moment, Recorded, TunedState
from bayesmice.models.blueprint import CENSORED, LIMITS_DATA, LIMITS_POTENTIAL, PREDICTORS_DATA

MEMORY = 0.75
"""What an average of acceptance rates keeps at each visit; three rejections count as low."""


class RowInputs(Protocol):
    """How a model's inputs over rows come from the state of a chain."""

    def __call__(self, design: Array, columns: Inputs) -> dict[str, Array]:
        """Give inputs by name.

        Parameters
        ----------
        design : Array of shape (n_rows, n_design)
            Completed design of the chain.
        columns : mapping of str to Array
            The columns that the model reads, complete ones and those of the chain.
        """


class RowCurvature(Protocol):
    """Minus the second derivatives of a sum over rows, in closed form."""

    def __call__(
        self, values: dict[str, Array], inputs: Inputs, mask: Array | None, weights: Array
    ) -> Array:
        """Give them, of shape (n_dim, n_dim), in the order of the flat position.

        Parameters
        ----------
        values : dict of str to Array
            Unconstrained parameters, before the mask.
        inputs : mapping of str to Array
            What the model reads.
        mask : Array of shape (n_design,) or None
            1 for the design columns that count.
        weights : Array of shape (n_rows,)
            Weights of rows in the likelihood.
        """


class CompiledVisits(ABC):
    """What programs that JAX runs have in common."""

    @property
    @abstractmethod
    def move(self) -> Callable[..., tuple[TunedState, Recorded, Array | None]]:
        """Compiled: all of a visit but writing into the design, with the arguments of `visit`.

        Gives the kernel states, what is recorded, and the sums over the rows of the design with the
        drawn cells in it; None where the design has no sums.
        """

    def visit(
        self,
        moment: Moment,
        chains: Array,
        state: TunedState,
        design: CompletedDesign,
        columns: Inputs,
        given: Given,
    ) -> tuple[TunedState, Recorded, CompletedDesign]:
        """Tune where due, take the transitions, and draw the missing cells.

        The design of all chains is donated; it comes back with the drawn cells in it.
        """
        moved, recorded, sums = self.move(moment, chains, state, design, columns, given)
        rows = write_rows(design.rows, recorded.cells, given)
        return moved, recorded, CompletedDesign(rows, sums)

    def take(self, state: TunedState, positions: NDArray[np.intp]) -> TunedState:
        """Give the kernel states of some chains."""
        # By NumPy, for which JAX compiles nothing.
        some: TunedState = jax.tree.map(lambda leaf: on_device(np.asarray(leaf)[positions]), state)
        return some

    def join(self, states: Sequence[TunedState]) -> TunedState:
        """Put kernel states of several sets of chains together."""
        joined: TunedState = jax.tree.map(lambda *own: on_device(np.concatenate(own)), *states)
        return joined

    def pack(self, state: TunedState) -> NDArray[np.float64]:
        """Write kernel states as numbers, of shape (n_chains, n_numbers)."""
        leaves = [np.asarray(leaf, dtype=np.float64) for leaf in jax.tree.leaves(state)]
        return np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)

    def unpack(self, packed: NDArray[Any], empty: TunedState) -> TunedState:
        """Read kernel states that `pack` wrote, given empty ones for as many chains."""
        leaves, structure = jax.tree.flatten(empty)
        ends = np.cumsum([leaf[0].size for leaf in leaves])
        parts = np.split(packed, ends[:-1], axis=1)
        read: TunedState = jax.tree.unflatten(
            structure,
            [
                jnp.asarray(part.reshape(leaf.shape), dtype=leaf.dtype)
                for part, leaf in zip(parts, leaves, strict=True)
            ],
        )
        return read


def empty_states(kernel: Kernel, n_dim: int, n_chains: int) -> TunedState:
    """Make kernel states of the right shapes for some chains, to be tuned before use.

    Parameters
    ----------
    kernel : Kernel
        The kernel.
    n_dim : int
        Dimensions of the unconstrained parameters.
    n_chains : int
        Number of chains.

    Returns
    -------
    TunedState
    """
    one = TunedState(kernel.empty(n_dim), on_device(1.0), on_device(-np.inf))
    batch: TunedState = jax.tree.map(
        lambda leaf: on_device(np.repeat(np.asarray(leaf)[None], n_chains, axis=0)), one
    )
    return batch


@dataclass(frozen=True, eq=False)
class ModelProgram(CompiledVisits):
    """A conditional model with its kernel, compiled once.

    Attributes
    ----------
    model : JaxModel
        The model's functions.
    kernel : Kernel
        The transition.
    target_inputs : tuple of str
        Names of the inputs that hold the targets.
    row_inputs : RowInputs
        What gives the other inputs over rows.
    censored : tuple of str
        Inputs over rows that cells with limits need too, under names of their own.
    draw : CellDraw
        How missing cells are drawn.
    inner_steps : int
        Transitions per visit.
    masked : str or None
        Name of the value variable that spans all design columns, of which a target uses some.
    row_curvature : RowCurvature or None
        The curvature of the log-likelihood, where it is known in closed form.
    by_moments : bool
        Whether the likelihood is that of a normal linear regression, which needs no more of rows
        than their moments.
    conjugate : ConjugateNames or None
        Value variables of one whose coefficients have normal priors.
    """

    model: JaxModel
    kernel: Kernel
    target_inputs: tuple[str, ...]
    row_inputs: RowInputs
    censored: tuple[str, ...]
    draw: CellDraw
    inner_steps: int
    masked: str | None
    row_curvature: RowCurvature | None = None
    by_moments: bool = False
    conjugate: ConjugateNames | None = None

    def with_kernel(self, kernel: Kernel) -> "ModelProgram":
        """Give the program of the same model with another kernel, compiled once."""
        if kernel.name not in self._relatives:
            self._relatives[kernel.name] = replace(self, kernel=kernel)
        return self._relatives[kernel.name]

    @property
    def dims(self) -> Mapping[str, tuple[str, ...]]:
        """Named dimensions of the parameters."""
        return self.model.dims

    @cached_property
    def _relatives(self) -> dict[str, "ModelProgram"]:
        return {self.kernel.name: self}

    def empty_state(
        self, n_chains: int, design: Shaped, columns: Mapping[str, Shaped], given: Given
    ) -> TunedState:
        """Make kernel states of the right shapes for all chains, to be tuned before use.

        Parameters
        ----------
        n_chains : int
            Number of chains.
        design : Array or ShapeDtypeStruct of shape (n_rows, n_design)
            Completed design of any chain; its shape is all that counts.
        columns : mapping of str to Array or ShapeDtypeStruct
            Completed columns of any chain that the model reads.
        given : Given
            What visits to the target are given.
        """
        return empty_states(self.kernel, self.n_dim(design, columns, given), n_chains)

    def n_dim(self, design: Shaped, columns: Mapping[str, Shaped], given: Given) -> int:
        """Count the dimensions of the unconstrained parameters."""

        def initial(design: Array, columns: Inputs) -> dict[str, Array]:
            return self.model.initial(self.inputs(design, columns, given))

        start = jax.eval_shape(initial, design, dict(columns))
        return sum(int(leaf.size) for leaf in jax.tree.leaves(start))

    @cached_property
    def move(self) -> Callable[..., tuple[TunedState, Recorded, Array | None]]:
        """Compiled `_move`: tuning where due, transitions, a draw of the missing cells."""
        return jax.jit(self._move)

    def _move(
        self,
        moment: Moment,
        chains: Array,
        state: TunedState,
        design: CompletedDesign,
        columns: Inputs,
        given: Given,
    ) -> tuple[TunedState, Recorded, Array | None]:
        def one_chain(
            batch: tuple[VisitKeys, TunedState, CompletedDesign, Inputs],
        ) -> tuple[TunedState, Recorded, Array | None]:
            keys, own_state, own_design, own_columns = batch
            inputs = self.inputs(own_design.rows, own_columns, given)
            start, unravel = ravel_pytree(self.model.initial(inputs))
            logdensity = self.logdensity(unravel, inputs, given, own_design.sums)
            tuned = self._tuned(keys.tuning, moment, own_state, start, logdensity)
            moved, info = self._steps(keys.steps, tuned.kernel, logdensity)
            recent = MEMORY * tuned.recent_acceptance + (1 - MEMORY) * info.acceptance_rate
            values = self._masked(unravel(moved.position), given.mask)

            def estimate() -> dict[str, Array]:
                return self._masked(unravel(self.kernel.estimate(moved, logdensity)), given.mask)

            cells = self.draw(Moved(self.model, values, estimate, inputs, given.rows), keys.cells)
            recorded = Recorded(self.model.parameters(values, inputs), info, cells)
            has_sums = own_design.sums is not None
            sums = sums_with_cells(own_design, cells, given) if has_sums else None
            return TunedState(moved, recent, info.lp), recorded, sums

        keys = visit_keys(moment, chains, self.inner_steps)
        moved, recorded, sums = over_chains(one_chain, (keys, state, design, columns))
        return moved, recorded, sums

    @cached_property
    def log_likelihood(self) -> Callable[..., tuple[Array, ...]]:
        """Compiled evaluation of rows; see `Program`. Cells with limits count by those."""

        def evaluate(
            state: TunedState, design: CompletedDesign, columns: Inputs, given: Given
        ) -> tuple[Array, ...]:
            def one_chain(batch: tuple[TunedState, Array, Inputs]) -> tuple[Array, ...]:
                values, inputs = self._visited(*batch, given)
                by_target = self.model.log_likelihood(values, inputs).values()
                return tuple(
                    weighted(by_row, rows.weights) + self._within_limits(values, inputs, rows)
                    for by_row, rows in zip(by_target, given.rows, strict=True)
                )

            found: tuple[Array, ...] = over_chains(one_chain, (state, design.rows, columns))
            return found

        return jax.jit(evaluate)

    @cached_property
    def predictive(self) -> Callable[..., tuple[Array, ...]]:
        """Compiled draws of all rows; see `Program`."""

        def draw(
            moment: Moment,
            chains: Array,
            state: TunedState,
            design: CompletedDesign,
            columns: Inputs,
            given: Given,
        ) -> tuple[Array, ...]:
            def one_chain(batch: tuple[Array, TunedState, Array, Inputs]) -> tuple[Array, ...]:
                chain, own_state, own_design, own_columns = batch
                values, inputs = self._visited(own_state, own_design, own_columns, given)
                key = jax.random.fold_in(visit_key(moment, chain), 3)
                return tuple(
                    drawn(values, inputs, jax.random.fold_in(key, position))
                    for position, drawn in enumerate(self.model.draw.values())
                )

            found: tuple[Array, ...] = over_chains(one_chain, (chains, state, design.rows, columns))
            return found

        return jax.jit(draw)

    def _visited(
        self, state: TunedState, design: Array, columns: Inputs, given: Given
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Give the parameters of one chain after a visit, and what the model read in it.

        The design may hold the cells that the visit drew: no model reads its own columns of it.
        """
        inputs = self.inputs(design, columns, given)
        _, unravel = ravel_pytree(self.model.initial(inputs))
        return self._masked(unravel(state.kernel.position), given.mask), inputs

    def _within_limits(self, values: dict[str, Array], inputs: Inputs, rows: Rows) -> Array:
        """Give each row the log-probability of the limits of its cell, of shape (n_rows,)."""
        nothing = jnp.zeros(rows.weights.shape)
        if not self.censored:
            return nothing
        within = self.model.expressions[LIMITS_POTENTIAL](values, inputs)
        return nothing.at[rows.drawn].add(within, mode="drop")

    def _steps(
        self, keys: Array, state: KernelState, logdensity: LogDensity
    ) -> tuple[KernelState, Info]:
        """Take the transitions of a visit; what happened is told of all of them together."""
        return self.kernel.steps(keys, state, logdensity)

    def _tuned(
        self,
        key: Array,
        moment: Moment,
        state: TunedState,
        start: Array,
        logdensity: LogDensity,
    ) -> TunedState:
        """Tune a chain where it is scheduled, or where its own past shows the need.

        A chain decides by itself, so that it does not depend on the others. It needs tuning when it
        has accepted little, or when the predictors have changed so much since its last visit that
        its parameters have lost their posterior.
        """
        position = state.kernel.position
        drop = state.lp - logdensity(position)
        is_due = (
            moment.is_scheduled
            | (state.recent_acceptance < self.kernel.retune_below)
            | ~(drop <= lost_depth(position.shape[0]))
        )

        def tune() -> TunedState:
            kernel = self.kernel.tune(
                key, state.kernel, start, jnp.asarray(moment.is_first), logdensity
            )
            return TunedState(kernel, jnp.ones_like(state.recent_acceptance), state.lp)

        tuned: TunedState = jax.lax.cond(is_due, tune, lambda: state)
        return tuned

    def inputs(self, design: Array, columns: Inputs, given: Given) -> dict[str, Array]:
        """Put together what the model reads as data, for one chain."""
        targets = {
            name: rows.observed for name, rows in zip(self.target_inputs, given.rows, strict=True)
        }
        by_row = self.row_inputs(design, given.columns | dict(columns))
        inputs = {**given.fixed, **targets, **by_row}
        if self.censored:
            (rows,) = given.rows
            at_cells = at_drawn(inputs, self.censored, rows)
            inputs |= {f"{CENSORED}{name}": at_cells[name] for name in self.censored}
            inputs |= dict(zip(LIMITS_DATA, rows.limits or (), strict=True))
        return inputs

    def logdensity(
        self,
        unravel: Callable[[Array], dict[str, Array]],
        inputs: Inputs,
        given: Given,
        sums: Array | None = None,
    ) -> LogDensity:
        """Make the log-density of the conditional posterior, for one chain.

        Parameters
        ----------
        unravel : callable
            From a position of shape (n_dim,) to values by name.
        inputs : mapping of str to Array
            What the model reads.
        given : Given
            What visits to the target are given.
        sums : Array, optional
            Those of the design (`CompletedDesign`).
        """
        likelihood = self._likelihood(inputs, given, sums)

        def logdensity(position: Array) -> Array:
            values = unravel(position)
            used = self._masked(values, given.mask)
            prior = self.model.log_prior(values, inputs) + self.model.log_potential(used, inputs)
            return prior + likelihood(used)

        if self.row_curvature is not None:
            return StructuredDensity(
                logdensity, self._curvature(self.row_curvature, unravel, inputs, given)
            )
        if self.conjugate is None:
            return logdensity
        assert isinstance(likelihood, NormalLikelihood)
        return self.conjugate.bind(logdensity, unravel, likelihood, given.mask)

    def _likelihood(
        self, inputs: Inputs, given: Given, sums: Array | None
    ) -> Callable[[dict[str, Array]], Array]:
        """Make the log-likelihood of all rows, for one chain."""
        if self.by_moments:
            return NormalLikelihood(self.model, inputs, _moments(inputs, given, sums))

        def likelihood(values: dict[str, Array]) -> Array:
            by_target = self.model.log_likelihood(values, inputs).values()
            pairs = zip(by_target, given.rows, strict=True)
            return sum(
                (sum_over_rows(by_row, rows.weights) for by_row, rows in pairs), jnp.zeros(())
            )

        return likelihood

    def _curvature(
        self,
        by_rows: RowCurvature,
        unravel: Callable[[Array], dict[str, Array]],
        inputs: Inputs,
        given: Given,
    ) -> Callable[[Array], Array]:
        """Make the curvature of the log-density, for one chain."""
        (rows,) = given.rows

        def log_prior(position: Array) -> Array:
            return self.model.log_prior(unravel(position), inputs)

        def curvature(position: Array) -> Array:
            values = unravel(position)
            of_prior = jax.hessian(log_prior)(position)
            of_rows = by_rows(values, inputs, given.mask, rows.weights)
            return jnp.asarray(of_rows - of_prior)

        return curvature

    def _masked(self, values: dict[str, Array], mask: Array | None) -> dict[str, Array]:
        if self.masked is None or mask is None:
            return values
        whole = values[self.masked]
        return {**values, self.masked: whole * mask.reshape(mask.shape + (1,) * (whole.ndim - 1))}


def sum_over_rows(by_row: Array, weights: Array) -> Array:
    """Sum a row-wise log-likelihood; the one place where rows meet.

    Rows of weight zero are left out rather than multiplied: what stands in them for an unknown
    value may lie outside the support of that row, such as five successes in three trials.
    """
    return jnp.sum(weighted(by_row, weights))


def weighted(by_row: Array, weights: Array) -> Array:
    """Weigh the log-likelihood of each row; 0 where the weight is, whatever stands in the row."""
    return jnp.where(weights > 0, by_row * weights, 0.0)


def _moments(inputs: Inputs, given: Given, sums: Array | None) -> Moments:
    """Sum over the rows of one chain."""
    (rows,), (own,) = given.rows, given.design_columns
    design = inputs[PREDICTORS_DATA]
    if given.mask is None:
        moments = moments_of(design, rows.observed, rows.weights)
        return around_fit(moments, design, rows.observed, rows.weights)
    if sums is None or rows.left_out is None or own is None:
        return moments_of(design, rows.observed, rows.weights)
    left_out, _ = rows_at(design, rows.left_out)
    return moments_without(sums, left_out, own.positions[0], own.centers[0])
