"""Compiled programs: a visit to one target, for all chains at once.

A program belongs to a model and a kernel, not to a variable. Whatever differs between the variables
of a family (rows, weights, prior arguments, which design columns are its own) is an input. Chains
are a batch axis: `jax.lax.map` on a CPU, where it is faster and gives the same bits for any number
of chains, `jax.vmap` elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from bayesmice.kernels.jaxify import Inputs, JaxModel
from bayesmice.kernels.kernel import Array, Info, Kernel, KernelState, LogDensity, lost_depth

MEMORY = 0.75
"""What an average of acceptance rates keeps at each visit; three rejections count as low."""


class Moment(NamedTuple):
    """Where in a run a visit takes place; every random key of the visit is folded from it.

    Attributes
    ----------
    seed : Array of shape (2,)
        Key data of the run's random seed.
    sweep, target : Array, scalar integers
        The sweep, counted from 0, and the position of the target among the columns.
    is_scheduled : Array, scalar boolean
        Whether all chains are to be tuned.
    """

    seed: Array
    sweep: Array
    target: Array
    is_scheduled: Array


class TunedState(NamedTuple):
    """A kernel state, and what tells whether it should be tuned again.

    Attributes
    ----------
    kernel : KernelState
        The state of the kernel.
    recent_acceptance : Array, scalar
        Acceptance rate, averaged with weights that fall by `MEMORY` with every visit; 1 after
        tuning.
    lp : Array, scalar
        Log-density at the end of the last visit.
    """

    kernel: KernelState
    recent_acceptance: Array
    lp: Array


class Rows(NamedTuple):
    """What a target's visit knows about rows; the same for all chains.

    Attributes
    ----------
    observed : Array of shape (n_rows,)
        The target, with an observed value wherever it is missing.
    weights : Array of shape (n_rows,)
        1 for rows that enter the likelihood, 0 for others.
    missing : Array of shape (n_cells,)
        Rows to draw, padded with ``n_rows``, which is no row.
    """

    observed: Array
    weights: Array
    missing: Array


class DesignColumns(NamedTuple):
    """How drawn cells of a target become design columns.

    Attributes
    ----------
    positions : Array of shape (width,)
        Design columns of the target.
    centers : Array of shape (width,)
        What to subtract from a number.
    table : Array of shape (n_levels, width)
        Centered design row of each level; no rows for a continuous target.
    """

    positions: Array
    centers: Array
    table: Array


class Given(NamedTuple):
    """What all visits to a target are given; the same for all chains and sweeps.

    Attributes
    ----------
    rows : Rows
        Observed values, weights, rows to draw.
    fixed : dict of str to Array
        Inputs of the model that do not vary over chains.
    chosen : Array of shape (n_chosen,) or None
        Design columns that the model reads; None for all.
    mask : Array of shape (n_design,) or None
        1 for the design columns that a shared model uses, 0 for others; None for a model of its
        own.
    design_columns : DesignColumns or None
        Where drawn cells go in the design; None for a target that is not in it.
    """

    rows: Rows
    fixed: dict[str, Array]
    chosen: Array | None
    mask: Array | None
    design_columns: DesignColumns | None


class Recorded(NamedTuple):
    """What a visit leaves behind; every array has the chains as its first axis.

    Attributes
    ----------
    parameters : dict of str to Array
        Parameters on their own scales.
    info : Info
        The transition.
    cells : Array of shape (n_chains, n_cells)
        The drawn cells, with padding.
    """

    parameters: dict[str, Array]
    info: Info
    cells: Array


@dataclass(frozen=True, eq=False)
class ModelProgram:
    """A conditional model with its kernel, compiled once.

    Attributes
    ----------
    model : JaxModel
        The model's functions.
    kernel : Kernel
        The transition.
    target_input : str
        Name of the input that holds the target.
    design_input : str or None
        Name of the input that holds the design; None for a model that reads columns.
    masked : str or None
        Name of the value variable that spans all design columns, of which a target uses some.
    draws_all_rows : bool
        Whether a draw needs all rows, as a model with a variable per row does.
    """

    model: JaxModel
    kernel: Kernel
    target_input: str
    design_input: str | None
    masked: str | None
    draws_all_rows: bool

    def empty_state(
        self, n_chains: int, design: Array, columns: Inputs, given: Given
    ) -> TunedState:
        """Make kernel states of the right shapes for all chains, to be tuned before use.

        Parameters
        ----------
        n_chains : int
            Number of chains.
        design : Array of shape (n_rows, n_design)
            Completed design of any chain.
        columns : mapping of str to Array
            Completed columns of any chain that the model reads.
        given : Given
            What visits to the target are given.
        """
        start = jax.eval_shape(self.model.initial, self.inputs(design, columns, given))
        n_dim = sum(int(leaf.size) for leaf in jax.tree.leaves(start))
        # Strong types, as a visit returns them: weak ones would compile a second program.
        one = TunedState(self.kernel.empty(n_dim), jnp.ones(()), jnp.full((), -jnp.inf, float))
        batch: TunedState = jax.tree.map(lambda leaf: jnp.repeat(leaf[None], n_chains, axis=0), one)
        return batch

    @cached_property
    def visit(self) -> Callable[..., tuple[TunedState, Recorded, Array]]:
        """Compiled `_visit`: tuning where due, one transition, a draw of the missing cells.

        The design, of shape (n_chains, n_rows, n_design), is donated; it comes back with the drawn
        cells in it.
        """
        return jax.jit(self._visit, donate_argnames=("design",))

    def _visit(
        self,
        moment: Moment,
        chains: Array,
        state: TunedState,
        design: Array,
        columns: Inputs,
        given: Given,
    ) -> tuple[TunedState, Recorded, Array]:
        def one_chain(
            batch: tuple[Array, TunedState, Array, Inputs],
        ) -> tuple[TunedState, Recorded]:
            chain, own_state, own_design, own_columns = batch
            inputs = self.inputs(own_design, own_columns, given)
            start, unravel = ravel_pytree(self.model.initial(inputs))
            logdensity = self.logdensity(unravel, inputs, given)
            key = _visit_key(moment, chain)
            tuned = self._tuned(jax.random.fold_in(key, 0), moment, own_state, start, logdensity)
            moved, info = self.kernel.step(jax.random.fold_in(key, 1), tuned.kernel, logdensity)
            recent = MEMORY * tuned.recent_acceptance + (1 - MEMORY) * info.acceptance_rate
            values = self._masked(unravel(moved.position), given.mask)
            cells = self._draw(values, inputs, given.rows, jax.random.fold_in(key, 2))
            recorded = Recorded(self.model.parameters(values, inputs), info, cells)
            return TunedState(moved, recent, info.lp), recorded

        moved, recorded = _over_chains(one_chain, (chains, state, design, columns))
        if given.design_columns is not None:
            design = _write_cells(design, recorded.cells, given.rows.missing, given.design_columns)
        return moved, recorded, design

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
            is_first = moment.sweep == 0
            kernel = self.kernel.tune(key, state.kernel, start, is_first, logdensity)
            return TunedState(kernel, jnp.ones_like(state.recent_acceptance), state.lp)

        tuned: TunedState = jax.lax.cond(is_due, tune, lambda: state)
        return tuned

    def inputs(self, design: Array, columns: Inputs, given: Given) -> dict[str, Array]:
        """Put together what the model reads as data, for one chain."""
        inputs = {**given.fixed, **columns, self.target_input: given.rows.observed}
        if self.design_input is not None:
            is_whole = given.chosen is None
            inputs[self.design_input] = design if is_whole else design[:, given.chosen]
        return inputs

    def logdensity(
        self, unravel: Callable[[Array], dict[str, Array]], inputs: Inputs, given: Given
    ) -> LogDensity:
        """Make the log-density of the conditional posterior, for one chain."""

        def logdensity(position: Array) -> Array:
            values = unravel(position)
            by_row = self.model.log_likelihood(self._masked(values, given.mask), inputs)
            return self.model.log_prior(values, inputs) + sum_over_rows(by_row, given.rows.weights)

        return logdensity

    def _masked(self, values: dict[str, Array], mask: Array | None) -> dict[str, Array]:
        if self.masked is None or mask is None:
            return values
        whole = values[self.masked]
        return {**values, self.masked: whole * mask.reshape(mask.shape + (1,) * (whole.ndim - 1))}

    def _draw(
        self, values: dict[str, Array], inputs: dict[str, Array], rows: Rows, key: Array
    ) -> Array:
        if self.draws_all_rows:
            return self.model.draw(values, inputs, key).at[rows.missing].get(mode="clip")
        at_missing = {
            name: inputs[name].at[rows.missing].get(mode="clip")
            for name in (self.target_input, self.design_input)
            if name is not None
        }
        return self.model.draw(values, inputs | at_missing, key)


def sum_over_rows(by_row: Array, weights: Array) -> Array:
    """Sum a row-wise log-likelihood; the one place where rows meet."""
    return jnp.sum(by_row * weights)


def run_seed(random_seed: int) -> Array:
    """Make the key data that all keys of a run are folded from."""
    return jax.random.key_data(jax.random.key(random_seed, impl="threefry2x32"))


def _visit_key(moment: Moment, chain: Array) -> Array:
    key = jax.random.wrap_key_data(moment.seed, impl="threefry2x32")
    for fold in (chain, moment.sweep, moment.target):
        key = jax.random.fold_in(key, fold)
    return key


def _over_chains(function: Callable[[Any], Any], batch: Any) -> Any:
    if jax.default_backend() == "cpu":
        return jax.lax.map(function, batch)
    return jax.vmap(function)(batch)


def _write_cells(design: Array, cells: Array, missing: Array, columns: DesignColumns) -> Array:
    if columns.table.shape[0]:
        encoded = columns.table[cells.astype(int)]
    else:
        encoded = cells[..., None] - columns.centers
    return design.at[:, missing[:, None], columns.positions[None, :]].set(encoded, mode="drop")
