"""Transforms that learn, and their replay on arrays.

What a transform learns from the data (a mean, knots, orthogonal polynomials) is learned once, by
formulaic. A replay applies it again, to NumPy arrays or inside a program that JAX compiles.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any
State = Mapping[str, Any]


def replay_scale(
    x: Array,
    state: State,
    xp: ModuleType,
    center: object = True,
    scale: object = True,
    ddof: float = 1,
) -> Array:
    """Subtract a learned center and divide by a learned scale.

    Parameters
    ----------
    x : array of shape (n_rows,) or (n_rows, width)
        Values.
    state : mapping
        What formulaic learned: ``center`` and ``scale``, each None where not asked for. The
        options are part of it already.
    xp : module
        NumPy or `jax.numpy`.
    """
    if state["center"] is not None:
        x = x - state["center"]
    if state["scale"] is not None:
        x = x / state["scale"]
    return x


def replay_poly(
    x: Array, state: State, xp: ModuleType, degree: int = 1, raw: bool = False
) -> Array:
    """Evaluate learned orthonormal polynomials, or plain powers, by their recurrence.

    Returns
    -------
    array of shape (n_rows, degree)
        The polynomials of degree 1, 2, ...
    """
    if raw:
        return xp.stack([x**power for power in range(1, degree + 1)], axis=1)
    alpha, norms = state["alpha"], state["norms2"]
    monic = [xp.ones_like(x), x - alpha[0]]
    for k in range(1, degree):
        beta = norms[k] / norms[k - 1]
        monic.append((x - alpha[k]) * monic[k] - beta * monic[k - 1])
    return xp.stack([monic[k] / np.sqrt(norms[k]) for k in range(1, degree + 1)], axis=1)


def replay_bs(
    x: Array,
    state: State,
    xp: ModuleType,
    df: int | None = None,
    knots: object = None,
    degree: int = 3,
    include_intercept: bool = False,
    lower_bound: float | None = None,
    upper_bound: float | None = None,
    extrapolation: str = "extend",
) -> Array:
    """Evaluate a B-spline basis on learned knots, by the recurrence of Cox and de Boor.

    Returns
    -------
    array of shape (n_rows, width)
        The basis, without its first function unless ``include_intercept``.
    """
    x = _bounded(x, state, xp, extrapolation)
    extends = extrapolation == "extend"
    t = state["knots"]
    last = len(t) - degree - 2  # the inner interval that ends at the upper bound

    def inside(i: int) -> Array:
        """Mark the values of one interval between knots; the outer ones are open or closed."""
        above = x >= (-np.inf if extends and i == degree else t[i])
        if i != last:
            return above & (x < t[i + 1])
        return above & (x < np.inf if extends else x <= t[i + 1])

    def alpha(i: int, order: int) -> Array:
        width = t[i + order] - t[i]
        return (x - t[i]) / width if width else 0.0

    basis = [xp.where(inside(i), 1.0, 0.0) for i in range(len(t) - 1)]
    for order in range(1, degree + 1):
        basis = [
            alpha(i, order) * basis[i] + (1 - alpha(i + 1, order)) * basis[i + 1]
            for i in range(len(t) - order - 1)
        ]
    return xp.stack(basis if include_intercept else basis[1:], axis=1)


def replay_cubic(
    x: Array,
    state: State,
    xp: ModuleType,
    df: int | None = None,
    knots: object = None,
    lower_bound: float | None = None,
    upper_bound: float | None = None,
    constraints: object = None,
    extrapolation: str = "extend",
) -> Array:
    """Evaluate a natural or cyclic cubic regression spline on learned knots.

    Returns
    -------
    array of shape (n_rows, width)
        The basis, with learned linear constraints absorbed.

    References
    ----------
    Wood (2006), Generalized Additive Models, section 4.1.2.
    """
    x_within = _bounded(x, state, xp, extrapolation)
    t = np.asarray(state["knots"])
    cyclic = state["cyclic"]
    basis = _free_cubic(_wrapped(x_within, t, xp) if cyclic else x_within, t, cyclic, xp)
    if state["constraints"] is not None:
        constrained = np.atleast_2d(state["constraints"])
        q = np.linalg.qr(constrained.T, mode="complete").Q
        basis = basis @ xp.asarray(q[:, len(constrained) :])
    if extrapolation == "zero":
        basis = xp.where(_is_within(x, state)[:, None], basis, 0.0)
    return basis


def _is_within(x: Array, state: State) -> Array:
    return (x >= state["lower_bound"]) & (x <= state["upper_bound"])


def _bounded(x: Array, state: State, xp: ModuleType, extrapolation: str) -> Array:
    """Treat the values beyond the learned bounds as the call asks."""
    if extrapolation == "raise":
        raise ValueError("a compiled program cannot raise an error about values")
    if extrapolation == "clip":
        return xp.clip(x, state["lower_bound"], state["upper_bound"])
    if extrapolation == "na":
        return xp.where(_is_within(x, state), x, np.nan)
    return x


def _wrapped(x: Array, knots: NDArray[np.float64], xp: ModuleType) -> Array:
    """Bring values into the first period of a cyclic spline; both its ends stay as they are."""
    low, high = knots[0], knots[-1]
    above = low + (x - high) % (high - low)
    below = high - (low - x) % (high - low)
    return xp.where(x > high, above, xp.where(x < low, below, x))


def _free_cubic(x: Array, knots: NDArray[np.float64], cyclic: bool, xp: ModuleType) -> Array:
    """Evaluate the unconstrained basis, of shape (n_rows, n_knots) or one less if cyclic."""
    width = len(knots) - cyclic
    t, h = xp.asarray(knots), xp.asarray(np.diff(knots))
    values = xp.asarray(np.eye(width))
    curvatures = xp.asarray(_second_derivatives(knots, cyclic))
    j = xp.clip(xp.searchsorted(t, x) - 1, 0, len(knots) - 2)
    following = (j + 1) % width if cyclic else j + 1
    to_next, from_last, step = t[j + 1] - x, x - t[j], h[j]
    # Beyond the outer knots the cubic parts vanish, so that the spline goes on as a line.
    cubic_left = xp.where(x > knots[-1], 0.0, to_next**3 / (6 * step)) - step * to_next / 6
    cubic_right = xp.where(x < knots[0], 0.0, from_last**3 / (6 * step)) - step * from_last / 6
    return (
        (to_next / step)[:, None] * values[j]
        + (from_last / step)[:, None] * values[following]
        + cubic_left[:, None] * curvatures[j]
        + cubic_right[:, None] * curvatures[following]
    )


def _second_derivatives(knots: NDArray[np.float64], cyclic: bool) -> NDArray[np.float64]:
    """Map values at the knots to second derivatives there (Wood 2006, table 4.1)."""
    h = np.diff(knots)
    n = len(knots) - cyclic
    b, d = np.zeros((n, n)), np.zeros((n, n))
    for i in range(0 if cyclic else 1, n if cyclic else n - 1):
        left, right = h[i - 1], h[i]
        for at, share, slope in (
            ((i - 1) % n, left / 6, 1 / left),
            (i, (left + right) / 3, -1 / left - 1 / right),
            ((i + 1) % n, right / 6, 1 / right),
        ):
            b[i, at] += share
            d[i, at] += slope
    if cyclic:
        return np.linalg.solve(b, d)
    curvatures = np.zeros((n, n))  # a natural spline has none at its ends
    curvatures[1:-1] = np.linalg.solve(b[1:-1, 1:-1], d[1:-1])
    return curvatures
