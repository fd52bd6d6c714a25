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
# # When a diagnosis goes wrong
#
# Two things that go wrong often: a model that does not describe its column, and chains that have
# not run long enough. Both can be seen.

# %%
import numpy as np
import pandas as pd

import bayesmice as bm

rng = np.random.default_rng(4)
n = 400
ward = pd.DataFrame({"age": rng.normal(60, 12, n)})
ward["days"] = rng.gamma(1.2, np.exp(0.4 + 0.03 * (ward["age"] - 60)), n)
ward.loc[rng.random(n) < 1 / (1 + np.exp(-(ward["age"] - 65) / 6)), "days"] = np.nan

# %% [markdown]
# ## A model that does not fit
#
# Days in hospital are positive and skewed. The default model of a number is normal.

# %%
mice = bm.MICE(ward)
imputations = mice.mice(m=8, sweeps=30, random_seed=1, progressbar=False)
_ = bm.plot_density(imputations)

# %% [markdown]
# Thin lines go where no observed value is: below zero. The event log says so too, and a check
# tells why: the observed days are more skewed than any draw from the model.

# %%
for message in imputations.events["message"]:
    print(message)

# %%
check = imputations.check("days", progressbar=False)
assert not check.is_good
check

# %%
_ = bm.plot_ppc(imputations, var_names="days")

# %% [markdown]
# A gamma distribution has no values below zero.

# %%
better = bm.MICE(ward, models={"days": bm.Regression(family="gamma")})
imputations = better.mice(m=8, sweeps=30, random_seed=1, progressbar=False)
assert all((completed["days"] > 0).all() for completed in imputations.data)
imputations.check("days", progressbar=False)

# %%
_ = bm.plot_density(imputations)

# %% [markdown]
# ## Chains that have not run long enough
#
# Two columns that say nearly the same, and are hardly ever observed together, follow each other:
# in every sweep each is drawn near the other, and their models move slowly.

# %%
common = rng.normal(0, 1, 150)
twins = pd.DataFrame(
    {
        "first": common + rng.normal(0, 0.4, 150),
        "second": common + rng.normal(0, 0.4, 150),
        "age": rng.normal(50, 10, 150),
    }
)
twins.loc[:54, "first"] = np.nan
twins.loc[55:129, "second"] = np.nan
short = bm.MICE(twins).mice(m=4, sweeps=12, random_seed=1, progressbar=False)
short.convergence()

# %% [markdown]
# Lines that wander apart from each other, and have not come back:

# %%
_ = bm.plot_trace(short)

# %% [markdown]
# The verdict tells how many sweeps to add, from how slowly the chains forget. A run goes on from
# where it stopped, and gives what a longer run would have given.

# %%
more = short.convergence().further_sweeps
longer = short.extend(sweeps=more, progressbar=False)
longer.convergence()

# %%
_ = bm.plot_convergence(longer)
