"""Shared programs: those of the built-in families, whose visits another process may have traced.

The PyMC model of such a program is written only where something was not exported before.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, cast

import jax
from jax import export

from bayesmice.kernels.exports import fingerprint, read_export, write_export
from bayesmice.kernels.jax_model import Inputs
from bayesmice.kernels.kernel import Array, Info, Kernel, Shaped
from bayesmice.kernels.programs import CompiledVisits, ModelProgram, empty_states
from bayesmice.kernels.visits import CompletedDesign, Given, Moment, Recorded, TunedState

logger = logging.getLogger(__name__)

type Leaves = tuple[Array, ...]
type FlatMove = Callable[..., tuple[Leaves, dict[str, Array], Leaves, Leaves, Leaves]]
"""From the leaves of a visit's arguments to what it gives, in plain tuples and dictionaries."""


@dataclass(frozen=True, eq=False)
class SharedProgram(CompiledVisits):
    """A program that is written when something is asked of it that was not exported.

    Attributes
    ----------
    identity : str
        What tells it from the other programs of built-in families, but for its kernel.
    kernel : Kernel
        Its kernel.
    write : callable
        ``write()``: the program with its model.
    """

    identity: str
    kernel: Kernel
    write: Callable[[], ModelProgram] = field(repr=False)

    @cached_property
    def whole(self) -> ModelProgram:
        """The program with its model."""
        return self.write()

    def with_kernel(self, kernel: Kernel) -> "SharedProgram":
        """Give the program of the same model with another kernel."""
        if kernel.name not in self._relatives:
            self._relatives[kernel.name] = SharedProgram(
                self.identity, kernel, lambda: self.whole.with_kernel(kernel)
            )
        return self._relatives[kernel.name]

    @cached_property
    def _relatives(self) -> dict[str, "SharedProgram"]:
        return {self.kernel.name: self}

    @cached_property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """Named dimensions of the parameters."""
        return {name: tuple(dims) for name, dims in self._about["dims"].items()}

    def empty_state(
        self, n_chains: int, design: Shaped, columns: Mapping[str, Shaped], given: Given
    ) -> TunedState:
        """Make kernel states for all chains, to be tuned before use; as `ModelProgram`."""
        if "n_dim" not in self._about:
            self._about["n_dim"] = self.whole.n_dim(design, columns, given)
            write_export(self._about_name, json.dumps(self._about).encode())
        return empty_states(self.kernel, self._about["n_dim"], n_chains)

    @cached_property
    def move(self) -> Callable[..., tuple[TunedState, Recorded, Array | None]]:
        """Compiled visit, as `ModelProgram.move`."""
        return ExportedMove(self)

    @property
    def log_likelihood(self) -> Callable[..., tuple[Array, ...]]:
        """Compiled evaluation of rows; see `Program`."""
        return self.whole.log_likelihood

    @property
    def predictive(self) -> Callable[..., tuple[Array, ...]]:
        """Compiled draws of all rows; see `Program`."""
        return self.whole.predictive

    @property
    def _about_name(self) -> str:
        return fingerprint("about", self.identity, self.kernel.name)

    @cached_property
    def _about(self) -> dict[str, Any]:
        kept = read_export(self._about_name)
        about: dict[str, Any] = (
            {"dims": dict(self.whole.model.dims)} if kept is None else json.loads(kept)
        )
        return about


@dataclass(frozen=True, eq=False)
class ExportedMove:
    """A visit that is read from an export, or exported, once for every shape of its arguments.

    Attributes
    ----------
    program : SharedProgram
        Whose visit it is.
    """

    program: SharedProgram
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __call__(
        self,
        moment: Moment,
        chains: Array,
        state: TunedState,
        design: CompletedDesign,
        columns: Inputs,
        given: Given,
    ) -> tuple[TunedState, Recorded, Array | None]:
        """Visit; as `ModelProgram.move`."""
        arguments = (moment, chains, state, design, dict(columns), given)
        leaves, structure = jax.tree.flatten(arguments)
        shapes = (structure, *((leaf.shape, leaf.dtype) for leaf in leaves))
        with self._lock:  # other threads may run other chains
            if shapes not in self._by_shapes:
                self._by_shapes[shapes] = self._prepared(arguments)
        left, parameters, info, cells, sums = self._by_shapes[shapes](*leaves)
        moved: TunedState = jax.tree.unflatten(jax.tree.structure(state), left)
        return moved, Recorded(parameters, Info(*info), cells), sums[0] if sums else None

    @cached_property
    def _by_shapes(self) -> dict[Any, FlatMove]:
        return {}

    def _prepared(self, arguments: tuple[Any, ...]) -> FlatMove:
        leaves, structure = jax.tree.flatten(arguments)
        shapes = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
        program = self.program
        name = fingerprint("visit", program.identity, program.kernel.name, structure, shapes)
        kept = read_export(name)
        if kept is None:
            flat = jax.jit(self._flat(structure))
            try:
                exported = export.export(flat)(*shapes)
            except ValueError as error:  # JAX cannot export every program that it can run
                logger.debug("The visit of %s is not kept: %s", program.identity, error)
                return cast(FlatMove, flat)
            write_export(name, bytes(exported.serialize()))
        else:
            exported = export.deserialize(bytearray(kept))
        # Where arrays lie is said, or what the visit gives would be compiled for once more.
        where = leaves[-1].sharding
        move: FlatMove = jax.jit(exported.call, in_shardings=where, out_shardings=where)
        return move

    def _flat(self, structure: Any) -> FlatMove:
        def flat(
            *leaves: Array,
        ) -> tuple[Leaves, dict[str, Array], Leaves, Leaves, Leaves]:
            moved, recorded, sums = self.program.whole.move(*jax.tree.unflatten(structure, leaves))
            return (
                tuple(jax.tree.leaves(moved)),
                recorded.parameters,
                tuple(recorded.info),
                recorded.cells,
                () if sums is None else (sums,),
            )

        return flat
