"""What every completed data frame promises, whatever it was made from."""

import numpy as np
import pandas as pd


def check_completed(completed, frame):
    """Nothing is missing, what was observed stands as it came, and imputed levels are observed."""
    pd.testing.assert_index_equal(completed.index, frame.index, exact=True)
    pd.testing.assert_index_equal(completed.columns, frame.columns, exact=True)
    assert not completed.isna().any().any()
    for position in range(frame.shape[1]):
        before, after = frame.iloc[:, position], completed.iloc[:, position]
        seen = before.notna().to_numpy()
        assert after.dtype == before.dtype
        pd.testing.assert_series_equal(after[seen], before[seen])
        if not pd.api.types.is_numeric_dtype(before.dtype):
            assert set(after) <= set(before[seen])
        elif not pd.api.types.is_complex_dtype(before.dtype):
            assert np.isfinite(after.to_numpy(dtype=float)).all()
