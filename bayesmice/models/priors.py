"""Priors: what stands behind a parameter's name, and how it is written into a model.

A user's prior is one of PyMC's unnamed distributions, a number (the parameter is fixed), or an
object that has a ``create_variable`` method. A default prior is a distribution whose arguments were
scaled from the observed data; they enter the model as data, so that every target of a family shares
one compiled program.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bayesmice.errors import ModelError, SpecificationError
from bayesmice.later import later

if TYPE_CHECKING:
    import pymc as pm
    import pytensor
    import pytensor.tensor as pt
    from pytensor.tensor.variable import TensorVariable
else:
    pm, pytensor, pt = later("pymc"), later("pytensor"), later("pytensor.tensor")

traversal, replacing = later("pytensor.graph.traversal"), later("pytensor.graph.replace")


@runtime_checkable
class CreatesVariable(Protocol):
    """A prior that writes itself into a model, as the ``Prior`` of pymc-extras does."""

    def create_variable(self, name: str) -> TensorVariable:
        """Write a variable of that name into the model in context."""


@dataclass(frozen=True, eq=False)
class ScaledPrior:
    """A default prior with arguments scaled from the observed data.

    Attributes
    ----------
    distribution : str
        Name of a distribution of PyMC.
    arguments : mapping of str to ndarray
        Arguments that depend on the data.
    fixed : mapping of str to object
        Arguments that do not, such as ``nu=3``.
    transform : callable, optional
        Gives its ``default_transform``, if not PyMC's.
    """

    distribution: str
    arguments: Mapping[str, NDArray[np.float64] | float]
    fixed: Mapping[str, object] = field(default_factory=dict)
    transform: Callable[[], object] | None = None

    def write(self, name: str, dims: tuple[str, ...]) -> TensorVariable:
        """Write the variable and its arguments into the model in context."""
        arguments = {
            key: pm.Data(
                f"{name}_{key}", np.asarray(value, dtype=float), dims=dims[: np.ndim(value)]
            )
            for key, value in self.arguments.items()
        }
        transform = {} if self.transform is None else {"default_transform": self.transform()}
        distribution = getattr(pm, self.distribution)
        return distribution(name, **self.fixed, **arguments, **transform, dims=dims or None)

    def data(self, name: str) -> dict[str, NDArray[np.float64]]:
        """Give the data that the written variable reads, by name."""
        return {f"{name}_{key}": np.asarray(value, float) for key, value in self.arguments.items()}

    def __str__(self) -> str:
        """Show the distribution with its arguments, such as ``Normal(mu=0, sigma=2.5)``."""
        shown = {**self.fixed, **self.arguments}
        return self._shown({key: _short(value) for key, value in shown.items()})

    def texts(self, n: int) -> list[str]:
        """Show the distribution of each element of a vector prior of so many, as `__str__`."""
        by_element = {key: [_short(value)] * n for key, value in self.fixed.items()}
        for key, value in self.arguments.items():
            by_element[key] = list(map(_short, np.broadcast_to(value, (n, *np.shape(value)[1:]))))
        return [self._shown({key: texts[i] for key, texts in by_element.items()}) for i in range(n)]

    def _shown(self, arguments: Mapping[str, str]) -> str:
        inside = ", ".join(f"{key}={text}" for key, text in arguments.items())
        return f"{self.distribution}({inside})"


def normal_coefficients(scales: NDArray[np.float64]) -> ScaledPrior:
    """Give independent normal priors around zero with the given standard deviations."""
    return ScaledPrior("Normal", {"sigma": scales}, {"mu": 0.0})


@dataclass(frozen=True)
class CoefficientGroup:
    """Which coefficients a joint prior is for.

    Attributes
    ----------
    where : str
        What the prior belongs to, for messages.
    shape : tuple of int
        Shape of the coefficients.
    n_rows : int
        Number of rows in which the target was observed.
    unit_is_total : bool
        Whether one unit of the linear predictor is the standard deviation of the target, rather
        than that of what predictors leave unexplained.
    """

    where: str
    shape: tuple[int, ...]
    n_rows: int
    unit_is_total: bool


class JointPrior(ABC):
    """A prior of many coefficients together, with hyperparameters of its own.

    `bayesmice.priors` holds them. One writes several variables into the model; the coefficients
    themselves are a variable of the given name.
    """

    def settled(self, group: CoefficientGroup) -> JointPrior:
        """Give this prior with what it leaves open decided for certain coefficients.

        Parameters
        ----------
        group : CoefficientGroup
            The coefficients.

        Returns
        -------
        JointPrior
            Itself, unless it depends on them.
        """
        return self

    @abstractmethod
    def write(
        self, name: str, dims: tuple[str, ...], shape: tuple[int, ...], scales: NDArray[np.float64]
    ) -> TensorVariable:
        """Write coefficients into the model in context.

        Parameters
        ----------
        name : str
            Name of the coefficients; hyperparameters are named ``<name>_<what>``.
        dims : tuple of str
            Dimension names of the coefficients.
        shape : tuple of int
            Their shape.
        scales : ndarray of that shape
            What a default prior has as standard deviation, so that a prior can count in units of
            the target per unit of the predictor.

        Returns
        -------
        TensorVariable
            The coefficients.
        """


type UserPrior = TensorVariable | CreatesVariable | JointPrior | float
type Prior = ScaledPrior | UserPrior


def is_expression(value: object) -> TypeGuard[TensorVariable]:
    """Tell whether something is an expression of PyTensor; nothing is before PyTensor is loaded."""
    return "pytensor" in sys.modules and isinstance(value, pt.TensorVariable)


def check_user_prior(where: str, prior: object) -> None:
    """Refuse what cannot be a prior.

    Parameters
    ----------
    where : str
        What the prior belongs to, for the message.
    prior : object
        What the user gave.

    Raises
    ------
    SpecificationError
        If it is not an unnamed PyMC distribution, a finite number, or an object with
        ``create_variable``.
    """
    is_number = isinstance(prior, int | float | np.number) and not isinstance(prior, bool)
    if not (is_number or is_expression(prior) or isinstance(prior, CreatesVariable | JointPrior)):
        raise SpecificationError(
            f"{where} is {prior!r:.80}; expected an unnamed PyMC distribution such as "
            "pm.Normal.dist(0, 1), a number "
            "that fixes the parameter, or an object with a create_variable(name) method."
        )
    if isinstance(prior, int | float | np.number) and not np.isfinite(prior):
        raise SpecificationError(
            f"{where} fixes the parameter at {prior}; expected a finite number."
        )
    if is_expression(prior):
        _check_distribution(where, prior)


def _check_distribution(where: str, prior: TensorVariable) -> None:
    op = None if prior.owner is None else prior.owner.op
    symbolic = pm.distributions.distribution.SymbolicRandomVariable
    if not isinstance(op, pt.random.op.RandomVariable | symbolic):
        raise SpecificationError(
            f"{where} is a PyTensor expression, not a distribution. Use "
            "pm.<Distribution>.dist(...), "
            "or write a custom model for anything richer."
        )
    if prior.dtype.startswith(("int", "uint", "bool")):
        raise SpecificationError(
            f"{where} is a discrete distribution; expected a continuous one, since parameters are "
            "sampled by gradients."
        )
    has_random_argument = any(
        node.owner is not None and isinstance(node.owner.op, pt.random.op.RandomVariable)
        for node in traversal.ancestors(prior.owner.inputs)
    )
    if isinstance(op, pt.random.op.RandomVariable) and has_random_argument:
        raise SpecificationError(
            f"{where} is a distribution with another distribution inside. Hyperpriors need a "
            "custom model, "
            "in which each variable has a name."
        )


def write_prior(
    name: str,
    prior: Prior,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    *,
    constraint: Callable[[], object] | None = None,
    scales: NDArray[np.float64] | None = None,
) -> TensorVariable:
    """Write one parameter into the model in context.

    Parameters
    ----------
    name : str
        Name of the parameter.
    prior : ScaledPrior, unnamed PyMC distribution, number, or object with ``create_variable``
        Its prior. A scalar distribution stands for independent draws when the parameter is a
        vector.
    dims : tuple of str
        Dimension names of the parameter.
    shape : tuple of int
        Its shape.
    constraint : callable, optional
        Gives the ``default_transform`` of a parameter that a user's distribution does not constrain
        by itself, such as ordered cutpoints.
    scales : ndarray of that shape, optional
        Default prior standard deviations of coefficients, which a `JointPrior` counts in.

    Returns
    -------
    TensorVariable
        The parameter, of that shape.
    """
    if isinstance(prior, ScaledPrior):
        return prior.write(name, dims)
    if isinstance(prior, JointPrior):
        return prior.write(name, dims, shape, np.ones(shape) if scales is None else scales)
    if is_expression(prior):
        return _register(name, prior, dims, shape, constraint)
    if isinstance(prior, CreatesVariable):
        created = prior.create_variable(name)
        if not is_expression(created):
            raise ModelError(
                f"create_variable of the prior of {name!r} returned {type(created).__name__}; "
                "expected the variable that it wrote."
            )
        return _checked_shape(name, created, shape)
    return pm.Deterministic(name, pt.as_tensor(np.full(shape, float(prior))), dims=dims or None)


def _register(
    name: str,
    prior: TensorVariable,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    constraint: Callable[[], object] | None,
) -> TensorVariable:
    generators = [
        v
        for v in traversal.ancestors([prior])
        if v.owner is None and isinstance(v.type, pt.random.type.RandomType)
    ]
    own = {generator: pytensor.shared(np.random.default_rng()) for generator in generators}
    (fresh,) = replacing.graph_replace([prior], own)
    if fresh.ndim < len(shape):
        fresh = pm.distributions.shape_utils.change_dist_size(
            fresh, shape[: len(shape) - fresh.ndim], expand=True
        )
    _checked_shape(name, fresh, shape)
    model = pm.modelcontext(None)
    transform = {} if constraint is None else {"default_transform": constraint()}
    return model.register_rv(fresh, name, dims=dims or None, **transform)


def _checked_shape(name: str, variable: TensorVariable, shape: tuple[int, ...]) -> TensorVariable:
    known = variable.type.shape
    if len(known) != len(shape) or any(
        have is not None and have != want for have, want in zip(known, shape, strict=True)
    ):
        raise ModelError(
            f"The prior of {name!r} has shape {known}, but the parameter has shape {shape}. "
            "Give a scalar distribution, or one of that shape."
        )
    return variable


def support_point(prior: ScaledPrior | TensorVariable | float) -> float:
    """Give a typical value of a scalar prior, the one that PyMC starts from."""
    if isinstance(prior, ScaledPrior):
        prior = getattr(pm, prior.distribution).dist(**prior.fixed, **prior.arguments)
    if is_expression(prior):
        return float(pm.distributions.distribution.support_point(prior).eval(mode="FAST_COMPILE"))
    return float(prior)


def prior_text(prior: Prior) -> str:
    """Write a prior in one short line for tables."""
    if isinstance(prior, ScaledPrior):
        return str(prior)
    if is_expression(prior):
        return str(pm.printing.str_for_dist(prior, formatting="plain", include_params=True)).strip()
    if isinstance(prior, CreatesVariable | JointPrior):
        return repr(prior)
    return f"fixed at {prior:g}"


def _short(value: object) -> str:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        return str(value)
    if array.ndim == 0 or (array.size and np.ptp(array) == 0):
        return f"{array.flat[0]:.3g}"
    numbers = [f"{number:.3g}" for number in array.ravel()[:4]]
    return "[" + ", ".join(numbers) + (", ...]" if array.size > 4 else "]")
