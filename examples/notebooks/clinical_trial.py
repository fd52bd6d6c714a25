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
# # A clinical trial with missing values
#
# Three steps: **impute**, **analyze**, **pool**. The data are made up, so that the truth is known.

# %%
import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

import bayesmice as bm

rng = np.random.default_rng(2026)
n = 600
trial = pd.DataFrame(
    {
        "age": rng.normal(50, 10, n),
        "treated": pd.Categorical(rng.choice(["no", "yes"], n)),
        "severity": rng.exponential(2, n),
    }
)
effect = np.where(trial["treated"] == "yes", -5.0, 0.0)
trial["outcome"] = 10 + 0.5 * trial["age"] + effect - 2 * trial["severity"] + rng.normal(0, 4, n)
# Older participants leave out the questions on severity more often; some outcomes are lost.
trial.loc[rng.random(n) < 1 / (1 + np.exp(-(trial["age"] - 60) / 8)), "severity"] = np.nan
trial.loc[rng.random(n) < 0.1, "outcome"] = np.nan
trial.attrs["units"] = {"age": "years"}

# %% [markdown]
# ## What is missing
#
# Each row of the pattern is a kind of row of the data, and says how many there are of it.

# %%
bm.missing_pattern(trial)

# %%
_ = bm.plot_pattern(trial)

# %% [markdown]
# ## Impute
#
# Every column has a model, which its dtype decides unless we say otherwise. Severity is positive
# and skewed, and the default of a normal distribution would impute negative ones. Predictive mean
# matching takes imputed values from observed ones. `mice` shows the models before anything is run.

# %%
mice = bm.MICE(trial, models={"severity": bm.Regression(draw=bm.PMM())})
mice

# %%
imputations = mice.mice(m=10, sweeps=15, random_seed=1, progressbar=False)
imputations

# %% [markdown]
# Have the chains come to agree? The verdict answers in a sentence, and the trace shows the means
# and standard deviations of the imputed cells, sweep by sweep.

# %%
imputations.convergence()

# %%
_ = bm.plot_trace(imputations)

# %% [markdown]
# Do imputed values look like values? Severities are missing more often at a high age, so they need
# not look like the observed ones; but none is negative.

# %%
_ = bm.plot_density(imputations)

# %%
assert all((completed["severity"] > 0).all() for completed in imputations.data)

# %% [markdown]
# ## Analyze and pool
#
# Any analysis will do that takes a data frame. `fit` takes a formula.

# %%
pooled = imputations.fit("outcome ~ age + treated + severity").pool()
pooled

# %% [markdown]
# The fraction of missing information (`fmi`) says how much of the uncertainty is due to missing
# values. Beside the analysis of the complete rows, the pooled one has narrower intervals, since it
# uses all rows.

# %%
complete = smf.ols("outcome ~ age + treated + severity", trial.dropna()).fit()
_ = bm.plot_forest(pooled, complete_cases=complete)

# %% [markdown]
# ## Tell others
#
# One page for colleagues who do not code, with a paragraph on methods for the paper.

# %%
page = imputations.report(
    "clinical_trial_report.html", title="The trial", pooled=pooled, progressbar=False
)
page
