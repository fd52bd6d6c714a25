"""Normal linear regressions by their moments, the sums over rows that the likelihood consists of.

The likelihood of a linear predictor with normal residuals depends on the rows only through their
weighted sums of squares and products. They are summed once a visit, and each evaluation after that
costs the square of the number of coefficients, whatever the number of rows.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax.lax import optimization_barrier
from jax.scipy.linalg import cho_factor, cho_solve

from bayesmice.kernels.jax_model import Inputs, JaxModel, Values
from bayesmice.kernels.kernel import Array

TINY, RIDGE = 1e-150, 1e-10
"""Stands for the square of a predictor that is zero; keeps the equations of a fit solvable."""
LOCATION, SLOPES, SPREAD = "location", "slopes", "spread"
"""Names of the expressions that hold what shifts the linear predictor, the coefficients of the
design columns, and the residual standard deviation."""


class Moments(NamedTuple):
    """Weighted sums over rows; the first predictor is the constant 1.

    Attributes
    ----------
    n : Array, scalar
        Sum of the weights.
    center : Array, scalar
        Weighted mean of the target, from which its deviations are counted.
    predictors : Array of shape (1 + n_design, 1 + n_design)
        Squares and products of predictors.
    products : Array of shape (1 + n_design,)
        Products of predictors with deviations of the target.
    square : Array, scalar
        Squared deviations of the target.
    base : Array of shape (1 + n_design,)
        Coefficients of what was taken from the target before its products and square were summed.
    """

    n: Array
    center: Array
    predictors: Array
    products: Array
    square: Array
    base: Array

    def residual_square(self, coefficients: Array) -> Array:
        """Give the weighted sum of squared residuals.

        Parameters
        ----------
        coefficients : Array of shape (1 + n_design,)
            Coefficients of the deviations of the target; the first is the location, counted from
            `center`.
        """
        away = coefficients - self.base
        around = self.predictors @ away - 2.0 * self.products
        return jnp.maximum(self.square + away @ around, 0.0)


def moments_of(design: Array, observed: Array, weights: Array) -> Moments:
    """Sum over rows; for these models, the one place where rows meet.

    Parameters
    ----------
    design : Array of shape (n_rows, n_design)
        Design of the rows.
    observed : Array of shape (n_rows,)
        The target.
    weights : Array of shape (n_rows,)
        Weights of the rows, 0 for those that do not enter.

    Returns
    -------
    Moments
    """
    n = jnp.sum(weights)
    center = jnp.sum(weights * observed) / jnp.where(n > 0, n, 1.0)
    constant = jnp.ones((design.shape[0], 1))
    columns = jnp.concatenate([constant, design, (observed - center)[:, None]], axis=1)
    scaled = columns * jnp.sqrt(weights)[:, None]
    sums = scaled.T @ scaled
    nothing = jnp.zeros(design.shape[1] + 1)
    return Moments(n, center, sums[:-1, :-1], sums[:-1, -1], sums[-1, -1], nothing)


def around_fit(moments: Moments, design: Array, observed: Array, weights: Array) -> Moments:
    """Take the least squares fit from the target, and sum over the rows again.

    Where predictors determine a target, its residuals are small differences of large squares; sums
    of what the fit leaves keep all their digits.

    Parameters
    ----------
    moments : Moments
        Of the rows.
    design, observed, weights : Array
        As for `moments_of`.
    """
    scales = 1.0 / jnp.sqrt(jnp.maximum(jnp.diagonal(moments.predictors), TINY))
    correlations = moments.predictors * scales[:, None] * scales[None, :]
    factor = cho_factor(correlations + RIDGE * jnp.eye(len(scales)))
    base = scales * cho_solve(factor, scales * moments.products)
    base = jnp.where(jnp.all(jnp.isfinite(base)), base, 0.0)
    rest = weights * (observed - moments.center - base[0] - design @ base[1:])
    products = jnp.concatenate([jnp.sum(rest)[None], design.T @ rest])
    square = jnp.sum(jnp.where(weights > 0, rest**2 / jnp.where(weights > 0, weights, 1.0), 0.0))
    return moments._replace(products=products, square=square, base=base)


def moments_without(sums: Array, left_out: Array, position: Array, center: Array) -> Moments:
    """Take the moments of rows of weight 1 from those of all rows.

    Parameters
    ----------
    sums : Array of shape (1 + n_design, 1 + n_design)
        Squares and products over all rows, of the constant and the completed design.
    left_out : Array of shape (n_left_out, 1 + n_design)
        The constant and the design in the rows of weight 0, padded with rows of zeros.
    position : Array, scalar
        Which column of the design is the target, in the rows that are left.
    center : Array, scalar
        What was subtracted from it.

    Returns
    -------
    Moments
    """
    left = sums - left_out.T @ left_out
    n, place = left[0, 0], position + 1
    # The design has deviations from its own center; here they are counted from the mean.
    mean = left[0, place] / jnp.where(n > 0, n, 1.0)
    return Moments(
        n,
        center + mean,
        left,
        left[:, place] - mean * left[:, 0],
        left[place, place] - mean * left[0, place],
        jnp.zeros(len(left)),
    )


def sums_of(design: Array) -> Array:
    """Give squares and products over all rows, of the constant and the design."""
    columns = jnp.concatenate([jnp.ones((design.shape[0], 1)), design], axis=1)
    return columns.T @ columns


def sums_after(sums: Array, before: Array, change: Array, positions: Array) -> Array:
    """Give the sums after some cells have changed.

    Parameters
    ----------
    sums : Array of shape (1 + n_design, 1 + n_design)
        As they were; see `sums_of`.
    before : Array of shape (n_changed, 1 + n_design)
        The constant and the design of the rows that change, as they were; zeros for padding.
    change : Array of shape (n_changed, width)
        What is added to some columns; zeros for padding.
    positions : Array of shape (width,)
        Which columns of the design those are.
    """
    marks = (jnp.arange(len(sums)) == positions[:, None] + 1).astype(sums.dtype)
    # Half of the squared change on either side, so that the sum stays symmetric to the last bit.
    # Without the barrier, XLA would sum over the rows anew for every element of the sums.
    added = optimization_barrier(change.T @ before + 0.5 * (change.T @ change) @ marks)
    after: Array = sums + (marks.T @ added + added.T @ marks)
    return after


@dataclass(frozen=True, eq=False)
class NormalLikelihood:
    """The log-likelihood of a normal linear regression, for one chain.

    Attributes
    ----------
    model : JaxModel
        With the expressions `LOCATION`, `SLOPES` and `SPREAD`.
    inputs : mapping of str to Array
        What the model reads.
    moments : Moments
        Of its rows.
    """

    model: JaxModel
    inputs: Inputs
    moments: Moments

    def __call__(self, values: Values) -> Array:
        """Evaluate at unconstrained values of the parameters."""
        expressions = self.model.expressions
        location = expressions[LOCATION](values, self.inputs) - self.moments.center
        slopes = expressions[SLOPES](values, self.inputs)
        return log_likelihood(
            self.moments.n,
            self.moments.residual_square(jnp.concatenate([location[None], slopes])),
            self.spread(values),
        )

    @property
    def n_design(self) -> int:
        """Number of design columns."""
        return len(self.moments.products) - 1

    def spread(self, values: Values) -> Array:
        """Give the residual standard deviation at unconstrained values of the parameters."""
        return self.model.expressions[SPREAD](values, self.inputs)


def log_likelihood(n: Array, residual_square: Array, spread: Array) -> Array:
    """Give the normal log-likelihood of residuals with a weighted sum of squares.

    Parameters
    ----------
    n : Array, scalar
        Sum of the weights.
    residual_square : Array, scalar
        Weighted sum of squared residuals.
    spread : Array, scalar
        Their standard deviation.
    """
    scaled = residual_square / spread**2
    return -n * (jnp.log(spread) + 0.5 * jnp.log(2.0 * jnp.pi)) - 0.5 * scaled
