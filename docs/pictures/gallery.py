"""Draws the pictures of docs/pictures.md into docs/images: ``python docs/pictures/gallery.py``."""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from arviz_plots import PlotCollection

import bayesmice as bm

IMAGES = Path(__file__).parents[1] / "images"
DPI = 80


def patients(n: int = 400) -> pd.DataFrame:
    """Make data with numbers, a count and categories, whose cells are missing at random."""
    rng = np.random.default_rng(1)
    age = rng.normal(55, 12, n).round()
    smoker = pd.Categorical.from_codes((rng.random(n) < 0.35).astype(int), categories=["no", "yes"])
    bmi = 22 + 0.08 * age + rng.normal(0, 3, n)
    pressure = 90 + 0.4 * age + 0.9 * bmi + 6 * smoker.codes + rng.normal(0, 9, n)
    visits = pd.Series(rng.poisson(np.exp(0.02 * (age - 55) + 0.5)), dtype="Int64")
    data = pd.DataFrame(
        {"age": age, "smoker": smoker, "bmi": bmi, "pressure": pressure, "visits": visits}
    )
    older = 1 / (1 + np.exp(-(age - 60) / 8))
    for name, share in (("smoker", 0.15), ("bmi", 0.3), ("pressure", 0.35), ("visits", 0.25)):
        data.loc[rng.random(n) < 2 * share * older, name] = pd.NA
    return data


def pictures() -> dict[str, Callable[[], PlotCollection]]:
    """Give for each image what draws it."""
    data = patients()
    mice = bm.MICE(
        data,
        {"pressure": bm.Regression("age + bmi + smoker")},
        passive={"pressure_per_bmi": "pressure / bmi"},
    )
    imputations = mice.mice(m=8, sweeps=10, random_seed=1, progressbar=False)
    formula = "pressure ~ bmi + smoker"
    fits = imputations.fit(formula, progressbar=False)
    complete = smf.ols(formula, data.dropna()).fit()
    return {
        "pattern": lambda: bm.plot_pattern(data),
        "flux": lambda: bm.plot_flux(data),
        "graph": lambda: bm.plot_graph(mice),
        "densities": lambda: bm.plot_density(imputations),
        "strip": lambda: bm.plot_strip(imputations),
        "box": lambda: bm.plot_box(imputations),
        "xy": lambda: bm.plot_xy(imputations, ["bmi", "pressure"], shown=3),
        "forest": lambda: bm.plot_forest(fits, complete_cases=complete),
    }


def main() -> None:
    """Write all images."""
    mpl.use("Agg")
    for name, draw in pictures().items():
        draw().savefig(IMAGES / f"{name}.png", dpi=DPI)


if __name__ == "__main__":
    main()
