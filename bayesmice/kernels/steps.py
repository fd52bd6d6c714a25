"""PyMC's own step methods, for models that JAX cannot run or that have discrete parameters.

The steps are compiled once, and move the chains one after the other on the host: before a visit the
model's data become the completed columns of the chain, and the steps take up the state in which the
chain left them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.sampling.mcmc import assign_step_methods, instantiate_steppers
from pymc.step_methods.compound import CompoundStep
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Variable
from pytensor.graph.replace import graph_replace
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.type import RandomType

from bayesmice.kernels.completing import write_cells
from bayesmice.kernels.forests import GROWING_STEPS, Forest, Grown, is_forest
from bayesmice.kernels.jax_model import Inputs
from bayesmice.kernels.jaxify import recorded_variables
from bayesmice.kernels.kernel import Array, Info, Shaped
from bayesmice.kernels.programs import weighted
from bayesmice.kernels.step_states import state_from_text, state_to_text
from bayesmice.kernels.visits import CompletedDesign, Given, Moment, Recorded
from bayesmice.models.custom import CustomModel, data_name

MODE = "FAST_COMPILE"
"""Compiles in tenths of a second, where Numba would take minutes."""
TUNE = 300
"""Steps of a chain's first visit, in which the step methods tune themselves."""
INNER_STEPS = 10
"""Steps per visit by default: a Metropolis step moves little."""
STEPS_STREAM, PREDICTIVE_STREAM = 0x57E9, 0x9ED1
"""Keeps these random numbers apart from any other that the seed may give rise to."""
LIKELIHOOD = "likelihood[{}]"
ACCEPTANCE = ("mean_tree_accept", "acceptance_rate", "accept")


@dataclass(frozen=True)
class StepsKernel:
    """What the scheduler needs to know of PyMC's steps."""

    name: str = "pymc"
    tuning_sweeps: tuple[int, ...] = (0,)


@dataclass
class HostChain:
    """Where one chain stands.

    Attributes
    ----------
    point : dict of str to ndarray
        Unconstrained values of the free variables.
    steps : object or None
        State of the step methods; None before the first visit.
    grown : list of Grown or None
        Trees of each BART variable; None before the first visit.
    """

    point: dict[str, NDArray[np.generic]]
    steps: Any = None
    grown: list[Grown] | None = None


