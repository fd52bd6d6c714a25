# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Priors, and a model of your own
#
# Every conditional model is a PyMC model. Here one column gets priors of its own, then a model of
# its own, and we look at what each of them believes before and after it has seen the data.

# %%
import numpy as np
import pandas as pd
import pymc as pm

import bayesmice as bm

rng = np.random.default_rng(11)
n = 250
clinic = pd.DataFrame({"age": rng.uniform(30, 80, n), "female": rng.choice(["no", "yes"], n)})
# Pressure rises with age, faster from 50 on, and has a few wild readings.
late = np.maximum(clinic["age"] - 50, 0)
clinic["pressure"] = 115 + 0.2 * clinic["age"] + 0.7 * late + 5 * rng.standard_t(3, n)
clinic["weight"] = 45 + 0.2 * clinic["pressure"] + rng.normal(0, 8, n)
clinic.loc[rng.random(n) < 0.3, "pressure"] = np.nan
clinic.loc[rng.random(n) < 0.15, "weight"] = np.nan

# %% [markdown]
# ## The default model and its priors
#
# Defaults are weakly informative, and scaled by the observed data. `priors` lists them; any PyMC
# distribution replaces them.

# %%
mice = bm.MICE(clinic)
mice.priors("pressure")

# %% [markdown]
# A cardiologist says: a year of age raises the pressure by half a unit, give or take a quarter.

# %%
informed = bm.Regression(priors={"age": pm.Normal.dist(0.5, 0.25)})
mice = bm.MICE(clinic, models={"pressure": informed})
_ = mice.plot_prior_predictive("pressure", random_seed=1)

# %% [markdown]
# The model itself is an ordinary `pm.Model`, to look at or to debug.

# %%
mice.model("pressure")

# %% [markdown]
# ## A model of your own
#
# A function that writes a PyMC model, and calls its observed variable as the column. Here: two
# slopes and heavy tails.


# %%
def pressure_model(data):
    age = data["age"]
    level = pm.Normal("level", 130, 20)
    slope = pm.Normal("slope", 0.3, 0.3)
    more = pm.HalfNormal("more", 1)
    mu = level + slope * (age - 50) + more * pm.math.maximum(age - 50, 0)
    nu = pm.Gamma("nu", 2, 0.1)
    pm.StudentT(
        "pressure", mu=mu, sigma=pm.HalfNormal("sigma", 20), nu=nu, observed=data["pressure"]
    )


own = bm.MICE(clinic, models={"pressure": pressure_model})
bm.check_model(pressure_model, clinic, "pressure")

# %%
imputations = own.mice(m=6, sweeps=30, random_seed=2, progressbar=False)
imputations.convergence()

# %% [markdown]
# ## Does it describe what was observed?
#
# A check compares the observed pressures with draws from the model, row by row and as a whole, and
# the imputed ones with observed ones that were as likely to be missing.

# %%
imputations.check("pressure", progressbar=False)

# %%
_ = bm.plot_ppc(imputations, var_names="pressure")

# %%
_ = bm.plot_loo_pit(imputations, var_names="pressure")

# %% [markdown]
# ## Which model predicts best?
#
# The candidates see the same completed predictors, and are judged by what they would have said of
# each observed value without it.

# %%
comparison = bm.compare_models(
    own,
    "pressure",
    {
        "linear": bm.Regression(),
        "linear, heavy tails": bm.Regression(family="t"),
        "two slopes": pressure_model,
    },
    random_seed=3,
    progressbar=False,
)
comparison

# %% [markdown]
# ## How much do the priors matter?

# %%
imputations.prior_sensitivity("pressure", progressbar=False)
