# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["miceforest==6.0.5", "lightgbm<4.7"]
# ///
"""miceforest: boosted trees and mean matching. It fails with LightGBM 4.7, so it has an older one.

Its environment is its own: `uv sync --script` makes it.
"""

import miceforest
import pandas as pd

from speed.peers.process import answer


def impute(data: pd.DataFrame, m: int, sweeps: int) -> list[pd.DataFrame]:
    # As plain labels: it looks levels up by the categories that occur.
    kernel = miceforest.ImputationKernel(data, num_datasets=m, random_state=1)
    kernel.mice(sweeps)
    return [kernel.complete_data(i) for i in range(m)]


if __name__ == "__main__":
    answer(impute, ("miceforest", "lightgbm", "numpy", "pandas"))
