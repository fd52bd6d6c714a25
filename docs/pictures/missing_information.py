"""Draws the pictures of docs/missing_information.md into docs/images, when it is run."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

import bayesmice as bm

IMAGES = Path(__file__).parents[1] / "images"
DPI = 80


def patients(n: int = 500) -> pd.DataFrame:
    """Make data of three kinds: costs are skewed, and a gaussian model of them is wrong."""
    rng = np.random.default_rng(4)
    age = rng.normal(55, 12, n)
    smoker = rng.random(n) < 1 / (1 + np.exp((age - 50) / 12))
    pressure = 85 + 0.6 * age + 8 * smoker + rng.normal(0, 8, n)
    cost = np.exp(0.02 * age + 0.02 * (pressure - 120) + rng.normal(0, 0.9, n))
    words = pd.Categorical.from_codes(smoker.astype(int), categories=["no", "yes"])
    data = pd.DataFrame({"age": age, "smoker": words, "pressure": pressure, "cost": cost})
    for name in ("smoker", "pressure", "cost"):
        data.loc[rng.random(n) < 0.4 / (1 + np.exp(-(age - 55) / 10)), name] = pd.NA
    return data


def main() -> None:
    """Write both images."""
    mpl.use("Agg")
    imputations = bm.MICE(patients()).mice(m=30, random_seed=1, progressbar=False)
    check = imputations.overimpute(0.2, random_seed=1, progressbar=False)
    bm.plot_overimpute(check).savefig(IMAGES / "overimpute.png", dpi=DPI)
    bm.plot_fmi(imputations).savefig(IMAGES / "fmi.png", dpi=DPI)


if __name__ == "__main__":
    main()
