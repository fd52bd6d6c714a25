"""Shared programs: those of the built-in families, whose visits another process may have traced.

The PyMC model of such a program is written only where something was not exported before.
"""

import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

import jax
from jax import export

from bayesmice.kernels.exports import fingerprint, read_export, write_export
from bayesmice.kernels.kernel import Array, Info, Kernel, Shaped
from bayesmice.kernels.programs import CompiledVisits, ModelProgram, empty_states
from bayesmice.kernels.visits import Given, Recorded, TunedState

logger = logging.getLogger(__name__)

type Leaves = tuple[Array, ...]
type FlatMove = Callable[..., tuple[Leaves, dict[str, Array], Leaves, Leaves, Leaves]]
"""From the leaves of a visit's arguments to what it gives, in plain tuples and dictionaries."""
type Submit = Callable[[Callable[[], Any]], Future[Any]]
"""Has a function called in another thread."""
STATE = 2
"""Which argument of a visit holds the kernel states."""


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
    def move(self) -> "ExportedMove":
        """Compiled visit, as `ModelProgram.move`."""
        return ExportedMove(self)

    def compile_ahead(self, arguments: tuple[Any, ...], submit: Submit) -> None:
        """Let a visit be compiled, or read from JAX's cache, while this thread goes on."""
        self.move.compile_ahead(arguments, submit)

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

    def __call__(self, *arguments: Any) -> tuple[TunedState, Recorded, Array | None]:
        """Visit, with the arguments of `ModelProgram.move`."""
        leaves, structure = jax.tree.flatten(arguments)
        shapes = _shapes(leaves, structure)
        with self._lock:  # other threads may run other chains
            if shapes not in self._by_shapes:
                self._by_shapes[shapes] = self._prepared(leaves, structure)
            elif shapes in self._ahead:
                wait([self._ahead.pop(shapes)])  # whatever went wrong goes wrong here again
        left, parameters, info, cells, sums = self._by_shapes[shapes](*leaves)
        state = jax.tree.structure(arguments[STATE])
        moved: TunedState = jax.tree.unflatten(state, left)
        return moved, Recorded(parameters, Info(*info), cells), sums[0] if sums else None

    def compile_ahead(self, arguments: tuple[Any, ...], submit: Submit) -> None:
        """Trace a visit, and let it be compiled while this thread goes on.

        Parameters
        ----------
        arguments : tuple
            Those of the visit. Of arrays that are yet to be made, shapes and types are enough.
        submit : callable
            ``submit(function)``: has the function called in another thread.
        """
        leaves, structure = jax.tree.flatten(arguments)
        shapes = _shapes(leaves, structure)
        with self._lock:
            if shapes in self._by_shapes:
                return
            move = self._by_shapes[shapes] = self._prepared(leaves, structure)
            # JAX keeps what it compiles here for the call.
            self._ahead[shapes] = submit(move.lower(*_described(leaves)).compile)

    @cached_property
    def _by_shapes(self) -> dict[Any, Any]:
        """Visits, by the shapes of their arguments."""
        return {}

    @cached_property
    def _ahead(self) -> dict[Any, Future[Any]]:
        """Those that are being compiled, or were and have not been called."""
        return {}

    def _prepared(self, leaves: list[Any], structure: Any) -> Any:
        """Give a visit that takes and gives leaves (`FlatMove`), compiled when it is called."""
        shapes = _described(leaves)
        program = self.program
        name = fingerprint("visit", program.identity, program.kernel.name, structure, shapes)
        kept = read_export(name)
        if kept is None:
            flat = jax.jit(self._flat(structure))
            try:
                exported = export.export(flat)(*shapes)
            except ValueError as error:  # JAX cannot export every program that it can run
                logger.debug("The visit of %s is not kept: %s", program.identity, error)
                return flat
            write_export(name, bytes(exported.serialize()))
        else:
            exported = export.deserialize(bytearray(kept))
        # Where arrays lie is said, or what the visit gives would be compiled for once more.
        where = next(leaf.sharding for leaf in leaves if isinstance(leaf, jax.Array))
        return jax.jit(exported.call, in_shardings=where, out_shardings=where)

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


def _shapes(leaves: list[Any], structure: Any) -> tuple[Any, ...]:
    return (structure, *((leaf.shape, leaf.dtype) for leaf in leaves))


def _described(leaves: list[Any]) -> list[jax.ShapeDtypeStruct]:
    return [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
