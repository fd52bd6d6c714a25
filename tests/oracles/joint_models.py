"""Joint models whose full conditionals are conditional models, and their priors the same.

`NormalModel`: three columns of a multivariate normal distribution under a conjugate prior. With
:math:`\\Sigma` inverse Wishart with nu degrees of freedom and scale s I, and the mean normal with
covariance :math:`\\Sigma / k`, the regression of a column on the others has

- residual variance: inverse gamma (nu / 2, s / 2),
- slopes given it: normal, independent, with variance (residual variance) / s,
- intercept given it: normal, with variance (residual variance) / k,

independent of the distribution of the others (Gelman et al. 2013, Bayesian Data Analysis, 3.6,
and the properties of the inverse Wishart distribution). So a sweep over the columns is a Gibbs
sampler of this joint model, whatever cells are missing.

`MonotoneModel`: a normal predictor, a binary column given it, a count given both. Values are
missing in a monotone pattern, so that each column's model sees all that there is to know.
"""

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
from scipy import stats
from scipy.special import expit

import bayesmice as bm

Rng = np.random.Generator


class NormalModel:
    names = ("x1", "x2", "x3")
    nu, scale, k, n = 10, 8.0, 1.0, 30

    def draw(self, rng: Rng) -> tuple[dict[str, dict[str, Any]], pd.DataFrame]:
        sigma = stats.invwishart.rvs(self.nu, self.scale * np.eye(3), random_state=rng)
        mean = rng.multivariate_normal(np.zeros(3), sigma / self.k)
        data = rng.multivariate_normal(mean, sigma, size=self.n)
        parameters = {}
        for j, name in enumerate(self.names[:2]):
            others = [i for i in range(3) if i != j]
            slopes = np.linalg.solve(sigma[np.ix_(others, others)], sigma[others, j])
            parameters[name] = {
                "intercept": mean[j] - slopes @ mean[others],
                "slopes": slopes,
                "variance": sigma[j, j] - slopes @ sigma[others, j],
            }
        return parameters, pd.DataFrame(data, columns=list(self.names))

    def ampute(self, data: pd.DataFrame, rng: Rng) -> pd.DataFrame:
        """Delete by x3, which is complete: missing at random."""
        z = (data["x3"] - data["x3"].mean()) / data["x3"].std()
        for name in self.names[:2]:
            data[name] = data[name].mask(rng.random(self.n) < 0.7 * expit(z))
        return data

    def models(self, kernel: str) -> dict[str, Any]:
        return {name: bm.Custom(self._conditional(name), kernel=kernel) for name in self.names[:2]}

    def _conditional(self, name: str) -> Any:
        first, second = (other for other in self.names if other != name)

        def model(data: Any) -> None:
            variance = pm.InverseGamma("variance", self.nu / 2, self.scale / 2)
            intercept = pm.Normal("intercept", 0, pm.math.sqrt(variance / self.k))
            slopes = pm.Normal("slopes", 0, pm.math.sqrt(variance / self.scale), shape=2)
            mu = intercept + slopes[0] * data[first] + slopes[1] * data[second]
            pm.Normal(name, mu, pm.math.sqrt(variance), observed=data[name])

        return model

    @property
    def quantities(self) -> dict[str, Any]:
        """Functions of parameters of one column at a time, and of the data.

        Parameters of different columns are drawn one after the other, given different imputations,
        and so not jointly from their posterior: their products are not calibrated.
        """
        return {
            "log-likelihood of x1": lambda p, d: self._log_likelihood("x1", p, d),
            "log-likelihood of x2": lambda p, d: self._log_likelihood("x2", p, d),
            "product of slopes": lambda p, d: p["x1"]["slopes"][0] * p["x1"]["slopes"][1],
            "correlation": lambda p, d: d["x1"].corr(d["x2"]),
        }

    def _log_likelihood(self, name: str, parameters: Any, data: pd.DataFrame) -> float:
        own = parameters[name]
        others = data[[other for other in self.names if other != name]].to_numpy()
        mu = own["intercept"] + others @ np.asarray(own["slopes"])
        return float(stats.norm.logpdf(data[name], mu, np.sqrt(own["variance"])).sum())


class MonotoneModel:
    n, without_visits, without_both = 40, 16, 8

    def draw(self, rng: Rng) -> tuple[dict[str, dict[str, Any]], pd.DataFrame]:
        """Draw until the observed values are of both levels, and of more than two counts.

        That depends on observed values only, so the posterior given them stays what it is.
        """
        while True:
            a, b = rng.normal(0, 1, 2)
            c = rng.normal(0, 0.5, 3)
            x = np.sort(rng.normal(size=self.n))
            sick = (rng.random(self.n) < expit(a + b * x)).astype(float)
            visits = rng.poisson(np.exp(c[0] + c[1] * x + c[2] * sick)).astype(float)
            n_sick, n_visits = self.n - self.without_both, self.n - self.without_visits
            if len(set(sick[:n_sick])) == 2 and len(set(visits[:n_visits])) > 2:
                data = pd.DataFrame({"x": x, "sick": sick, "visits": visits})
                return {"sick": {"a": a, "b": b}, "visits": {"c": c}}, data

    def ampute(self, data: pd.DataFrame, rng: Rng) -> pd.DataFrame:
        """Delete where x is largest: missing at random."""
        data.loc[self.n - self.without_both :, "sick"] = np.nan
        data.loc[self.n - self.without_visits :, "visits"] = np.nan
        return data

    def models(self, kernel: str) -> dict[str, Any]:
        def sick(data: Any) -> None:
            a, b = pm.Normal("a", 0, 1), pm.Normal("b", 0, 1)
            pm.Bernoulli("sick", logit_p=a + b * data["x"], observed=data["sick"])

        def visits(data: Any) -> None:
            c = pm.Normal("c", 0, 0.5, shape=3)
            log_mean = c[0] + c[1] * data["x"] + c[2] * data["sick"]
            pm.Poisson("visits", pm.math.exp(log_mean), observed=data["visits"])

        return {
            "sick": bm.Custom(sick, kernel=kernel),
            "visits": bm.Custom(visits, kernel=kernel),
        }

    @property
    def quantities(self) -> dict[str, Any]:
        return {
            "log-likelihood of visits": self._log_likelihood,
            "product of a and b": lambda p, d: p["sick"]["a"] * p["sick"]["b"],
            "visits of the sick": lambda p, d: float(d["visits"] @ d["sick"]),
        }

    def _log_likelihood(self, parameters: Any, data: pd.DataFrame) -> float:
        c = np.asarray(parameters["visits"]["c"])
        mean = np.exp(c[0] + c[1] * data["x"] + c[2] * data["sick"])
        return float(stats.poisson.logpmf(data["visits"], mean).sum())
