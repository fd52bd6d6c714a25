"""Programs that draw cells given parameters, which stay as they are.

They draw the missing cells of rows that the parameters were not learned from, in the ways in which
the programs of a run draw theirs. Which rows those are is an input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from bayesmice.errors import ModelError
from bayesmice.kernels.cells import ETA, Donors, MatchingDraw, Moved
from bayesmice.kernels.chain_axis import over_chains
from bayesmice.kernels.completing import write_cells
from bayesmice.kernels.jax_model import Inputs
from bayesmice.kernels.kernel import Array, Info
from bayesmice.kernels.keys import visit_key
from bayesmice.kernels.programs import ModelProgram
from bayesmice.kernels.shared import SharedProgram
from bayesmice.kernels.visits import CompletedDesign, Given, Moment, Program, Recorded
from bayesmice.later import later
from bayesmice.models.custom import data_name

if TYPE_CHECKING:
    import pymc as pm

    from bayesmice.kernels import steps
else:
    pm, steps = later("pymc"), later("bayesmice.kernels.steps")

BART = "BART"
"""Name of the operation of pymc-bart."""
FIXED_STREAM = 0xF1CED
"""Keeps these random numbers apart from any other that the seed may give rise to."""


@dataclass(frozen=True)
class Untuned:
    """What the scheduler needs to know of a kernel, where there is none."""

    name: str = "fixed"
    tuning_sweeps: tuple[int, ...] = ()


class FixedParameters(NamedTuple):
    """Parameters of every chain, and what else its draws need.

    Attributes
    ----------
    parameters : dict of str to Array of shape (n_chains, ...)
        Free variables on their own scales.
    donors : Donors or None
        For predictive mean matching; every array with the chains as first axis.
    """

    parameters: dict[str, Array]
    donors: Donors | None = None


@dataclass(frozen=True, eq=False)
class FixedProgram:
    """Draws by a compiled model.

    Attributes
    ----------
    program : ModelProgram
        What the parameters were sampled by.
    """

    program: ModelProgram
    kernel: Untuned = field(default_factory=Untuned)

    @property
    def matches(self) -> bool:
        """Whether values are taken from donors."""
        return isinstance(self.program.draw, MatchingDraw)

    def visit(
        self,
        moment: Moment,
        chains: Array,
        state: FixedParameters,
        design: CompletedDesign,
        columns: Inputs,
        given: Given,
    ) -> tuple[FixedParameters, Recorded, CompletedDesign]:
        """Draw the missing cells of all chains; as `ModelProgram.visit`."""
        recorded = self._drawn(moment, chains, state, design, columns, given)
        return state, recorded, write_cells(design, recorded.cells, given)

    @cached_property
    def _drawn(self) -> Callable[..., Recorded]:
        return jax.jit(self._draw)

    def _draw(
        self,
        moment: Moment,
        chains: Array,
        state: FixedParameters,
        design: CompletedDesign,
        columns: Inputs,
        given: Given,
    ) -> Recorded:
        program = self.program

        def one_chain(batch: tuple[Array, FixedParameters, Array, Inputs]) -> tuple[Array, ...]:
            chain, own, own_design, own_columns = batch
            inputs = program.inputs(own_design, own_columns, given)
            values = program.model.unconstrained(own.parameters, inputs)
            moved = Moved(program.model, values, lambda: values, inputs, given.rows)
            key = jax.random.fold_in(visit_key(moment, chain), FIXED_STREAM)
            if own.donors is not None and isinstance(program.draw, MatchingDraw):
                return program.draw.among(own.donors, moved, key)
            return program.draw(moved, key)

        cells = over_chains(one_chain, (chains, state, design.rows, columns))
        return Recorded({}, _nothing_happened(len(chains)), cells)

    @cached_property
    def _predictions(self) -> Callable[..., Array]:
        program = self.program

        def predict(
            parameters: dict[str, Array], design: CompletedDesign, columns: Inputs, given: Given
        ) -> Array:
            def one_chain(batch: tuple[Array, Inputs]) -> Array:
                inputs = program.inputs(*batch, given)
                values = program.model.unconstrained(parameters, inputs)
                return program.model.expressions[ETA](values, inputs)

            predictions: Array = over_chains(one_chain, (design.rows, columns))
            return predictions

        return jax.jit(predict)

    def donors(
        self,
        estimate: Mapping[str, NDArray[np.float64]],
        design: CompletedDesign,
        columns: Inputs,
        given: Given,
    ) -> Donors:
        """Let rows that a model was learned from give their values to others.

        Parameters
        ----------
        estimate : mapping of str to ndarray
            An estimate of the parameters.
        design : CompletedDesign
            Of those rows, for all chains.
        columns : mapping of str to Array of shape (n_chains, n_rows)
            Completed columns of those rows.
        given : Given
            What visits to the target were given.

        Returns
        -------
        Donors
            With the chains as first axis.
        """
        predictions = self._predictions(dict(estimate), design, columns, given)
        (rows,) = given.rows
        return Donors(
            predictions,
            jnp.repeat(rows.observed[None], len(predictions), axis=0),
            jnp.repeat(rows.weights[None], len(predictions), axis=0),
        )


@dataclass(frozen=True, eq=False)
class FixedSteps:
    """Draws by a model that PyMC's own steps have sampled, chain after chain on the host.

    Attributes
    ----------
    program : StepsProgram
        What the parameters were sampled by.
    """

    program: steps.StepsProgram
    kernel: Untuned = field(default_factory=Untuned)

    @cached_property
    def _model(self) -> pm.Model:
        return self.program.model.write_full()

    @cached_property
    def _draws(self) -> steps.CompiledDraws:
        return steps.CompiledDraws(self._model, self.program.model.targets)

    def visit(
        self,
        moment: Moment,
        chains: Array,
        state: FixedParameters,
        design: CompletedDesign,
        columns: Inputs,
        given: Given,
    ) -> tuple[FixedParameters, Recorded, CompletedDesign]:
        """Draw the missing cells of every chain; as `StepsProgram.visit`."""
        by_chain = []
        for position, chain in enumerate(np.asarray(chains).tolist()):
            data = {
                name: columns[name][position] if name in columns else given.columns[name]
                for name in self.program.columns
            }
            observed = zip(self.program.model.targets, given.rows, strict=True)
            data |= {name: rows.observed for name, rows in observed if name not in data}
            known = {data_name(name): np.asarray(values) for name, values in data.items()}
            n_rows = len(next(iter(known.values())))
            pm.set_data(
                {name: values for name, values in known.items() if name in self._model.named_vars},
                model=self._model,
                coords={"row": np.arange(n_rows)},
            )
            seed = [*np.asarray(moment.seed).tolist(), FIXED_STREAM, chain]
            rng = np.random.default_rng([*seed, int(moment.sweep), int(moment.target)])
            own = {  # counts were recorded as floats
                variable.name: np.asarray(state.parameters[variable.name][position]).astype(
                    variable.dtype
                )
                for variable in self._model.free_RVs
            }
            by_chain.append(
                [
                    np.take(values, np.asarray(rows.drawn), mode="clip").astype(float)
                    for values, rows in zip(self._draws(own, rng), given.rows, strict=True)
                ]
            )
        cells = tuple(jnp.asarray(np.stack(drawn)) for drawn in zip(*by_chain, strict=True))
        recorded = Recorded({}, _nothing_happened(len(by_chain)), cells)
        return state, recorded, write_cells(design, cells, given)


def fixed_program(program: Program) -> FixedProgram | FixedSteps:
    """Give the program that draws by the model of another, made once.

    Raises
    ------
    ModelError
        If the model has trees of BART, which are no parameters that a run records.
    """
    if isinstance(program, SharedProgram):
        program = program.whole
    if isinstance(program, ModelProgram):
        return _fixed(program)
    assert isinstance(program, steps.StepsProgram)
    if any(variable.owner.op.name == BART for variable in program.model.full.free_RVs):
        raise ModelError(
            f"The model for {' and '.join(map(repr, program.model.targets))} has trees of BART, "
            "which are not kept, so that it cannot impute new rows. Impute them together with the "
            "others, as rows that ignore= marks."
        )
    return FixedSteps(program)


@lru_cache(maxsize=64)
def _fixed(program: ModelProgram) -> FixedProgram:
    return FixedProgram(program)


def _nothing_happened(n_chains: int) -> Info:
    nothing = jnp.zeros(n_chains)
    return Info(jnp.ones(n_chains), nothing > 0, nothing, nothing, nothing.astype(int), nothing)


def expanded(
    parameters: Mapping[str, NDArray[Any]],
    kept: Mapping[str, NDArray[np.intp]],
    n_design: int,
) -> dict[str, NDArray[Any]]:
    """Put parameters of a target's own design columns where a shared program looks for them.

    Parameters
    ----------
    parameters : mapping of str to ndarray of shape (n_chains, ...)
        As they are recorded.
    kept : mapping of str to ndarray of shape (n_kept,)
        For parameters over design columns, which of them belong to the target.
    n_design : int
        Number of design columns.

    Returns
    -------
    dict of str to ndarray of shape (n_chains, ...)
        Zero for the design columns of others.
    """
    whole = dict(parameters)
    for name in kept.keys() & parameters.keys():
        own = parameters[name]
        whole[name] = np.zeros((len(own), n_design, *own.shape[2:]))
        whole[name][:, kept[name]] = own
    return whole
