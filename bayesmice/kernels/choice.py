"""Choice: which kernel samples a conditional model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from bayesmice.kernels.conjugate import CONJUGATE, conjugate_transitions
from bayesmice.kernels.hmc import HMC
from bayesmice.kernels.kernel import Kernel
from bayesmice.kernels.nuts import NUTS
from bayesmice.later import later
from bayesmice.models.blueprint import Blueprint
from bayesmice.models.priors import JointPrior
from bayesmice.models.sampling import Sampling

if TYPE_CHECKING:
    import pymc as pm
else:
    pm = later("pymc")

KERNELS: Mapping[str, Kernel] = {kernel.name: kernel for kernel in (HMC, NUTS)}

LARGE, MOST_TRANSITIONS = 1600, 8
"""Rows from which on a visit takes one transition, and what it takes at most."""

MAX_CURVATURE_DIM = 600
"""Above this many parameters a dense curvature costs more than NUTS."""


def default_transitions(n_rows: int) -> int:
    """Choose how many transitions a visit takes.

    A visit goes on from parameters that were drawn given other columns as those were a sweep ago,
    so what it keeps of them is an error [1]_. It keeps most where posteriors are least Gaussian: in
    nhanes (25 rows) one transition leaves a correlation of 0.3 and makes a residual standard
    deviation 6 % too large, and eight leave nothing that 3,000 chains can see. In 200 rows, of
    which 70 % lack a cell, one made standard errors 4 % too large, and eight did not. Few rows cost
    little, so they get more transitions.

    Parameters
    ----------
    n_rows : int
        Rows of the data.

    Returns
    -------
    int
        8 up to 200 rows, 4 at 400, 2 at 1,000, 1 from 1,600 on.

    References
    ----------
    .. [1] van Dyk and Jiao (2015), Journal of Computational and Graphical Statistics 24, 301-327.

    Examples
    --------
    >>> [default_transitions(n_rows) for n_rows in (25, 200, 1000, 5000)]
    [8, 8, 2, 1]
    """
    return min(max(math.ceil(LARGE / n_rows), 1), MOST_TRANSITIONS)


class Moves(NamedTuple):
    """How the parameters of a conditional model are moved at each visit.

    Attributes
    ----------
    kernel : Kernel
        What moves them.
    transitions : int
        How often.
    """

    kernel: Kernel
    transitions: int


def regression_moves(sampling: Sampling, blueprint: Blueprint, n_rows: int) -> Moves:
    """Choose how the parameters of a regression are moved.

    Parameters
    ----------
    sampling : Sampling
        What the user wants; ``"auto"`` leaves the choice to this function.
    blueprint : Blueprint
        The regression, with all columns that its program reads.
    n_rows : int
        Rows of the data.

    Returns
    -------
    Moves
        Exact draws where coefficients with normal priors have a normal posterior given the residual
        standard deviation; otherwise HMC with the curvature as its mass matrix, since the posterior
        of a regression is close to Gaussian; NUTS for a hierarchical prior, whose posterior is not,
        and for very many coefficients.
    """
    kernel = _regression_kernel(sampling, blueprint)
    if sampling.inner_steps:
        return Moves(kernel, sampling.inner_steps)
    if kernel is CONJUGATE:
        n_dim = 1 + len(blueprint.parent.design_names)
        return Moves(kernel, conjugate_transitions(n_rows, n_dim))
    return Moves(kernel, default_transitions(n_rows))


def _regression_kernel(sampling: Sampling, blueprint: Blueprint) -> Kernel:
    if sampling.kernel != "auto":
        return KERNELS[sampling.kernel]
    if blueprint.is_conjugate:
        return CONJUGATE
    is_hierarchical = any(isinstance(prior, JointPrior) for prior in blueprint.priors.values())
    n_dim = sum(
        part.scales.size + max(len(part.location_names), 1) for part in blueprint.predictors
    )
    return NUTS if is_hierarchical or n_dim > MAX_CURVATURE_DIM else HMC


def custom_kernel(sampling: Sampling) -> Kernel:
    """Choose the gradient-based kernel of a custom model: NUTS, unless the user wants another."""
    return NUTS if sampling.kernel == "auto" else KERNELS[sampling.kernel]


def other_steps(model: pm.Model) -> tuple[str, ...]:
    """Name the step methods other than NUTS that PyMC would sample a model with.

    Parameters
    ----------
    model : pm.Model
        The model.

    Returns
    -------
    tuple of str
        Such as ``"binary_gibbs_metropolis"`` for a discrete variable, or ``"pgbart"``; empty where
        gradients move all variables.
    """
    _, selected = pm.sampling.mcmc.assign_step_methods(model)
    return tuple(method.name for method in selected if method.name != "nuts")
