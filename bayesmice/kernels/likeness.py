"""Whether two PyMC models are one program with different data.

Two models are walked in parallel, from their variables down to the leaves of the graphs. Where only
leaves differ (a column in ``pm.Data``, or one that was baked in as a constant), one compiled
program can serve both, with those leaves as inputs. Where anything else differs, it cannot.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pymc as pm
from numpy.typing import NDArray
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant, Variable, equal_computations
from pytensor.graph.op import Op
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.type import RandomType
from pytensor.tensor.type import TensorType

type Array = NDArray[np.generic]


def find_changed(first: pm.Model, other: pm.Model) -> dict[Variable, Array] | None:
    """Compare two models.

    Parameters
    ----------
    first, other : pm.Model
        The models.

    Returns
    -------
    dict of Variable to ndarray, or None
        Leaves of the first model whose values differ, with the values of the other; None where the
        models differ in more than such leaves.

    Notes
    -----
    Distributions made by ``pm.CustomDist`` are operations of their own in every model, which tell
    nothing of their densities. There the densities are compared, in which only named data may
    differ: constants in them belong to no variable of the model.
    """
    if _signature(first) != _signature(other):
        return None
    rows = number_of_rows(first)
    walk = _Walk(rows)
    if walk.goes_down(model_variables(first), model_variables(other)):
        found = dict(walk.changed)
        # What a transform keeps to itself, such as bounds, is no leaf of the model.
        same = walk.goes_down(_transformed(first), _transformed(other)) and walk.changed == found
        return found if same else None
    return _find_changed_data(first, other, rows)


def _find_changed_data(first: pm.Model, other: pm.Model, rows: int) -> dict[Variable, Array] | None:
    walk = _Walk(rows)
    if not walk.goes_down(_densities(first), _densities(other)):
        return None
    return walk.changed if set(walk.changed) <= set(first.data_vars) else None


def _densities(model: pm.Model) -> list[Variable]:
    observed = [model.rvs_to_values[rv] for rv in model.observed_RVs]
    own_scale = model.replace_rvs_by_values([*model.free_RVs, *model.deterministics])
    return [*model.logp(sum=False), *own_scale, *observed]


def number_of_rows(model: pm.Model) -> int:
    """Give the length of the observed variables; 0 where there is none with an axis."""
    leaves = ancestors([model.rvs_to_values[observed] for observed in model.observed_RVs])
    values = [value for leaf in leaves if (value := leaf_value(leaf)) is not None]
    return max((value.shape[0] for value in values if value.ndim), default=0)


def _signature(model: pm.Model) -> object:
    """Say what has to agree besides the graphs."""
    return (
        [variable.name for variable in model_variables(model)],
        {name: tuple(dims) for name, dims in model.named_vars_to_dims.items()},
        {dim: _fixed_length(length) for dim, length in model.dim_lengths.items()},
        [type(model.rvs_to_transforms[rv]) for rv in model.free_RVs],
    )


def _fixed_length(length: Variable) -> int | None:
    value = leaf_value(length)
    return None if value is None else int(value)


def model_variables(model: pm.Model) -> list[Variable]:
    """List what a model consists of: all that has a name, and what is observed."""
    observed = [model.rvs_to_values[rv] for rv in model.observed_RVs]
    return [
        *model.free_RVs,
        *model.observed_RVs,
        *observed,
        *model.potentials,
        *model.deterministics,
    ]


def _transformed(model: pm.Model) -> list[Variable]:
    """Write the inverse of every transform out: its class does not tell what bounds it keeps."""
    return [
        transform.backward(model.rvs_to_values[rv], *rv.owner.inputs)
        for rv in model.free_RVs
        if (transform := model.rvs_to_transforms[rv]) is not None
    ]


@dataclass(eq=False)
class _Walk:
    """A walk down two graphs at once.

    Attributes
    ----------
    rows : int
        Number of rows.
    twins : dict of Variable to Variable
        What stands in the second graph for a variable of the first.
    changed : dict of Variable to ndarray
        Leaves of the first that hold something else in the second, and what.
    """

    rows: int
    twins: dict[Variable, Variable] = field(default_factory=dict)
    changed: dict[Variable, Array] = field(default_factory=dict)

    def goes_down(self, ones: Sequence[Variable], twos: Sequence[Variable]) -> bool:
        """Note leaves that differ, and stop where more than leaves does."""
        if len(ones) != len(twos):
            return False
        waiting = list(zip(ones, twos, strict=True))
        while waiting:
            one, two = waiting.pop()
            if one in self.twins:
                twin = self.twins[one]
                if twin is not two and not _are_equal_leaves(twin, two):
                    return False
                continue
            self.twins[one] = two
            if one.owner is None or two.owner is None:
                if one.owner is not two.owner or not self._compare_leaves(one, two):
                    return False
                continue
            if not _is_same_op(one.owner.op, two.owner.op) or one.index != two.index:
                return False
            if len(one.owner.inputs) != len(two.owner.inputs):
                return False
            waiting += zip(one.owner.inputs, two.owner.inputs, strict=True)
        return True

    def _compare_leaves(self, one: Variable, two: Variable) -> bool:
        if isinstance(one.type, RandomType):
            return isinstance(two.type, RandomType)
        old, new = leaf_value(one), leaf_value(two)
        if old is None or new is None:
            if isinstance(one, Constant) and isinstance(two, Constant):
                return bool(one.equals(two))
            return bool(one.name == two.name and one.type == two.type)
        if old.shape != new.shape or old.dtype != new.dtype:
            return False
        if np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
            return True
        by_row = old.ndim > 0 and old.shape[0] == self.rows
        if old.dtype.kind == "f" or (old.dtype.kind in "iu" and by_row):
            self.changed[one] = new
            return True
        return False


def _are_equal_leaves(one: Variable, two: Variable) -> bool:
    """PyTensor caches some constants, so that equal ones may or may not be the same object."""
    if not (isinstance(one, Constant) and isinstance(two, Constant)):
        return False
    return bool(one.equals(two))


def leaf_value(leaf: Variable) -> Array | None:
    """Give the value of a constant or of shared data; None for any other leaf."""
    if not isinstance(leaf.type, TensorType):
        return None
    if isinstance(leaf, SharedVariable):
        return np.asarray(leaf.get_value(borrow=True))
    return np.asarray(leaf.data) if isinstance(leaf, Constant) else None


def _is_same_op(one: Op, two: Op) -> bool:
    """Compare operations; those that hold a graph of their own are equal where it is."""
    if one == two:
        return True
    if not isinstance(one, OpFromGraph) or type(one) is not type(two):
        return False
    properties: Sequence[str] = getattr(one, "__props__", ())
    same = all(getattr(one, name) == getattr(two, name) for name in properties)
    inner = one.inner_outputs, two.inner_outputs, one.inner_inputs, two.inner_inputs
    return same and bool(equal_computations(*inner))
