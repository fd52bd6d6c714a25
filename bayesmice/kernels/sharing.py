"""One model for many data sets: all that differs between them becomes named data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pymc as pm
import pytensor
from pytensor.graph.basic import Variable
from pytensor.graph.op import Op
from pytensor.graph.traversal import ancestors
from pytensor.scalar.basic import Cast
from pytensor.tensor.elemwise import Elemwise

from bayesmice.kernels.likeness import Array, find_changed, leaf_value, model_variables

LIFTED = "constant[{}]"
"""Name of the data that a constant becomes."""


@dataclass(eq=False)
class ModelGroup:
    """Models that one program can serve.

    Attributes
    ----------
    model : pm.Model
        The first of them.
    members : list of int
        Their positions.
    changed : list of dict
        By member, the leaves of the first model that hold something else there.
    """

    model: pm.Model
    members: list[int] = field(default_factory=list)
    changed: list[dict[Variable, Array]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Shared:
    """A model in which all that differs between data sets is named data.

    Attributes
    ----------
    model : pm.Model
        The model.
    members : tuple of int
        Positions of the data sets that it serves.
    data : list of dict of str to ndarray
        By member, the values of all named data of the model.
    """

    model: pm.Model
    members: tuple[int, ...]
    data: list[dict[str, Array]]


def share_models(models: Iterable[pm.Model]) -> list[Shared]:
    """Sort models into groups that one program each can serve.

    Parameters
    ----------
    models : iterable of pm.Model
        Models of the same analysis of different data sets. They are looked at one by one, so a
        generator never has more than a few of them in memory. The first of each group is changed.

    Returns
    -------
    list of Shared
        One per program that has to be compiled, in the order of their first members.

    Notes
    -----
    Constants of floating point become data wherever they differ. Integers do so only with one
    element per row (codes, counts): any other may be the length of an array, which a compiled
    program has to know. What a transform keeps to itself (bounds that are not those of the
    variable) cannot become data.
    """
    groups: list[ModelGroup] = []
    for position, model in enumerate(models):
        for group in groups:
            changed = find_changed(group.model, model)
            if changed is not None:
                break
        else:
            group, changed = ModelGroup(model), {}
            groups.append(group)
        group.members.append(position)
        group.changed.append(changed)
    return [_name_changed(group) for group in groups]


def observed_values(model: pm.Model, data: Mapping[str, Array]) -> dict[str, Array]:
    """Give what the observed variables of a model observe in one data set.

    Parameters
    ----------
    model : pm.Model
        A model whose data are named.
    data : mapping of str to ndarray
        Values of its data.

    Returns
    -------
    dict of str to ndarray
        By variable; those that observe an expression of data, and not data or constants, are
        left out.
    """
    found: dict[str, Array] = {}
    for observed in model.observed_RVs:
        leaf = model.rvs_to_values[observed]
        while leaf.owner is not None and _is_cast(leaf.owner.op):
            (leaf,) = leaf.owner.inputs
        value = data.get(leaf.name) if leaf in model.data_vars else leaf_value(leaf)
        if value is not None:
            found[observed.name] = value
    return found


def _is_cast(op: Op) -> bool:
    return isinstance(op, Elemwise) and isinstance(op.scalar_op, Cast)


def _name_changed(group: ModelGroup) -> Shared:
    """Turn every constant that differs somewhere in a group into named data of its first model."""
    model = group.model
    found = [leaf for changed in group.changed for leaf in changed]
    lifted = {leaf: leaf for leaf in found if leaf in set(model.data_vars)}
    for leaf in found:
        if leaf not in lifted:
            lifted[leaf] = _lift(model, leaf, LIFTED.format(len(lifted)))
    own = {variable.name: variable.get_value() for variable in model.data_vars}
    data = [
        own | {lifted[leaf].name: value for leaf, value in changed.items()}
        for changed in group.changed
    ]
    return Shared(model, tuple(group.members), data)


def _lift(model: pm.Model, leaf: Variable, name: str) -> Variable:
    """Put shared data of the same type in the place of a constant."""
    value = leaf_value(leaf)
    shared = pytensor.shared(value, name=name, shape=leaf.type.shape)
    nodes = {v.owner for v in ancestors(model_variables(model)) if v.owner is not None}
    for node in nodes:
        node.inputs[:] = [shared if given is leaf else given for given in node.inputs]
    for observed in model.observed_RVs:
        if model.rvs_to_values[observed] is leaf:
            model.rvs_to_values[observed] = shared
            del model.values_to_rvs[leaf]
            model.values_to_rvs[shared] = observed
    model.register_data_var(shared)
    return shared