@dataclass(frozen=True, eq=False)
class StepsProgram:
    """A custom model with PyMC's step methods, compiled once.

    Attributes
    ----------
    model : CustomModel
        The model.
    columns : tuple of str
        Columns that it reads besides its targets.
    kernel : StepsKernel
        Name and tuning.
    """

    model: CustomModel
    columns: tuple[str, ...]
    kernel: StepsKernel = field(default_factory=StepsKernel)

    @cached_property
    def _weighted(self) -> pm.Model:
        columns = self.model.store.columns
        weights = {
            name: np.where(rows, columns[name].row_weights, 0.0)
            for name, rows in self.model.relevant_rows.items()
        }
        return weigh_rows(self.model.write_full(), weights)

    @cached_property
    def _steps(self) -> CompoundStep:
        with self._weighted as model, pytensor.config.change_flags(mode=MODE):
            steps, selected = assign_step_methods(model)
            made = instantiate_steppers(model, steps, selected, compile_kwargs={"mode": MODE})
        return CompoundStep(made if isinstance(made, list) else [made])

    @cached_property
    def _forests(self) -> list[Forest]:
        return [Forest(method) for method in self._steps.methods if is_forest(method)]

    @property
    def _bare(self) -> list[None]:
        return [None] * len(self._forests)

    @property
    def _n_steps(self) -> int:
        """Steps per visit."""
        default = GROWING_STEPS if self._forests else INNER_STEPS
        return self.model.sampling.inner_steps or default

    @cached_property
    def _density(self) -> Any:
        return self._weighted.compile_logp(mode=MODE)

    @cached_property
    def recorded(self) -> list[Variable]:
        """Free and deterministic variables that are kept, as in `jaxify`."""
        rows = tuple(v.name for v in self._weighted.data_vars if v.name.startswith("data["))
        return recorded_variables(self._weighted, rows)

    @cached_property
    def _parameters(self) -> Any:
        model = self._weighted
        return model.compile_fn(
            model.replace_rvs_by_values(self.recorded),
            inputs=model.value_vars,
            on_unused_input="ignore",
            mode=MODE,
        )

    @cached_property
    def _draws(self) -> "CompiledDraws":
        return CompiledDraws(self._weighted, self.model.targets)

    def empty_state(
        self, n_chains: int, design: Shaped, columns: Mapping[str, Shaped], given: Given
    ) -> list[HostChain]:
        """Begin every chain at the support points of the priors."""
        start = self._weighted.initial_point()
        return [HostChain(dict(start)) for _ in range(n_chains)]

    def visit(
        self,
        moment: Moment,
        chains: Array,
        state: list[HostChain],
        design: CompletedDesign,
        columns: Inputs,
        given: Given,
    ) -> tuple[list[HostChain], Recorded, CompletedDesign]:
        """Move every chain, and draw its missing cells.

        Parameters
        ----------
        moment : Moment
            Where in the run this is.
        chains : Array of shape (n_chains,)
            Identities of the chains.
        state : list of HostChain
            Where they stand.
        design : CompletedDesign
            The design of all chains, which receives the drawn cells.
        columns : mapping of str to Array of shape (n_chains, n_rows)
            Completed columns of the chains.
        given : Given
            What all visits are given.

        Returns
        -------
        tuple
            The state, what is recorded, and the design.
        """
        moved, parameters, infos, cells = [], [], [], []
        for position, chain in enumerate(np.asarray(chains).tolist()):
            self._read(position, columns, given)
            rng = _generator(moment, chain, STEPS_STREAM)
            after, info = self._move(state[position], rng)
            moved.append(after)
            infos.append(info)
            found = self._parameters(after.point)
            parameters.append(
                {v.name: np.asarray(x, float) for v, x in zip(self.recorded, found, strict=True)}
            )
            drawn = self._draws(dict(zip(self._free_names, found, strict=False)), rng)
            cells.append(
                [
                    np.take(values, np.asarray(rows.drawn), mode="clip").astype(float)
                    for values, rows in zip(drawn, given.rows, strict=True)
                ]
            )
        left = Recorded(
            {name: jnp.asarray(np.stack([p[name] for p in parameters])) for name in parameters[0]},
            Info(*(jnp.stack(values) for values in zip(*infos, strict=True))),
            tuple(jnp.asarray(np.stack(values)) for values in zip(*cells, strict=True)),
        )
        return moved, left, write_cells(design, left.cells, given)

    def log_likelihood(
        self, state: list[HostChain], design: CompletedDesign, columns: Inputs, given: Given
    ) -> tuple[Array, ...]:
        """Evaluate rows at the parameters of every chain; see `Program`."""
        found = []
        for position, chain in enumerate(state):
            self._read(position, columns, given)
            by_target = self._by_row(chain.point)
            found.append(
                [
                    weighted(jnp.asarray(by_row), rows.weights)
                    for by_row, rows in zip(by_target, given.rows, strict=True)
                ]
            )
        return tuple(jnp.stack(values) for values in zip(*found, strict=True))

    def predictive(
        self,
        moment: Moment,
        chains: Array,
        state: list[HostChain],
        design: CompletedDesign,
        columns: Inputs,
        given: Given,
    ) -> tuple[Array, ...]:
        """Draw every row of each target for every chain; see `Program`."""
        found = []
        for position, chain in enumerate(np.asarray(chains).tolist()):
            self._read(position, columns, given)
            parameters = dict(
                zip(self._free_names, self._parameters(state[position].point), strict=False)
            )
            found.append(self._draws(parameters, _generator(moment, chain, PREDICTIVE_STREAM)))
        return tuple(jnp.asarray(np.stack(values)) for values in zip(*found, strict=True))

    def _read(self, position: int, columns: Inputs, given: Given) -> None:
        """Let the model read the completed columns of one chain."""
        for name in self.columns:
            values = columns[name][position] if name in columns else given.columns[name]
            self._weighted[data_name(name)].set_value(np.asarray(values))

    @cached_property
    def _by_row(self) -> Any:
        model = self._weighted
        by_row = [
            pm.logp(model[name], model.rvs_to_values[model[name]]) for name in self.model.targets
        ]
        return model.compile_fn(
            model.replace_rvs_by_values(by_row),
            inputs=model.value_vars,
            on_unused_input="ignore",
            mode=MODE,
        )

    def take(self, state: list[HostChain], positions: NDArray[np.intp]) -> list[HostChain]:
        """Give the states of some chains."""
        return [state[position] for position in positions]

    def join(self, states: Sequence[list[HostChain]]) -> list[HostChain]:
        """Put the states of several sets of chains together."""
        return [chain for chains in states for chain in chains]

    def pack(self, state: list[HostChain]) -> NDArray[Any] | None:
        """Write states as text, one per chain; None where trees of BART cannot be written."""
        if any(chain.grown for chain in state):
            return None
        return np.array([state_to_text([chain.point, chain.steps]) for chain in state], object)

    def unpack(self, packed: NDArray[Any], empty: list[HostChain]) -> list[HostChain]:
        """Read states that `pack` wrote."""
        like = [empty[0].point, self._untuned]
        read = [state_from_text(text, like) for text in packed]
        return [HostChain(point, steps, []) for point, steps in read]

    @property
    def _free_names(self) -> list[str]:
        return [variable.name for variable in self._weighted.free_RVs]

    def _move(self, chain: HostChain, rng: np.random.Generator) -> tuple[HostChain, Info]:
        """Take the steps of one visit."""
        step, point = self._steps, chain.point
        is_first = chain.steps is None
        if is_first:
            chain = HostChain(point, self._untuned)
        step.sampling_state = chain.steps
        n_steps = self._n_steps
        step.setup_chain(rng, TUNE if is_first else 0, n_steps)
        grown = [
            forest.take_up(trees, rng)
            for forest, trees in zip(self._forests, chain.grown or self._bare, strict=True)
        ]
        statistics: list[dict[str, Any]] = []
        # A trajectory that diverges overflows before it is rejected.
        with np.errstate(over="ignore", invalid="ignore"):
            if is_first:
                for _ in range(TUNE):
                    point, _ = step.step(point)
                step.stop_tuning()
            for _ in range(n_steps):
                point, found = step.step(point)
                statistics += found
        info = _info(statistics, float(self._density(point)), n_steps)
        return HostChain(point, step.sampling_state, grown), info

    @cached_property
    def _untuned(self) -> Any:
        return self._steps.sampling_state


