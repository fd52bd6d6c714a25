"""Draws the pictures of docs/convergence.md: ``python docs/pictures/convergence.py``."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

import bayesmice as bm

IMAGES = Path(__file__).parents[1] / "images"
DPI = 80


def two_questionnaires(n: int = 1000, both: int = 60) -> pd.DataFrame:
    """Make data of two questionnaires, few of whose patients filled in both."""
    covariance = np.array([[1, 0.9, 0.9], [0.9, 1, 0.7], [0.9, 0.7, 1]])
    drawn = np.random.default_rng(1).multivariate_normal(np.zeros(3), covariance, n)
    data = pd.DataFrame(drawn, columns=["severity", "early", "late"])
    half = both + (n - both) // 2
    data.loc[both : half - 1, "early"] = np.nan
    data.loc[half:, "late"] = np.nan
    return data


def main() -> None:
    """Write all images."""
    mpl.use("Agg")
    mice = bm.MICE(two_questionnaires())
    imputations = mice.mice(m=5, sweeps=40, random_seed=1, progressbar=False)
    print(imputations.convergence().verdict)
    bm.plot_convergence(imputations).savefig(IMAGES / "convergence.png", dpi=DPI)
    chosen = ["coefficients[late]", "sigma"]
    picture = bm.plot_parameters(imputations, "early", parameters=chosen)
    picture.savefig(IMAGES / "parameters.png", dpi=DPI)


if __name__ == "__main__":
    main()
