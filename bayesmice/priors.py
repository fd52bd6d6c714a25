"""Priors of many coefficients together: ``bm.priors.horseshoe()``, ``r2d2()`` and ``ridge()``.

Each goes into ``bm.Regression(priors={"coefficients": ...})``, or stands behind the name of a term
with several coefficients. Any other prior is one of PyMC's own, such as ``pm.Normal.dist(0, 1)``.
"""

from bayesmice.models.shrinkage import R2D2, Horseshoe, Ridge

horseshoe = Horseshoe
r2d2 = R2D2
ridge = Ridge

__all__ = ["horseshoe", "r2d2", "ridge"]