def _generator(moment: Moment, chain: int, stream: int) -> np.random.Generator:
    seed = [*np.asarray(moment.seed).tolist(), stream, chain]
    return np.random.default_rng([*seed, int(moment.sweep), int(moment.target)])


def weigh_rows(model: pm.Model, weights: Mapping[str, NDArray[np.float64]]) -> pm.Model:
    """Let rows enter the likelihood by their weights.

    Parameters
    ----------
    model : pm.Model
        A model over all rows; it is changed.
    weights : mapping of str to ndarray of shape (n_rows,)
        By target; rows of weight zero are left out.

    Returns
    -------
    pm.Model
        The same model, in which the weighted sum of the log-likelihood is a potential, and the
        observed variables are drawn but not counted.
    """
    for name, by_target in weights.items():
        observed = model[name]
        by_row = pm.logp(observed, model.rvs_to_values[observed])
        model.observed_RVs.remove(observed)
        with model:
            pm.Potential(
                LIKELIHOOD.format(name), pt.where(by_target > 0, by_row * by_target, 0.0).sum()
            )
    return model


class CompiledDraws:
    """Draws of the targets given parameters.

    Parameters
    ----------
    model : pm.Model
        The model.
    targets : sequence of str
        Names of the variables to draw.
    """

    def __init__(self, model: pm.Model, targets: Sequence[str]) -> None:
        free = {rv: rv.type(name=rv.name) for rv in model.free_RVs}
        alone = graph_replace([model[name] for name in targets], free, strict=False)
        self._generators = [
            v
            for v in ancestors(alone)
            if isinstance(v, SharedVariable) and isinstance(v.type, RandomType)
        ]
        self._function = pytensor.function(
            list(free.values()), alone, mode=MODE, on_unused_input="ignore"
        )
        self._names = [variable.name for variable in free.values()]

    def __call__(
        self, parameters: Mapping[str, NDArray[np.generic]], rng: np.random.Generator
    ) -> list[NDArray[np.generic]]:
        """Draw every row of each target."""
        for generator, own in zip(self._generators, rng.spawn(len(self._generators)), strict=True):
            generator.set_value(own)
        drawn: list[NDArray[np.generic]] = self._function(
            *(parameters[name] for name in self._names)
        )
        return drawn


def _info(statistics: Sequence[Mapping[str, Any]], density: float, n_steps: int) -> Info:
    """Summarize what the step methods tell; NaN for what none of them does."""
    rates = [
        min(float(np.mean(found[key])), 1.0)
        for found in statistics
        for key in ACCEPTANCE
        if key in found
    ]
    sizes = [float(found["step_size"]) for found in statistics if "step_size" in found]
    energies = [float(found["energy"]) for found in statistics if "energy" in found]
    diverging = any(bool(found.get("diverging", False)) for found in statistics)
    return Info(
        acceptance_rate=jnp.asarray(np.mean(rates) if rates else np.nan),
        diverging=jnp.asarray(diverging),
        energy=jnp.asarray(energies[-1] if energies else np.nan),
        lp=jnp.asarray(density),
        n_steps=jnp.asarray(n_steps),
        step_size=jnp.asarray(sizes[-1] if sizes else np.nan),
    )
