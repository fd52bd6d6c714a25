"""Priors that regularize many coefficients: ridge, R2-D2 and the regularized horseshoe.

All count in units of the linear predictor per unit of the predictor, so that they do not depend on
the scale of the data, and all end in normal coefficients whose standard deviations have priors of
their own.

What a kernel moves is neither a coefficient nor its standardized version. With n rows, the data
tell a coefficient to about ``d = 1 / sqrt(n)`` units, and a normal prior with standard deviation
``s`` leaves it a posterior standard deviation of ``m = 1 / sqrt(1 / s**2 + 1 / d**2)``. A
coefficient divided by ``m`` has about the same posterior width whatever ``s`` is. So the geometry
is that of a non-centered model where the prior rules (small ``s``) and of a centered one where the
data do, and neither end is a funnel. (Papaspiliopoulos, Roberts and Sköld 2007, Statistical Science
22, 59-73, compare the two.) The distribution of the coefficients is exact for any ``d``.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from bayesmice.errors import ModelError, SpecificationError
from bayesmice.later import later
from bayesmice.models.families import PRIOR_SCALE
from bayesmice.models.priors import CoefficientGroup, JointPrior

if TYPE_CHECKING:
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.tensor.variable import TensorVariable
else:
    pm, pt = later("pymc"), later("pytensor.tensor")

DEFAULT_SHARE_NONZERO = 0.1
LINK_INFORMATION = 0.25
"""What one row tells of a linear predictor under a link, against one under the identity link: at
most this much under the logit link.
"""
MIN_CONCENTRATION = 0.05
"""Smaller weights of a Dirichlet distribution underflow."""


@dataclass(frozen=True)
class ShrinkagePrior(JointPrior):
    """Normal coefficients around zero with standard deviations that are parameters."""

    group: CoefficientGroup | None = field(default=None, kw_only=True, repr=False, compare=False)

    def settled(self, group: CoefficientGroup) -> Self:
        """Take in which coefficients the prior is for."""
        return replace(self, group=group)

    def write(
        self, name: str, dims: tuple[str, ...], shape: tuple[int, ...], scales: NDArray[np.float64]
    ) -> TensorVariable:
        """Write hyperparameters and coefficients into the model in context."""
        if self.group is None:
            raise ModelError(
                f"{self!r} has not been settled for the coefficients {name!r}. Use it in "
                "bm.Regression(priors=...)."
            )
        units = np.broadcast_to(scales, shape) / PRIOR_SCALE
        sd = self._standard_deviations(name, dims, self.group)
        per_row = 1.0 if self.group.unit_is_total else LINK_INFORMATION
        # s / m, in the words of the module.
        widening = pt.sqrt(1.0 + per_row * self.group.n_rows * sd**2)
        raw = pm.Normal(f"{name}_raw", 0.0, widening, shape=shape, dims=dims)
        return pm.Deterministic(name, raw * (sd / widening) * units, dims=dims)

    @abstractmethod
    def _standard_deviations(
        self, name: str, dims: tuple[str, ...], group: CoefficientGroup
    ) -> TensorVariable:
        """Write the hyperparameters; give what broadcasts to the coefficients, in units."""


@dataclass(frozen=True)
class Ridge(ShrinkagePrior):
    r"""Normal coefficients with one standard deviation, which the data choose.

    .. math:: \beta_j \sim \mathrm{Normal}(0, \tau u_j), \qquad
        \tau \sim \mathrm{HalfStudentT}(\nu, \text{scale})

    where :math:`u_j` is one unit of the linear predictor per unit of predictor j: the target's
    observed standard deviation (1 under a link) over that of the predictor (1 for the step of an
    indicator). For many predictors that each matter a little.

    Parameters
    ----------
    scale : float, default 1.0
        Scale of the prior of :math:`\tau`.
    df : float, default 3
        Its degrees of freedom :math:`\nu`; infinity for a half-normal prior.

    Raises
    ------
    SpecificationError
        If an argument is not positive.

    Notes
    -----
    Named ``c``, the coefficients bring the hyperparameter ``c_sd``, which is :math:`\tau`, and
    ``c_raw``, which is what the kernel moves.

    Examples
    --------
    >>> import bayesmice as bm
    >>> bm.Regression(priors={"coefficients": bm.priors.ridge()}).priors
    {'coefficients': ridge(scale=1, df=3)}
    """

    scale: float = 1.0
    df: float = 3.0

    def __post_init__(self) -> None:
        _check_positive("ridge", "scale", self.scale)
        _check_positive("ridge", "df", self.df, may_be_infinite=True)

    def __repr__(self) -> str:
        return f"ridge(scale={self.scale:g}, df={self.df:g})"

    def _standard_deviations(
        self, name: str, dims: tuple[str, ...], group: CoefficientGroup
    ) -> TensorVariable:
        if math.isinf(self.df):
            return pm.HalfNormal(f"{name}_sd", self.scale)
        return pm.HalfStudentT(f"{name}_sd", nu=self.df, sigma=self.scale)


@dataclass(frozen=True)
class R2D2(ShrinkagePrior):
    r"""Normal coefficients that share out a proportion of explained variance.

    .. math:: \beta_j \sim \mathrm{Normal}(0, \sqrt{V \phi_j}\, u_j), \qquad
        \phi \sim \mathrm{Dirichlet}(\text{concentration}), \qquad
        R^2 \sim \mathrm{Beta}(\text{mean}, \text{precision})

    with the explained variance V, in squared units :math:`u` of the linear predictor, and one unit
    per unit of the predictor :math:`u_j` (as in `ridge`). What R² is a proportion of is not a
    parameter: under the identity link the total variance is one squared unit, that of the observed
    target, so :math:`V = R^2`. Under any other link the *residual* variance is one squared unit of
    the linear predictor, so :math:`V = R^2 / (1 - R^2)`. Sigma keeps its own prior.

    The natural prior where one can say how well the predictors predict, but not which. The R2-D2
    prior of [1]_ with the normal kernel of [2]_.

    Parameters
    ----------
    mean : float, default 0.5
        Prior mean of R², between 0 and 1.
    precision : float, default 2
        How concentrated R² is around it: ``Beta(mean * precision, (1 - mean) * precision)``. The
        default is uniform.
    concentration : float, default 0.5
        How evenly coefficients share the variance; at most 1 for a few that take most of it. At
        least 0.05.

    Raises
    ------
    SpecificationError
        If an argument is out of its range.

    Notes
    -----
    The explained variance has :math:`V` as its prior expectation when predictors are in units of
    their standard deviations, however they are correlated. The step of an indicator is a larger
    unit than its standard deviation, so indicators explain less than that.

    Named ``c``, the coefficients bring ``c_R2`` (one for each level of a categorical target),
    ``c_weight`` (gamma variables; :math:`\phi` is their share of their sum, which makes it
    Dirichlet) and ``c_raw``, which is what the kernel moves.

    References
    ----------
    .. [1] Zhang, Naughton, Bondell and Reich (2022), Journal of the American Statistical
       Association 117, 862-874.
    .. [2] Aguilar and Bürkner (2023), Electronic Journal of Statistics 17, 1711-1767.

    Examples
    --------
    >>> import bayesmice as bm
    >>> bm.Regression(priors={"coefficients": bm.priors.r2d2(mean=0.3, precision=5)}).priors
    {'coefficients': r2d2(mean=0.3, precision=5, concentration=0.5)}
    """

    mean: float = 0.5
    precision: float = 2.0
    concentration: float = 0.5

    def __post_init__(self) -> None:
        for name in ("mean", "precision", "concentration"):
            _check_positive("r2d2", name, getattr(self, name))
        if self.mean >= 1:
            raise SpecificationError(
                f"r2d2 has mean={self.mean:g}; expected a proportion of explained variance, "
                "between 0 and 1."
            )
        if self.concentration < MIN_CONCENTRATION:
            raise SpecificationError(
                f"r2d2 has concentration={self.concentration:g}; expected at least "
                f"{MIN_CONCENTRATION:g}. For fewer nonzero coefficients use bm.priors.horseshoe()."
            )

    def __repr__(self) -> str:
        return (
            f"r2d2(mean={self.mean:g}, precision={self.precision:g}, "
            f"concentration={self.concentration:g})"
        )

    def _standard_deviations(
        self, name: str, dims: tuple[str, ...], group: CoefficientGroup
    ) -> TensorVariable:
        weight = pm.Gamma(f"{name}_weight", self.concentration, 1.0, shape=group.shape, dims=dims)
        a, b = self.mean * self.precision, (1.0 - self.mean) * self.precision
        r2 = pm.Beta(f"{name}_R2", a, b, shape=group.shape[1:], dims=dims[1:] or None)
        explained = r2 if group.unit_is_total else r2 / (1.0 - r2)
        return pt.sqrt(explained * weight / weight.sum(axis=0))


@dataclass(frozen=True)
class Horseshoe(ShrinkagePrior):
    r"""Most coefficients near zero, some as large as the default prior lets them be.

    The regularized horseshoe [1]_:

    .. math:: \beta_j \sim \mathrm{Normal}(0, s_j u_j), \qquad
        s_j^{-2} = (\tau \lambda_j)^{-2} + c^{-2}, \qquad
        \lambda_j \sim \mathrm{HalfCauchy}(1), \qquad
        \tau \sim \mathrm{HalfCauchy}(\tau_0), \qquad
        c^2 \sim \mathrm{InvGamma}(\nu / 2, \nu\, \text{slab\_scale}^2 / 2)

    with one unit of the linear predictor per unit of the predictor :math:`u_j` (as in `ridge`). For
    many predictors of which few matter.

    Parameters
    ----------
    nonzero : float, optional
        How many of the coefficients are expected to differ from zero. By default one in ten.
    global_scale : float, optional
        :math:`\tau_0` itself, instead of ``nonzero``.
    slab_scale : float, default 2.5
        Scale of the coefficients that differ from zero: the default prior's standard deviation.
    slab_df : float, default 4
        Degrees of freedom :math:`\nu` of the Student t distribution that they then have.

    Raises
    ------
    SpecificationError
        If an argument is not positive, or both ``nonzero`` and ``global_scale`` are given.

    Notes
    -----
    With p coefficients of which :math:`p_0` are expected to differ from zero, and n rows in which
    the target was observed, [1]_ recommends
    :math:`\tau_0 = p_0 / (p - p_0) \cdot \sigma / \sqrt n`. The residual standard deviation
    :math:`\sigma` is another variable of the model, so one unit of the linear predictor stands for
    it. Under the identity link that is the observed standard deviation of the target, which is
    larger: where predictors explain nine tenths of its variance, :math:`\tau_0` is three times as
    large as with :math:`\sigma` itself. The half-Cauchy prior of :math:`\tau` has room for that.

    Named ``c``, the coefficients bring ``c_global`` (:math:`\tau`), ``c_local`` (:math:`\lambda`),
    ``c_slab_variance`` (:math:`c^2`), and ``c_raw``, which is what the kernel moves.

    References
    ----------
    .. [1] Piironen and Vehtari (2017), Electronic Journal of Statistics 11, 5018-5051.

    Examples
    --------
    >>> import bayesmice as bm
    >>> bm.Regression(priors={"coefficients": bm.priors.horseshoe(nonzero=5)}).priors
    {'coefficients': horseshoe(nonzero=5, slab_scale=2.5, slab_df=4)}
    """

    nonzero: float | None = None
    _: KW_ONLY
    global_scale: float | None = None
    slab_scale: float = 2.5
    slab_df: float = 4.0

    def __post_init__(self) -> None:
        for name in ("nonzero", "global_scale", "slab_scale", "slab_df"):
            value = getattr(self, name)
            if value is not None or name.startswith("slab"):
                _check_positive("horseshoe", name, value)
        if self.nonzero is not None and self.global_scale is not None:
            raise SpecificationError(
                f"horseshoe has nonzero={self.nonzero:g} and global_scale={self.global_scale:g}; "
                "the first determines the second. Give one of them."
            )

    def __repr__(self) -> str:
        sparsity = ("nonzero", "global_scale")
        shown = [f"{name}={getattr(self, name):g}" for name in sparsity if getattr(self, name)]
        slab = f"slab_scale={self.slab_scale:g}, slab_df={self.slab_df:g}"
        return f"horseshoe({', '.join([*shown, slab])})"

    def settled(self, group: CoefficientGroup) -> Self:
        """Take in which coefficients the prior is for, and how many of them should be nonzero."""
        n_coefficients = math.prod(group.shape)
        if self.nonzero is not None and self.nonzero >= n_coefficients:
            raise SpecificationError(
                f"{group.where} is {self!r}, for {n_coefficients} coefficients; expected fewer "
                "nonzero ones than that. Leave nonzero out to expect one in ten."
            )
        settled = replace(self, group=group)
        if self.nonzero is not None or self.global_scale is not None:
            return settled
        return replace(settled, nonzero=DEFAULT_SHARE_NONZERO * n_coefficients)

    def _standard_deviations(
        self, name: str, dims: tuple[str, ...], group: CoefficientGroup
    ) -> TensorVariable:
        shared = pm.HalfCauchy(f"{name}_global", self._global_scale(group))
        local = pm.HalfCauchy(f"{name}_local", 1.0, shape=group.shape, dims=dims)
        half_df = self.slab_df / 2.0
        slab_variance = pm.InverseGamma(
            f"{name}_slab_variance", half_df, half_df * self.slab_scale**2
        )
        product = shared * local
        return product / pt.sqrt(1.0 + product**2 / slab_variance)

    def _global_scale(self, group: CoefficientGroup) -> float:
        if self.nonzero is None:
            assert self.global_scale is not None
            return self.global_scale
        return self.nonzero / (math.prod(group.shape) - self.nonzero) / math.sqrt(group.n_rows)


def _check_positive(prior: str, name: str, value: Any, *, may_be_infinite: bool = False) -> None:
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if is_number and value > 0 and (may_be_infinite or math.isfinite(value)):
        return
    raise SpecificationError(f"{prior} has {name}={value!r:.80}; expected a positive number.")
