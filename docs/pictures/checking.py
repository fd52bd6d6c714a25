"""The pictures of docs/checking.md, written into docs/images."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

import bayesmice as bm

IMAGES = Path(__file__).parents[1] / "images"


def clinic() -> pd.DataFrame:
    """Patients whose recovery time is skewed, and missing the oftener the older they are."""
    rng = np.random.default_rng(1)
    age = rng.normal(50, 10, 300)
    data = pd.DataFrame({"age": age.round(1)})
    data["days"] = rng.gamma(2, np.exp(0.04 * (age - 50)) * 4).round(2)
    data["visits"] = pd.array(rng.poisson(np.exp(0.3 + 0.03 * (age - 50))), dtype="Int64")
    data["stage"] = pd.Categorical(rng.choice(["I", "II", "III"], 300), ordered=True)
    for name in ("days", "visits", "stage"):
        data.loc[rng.random(300) < 1 / (1 + np.exp(1 - 0.1 * (age - 50))), name] = None
    return data


def main() -> None:
    """Draw all pictures."""
    mpl.use("Agg")
    mice = bm.MICE(clinic(), {"visits": bm.Regression(family="poisson")})
    imputations = mice.mice(m=5, sweeps=40, random_seed=1, progressbar=False)
    for name in imputations.incomplete:
        imputations.check(str(name), progressbar=False)
    imputations.add_prior("days", "stage", draws=50, random_seed=1)
    pictures = {
        "ppc": bm.plot_ppc,
        "loo_pit": bm.plot_loo_pit,
        "propensity": bm.plot_propensity,
        "prior_predictive": bm.plot_prior_predictive,
    }
    for name, plot in pictures.items():
        plot(imputations).savefig(IMAGES / f"{name}.png", dpi=110)


if __name__ == "__main__":
    main()
