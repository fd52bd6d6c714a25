"""scikit-learn: `IterativeImputer(sample_posterior=True)`, run m times."""

import numpy as np
import pandas as pd
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer

from speed.peers.process import answer


def impute(data: pd.DataFrame, m: int, sweeps: int) -> list[np.ndarray]:
    return [
        IterativeImputer(sample_posterior=True, max_iter=sweeps, random_state=seed).fit_transform(
            data
        )
        for seed in range(m)
    ]


if __name__ == "__main__":
    answer(impute, ("scikit-learn", "numpy", "pandas", "scipy"))
