"""Files of data sets: what was written is read, by Python and by R."""

import numpy as np
import pandas as pd
import pytest
from speed.datafiles import Column, described, read_columns, read_data, read_numbers, write_data
from speed.measuring import child_environment, measure
from speed.peers.registry import PEERS, PeerMissingError


@pytest.fixture
def mixed() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "x": [0.1, np.nan, -2.5e300, 1 / 3],
            "flag": [0.0, 1.0, np.nan, 1.0],
            "stage": pd.Categorical(["I", None, "III", "II"], ["I", "II", "III"], ordered=True),
            "kind": pd.Categorical(["b", "a", "b", None], ["b", "a"]),
        }
    )


def test_columns_are_described_by_what_they_hold(mixed):
    assert described(mixed) == [
        Column("x", "number", 0),
        Column("flag", "binary", 2),
        Column("stage", "ordinal", 3),
        Column("kind", "nominal", 2),
    ]


def test_every_bit_comes_back(tmp_path, mixed):
    write_data(mixed, tmp_path)
    assert read_columns(tmp_path) == described(mixed)
    back = read_data(tmp_path)
    pd.testing.assert_frame_equal(back[["x", "flag"]], mixed[["x", "flag"]], check_exact=True)
    for name in ("stage", "kind"):
        assert back[name].cat.codes.tolist() == mixed[name].cat.codes.tolist()
        assert back[name].cat.ordered == mixed[name].cat.ordered
    codes = read_numbers(tmp_path)["stage"].to_numpy()
    np.testing.assert_array_equal(codes, [0, np.nan, 2, 1])


@pytest.mark.long
def test_r_writes_its_boys_as_we_read_them(tmp_path):
    try:
        measure(PEERS["R mice"].command("boys", tmp_path), child_environment())
    except (PeerMissingError, RuntimeError) as reason:
        pytest.skip(str(reason))
    boys = read_data(tmp_path)
    assert boys.shape == (748, 9)
    assert boys["gen"].cat.ordered
    assert len(boys["gen"].cat.categories) == 5
    assert not boys["reg"].cat.ordered
    # What R's own page of the data says is missing.
    missing = {"age": 0, "hgt": 20, "wgt": 4, "bmi": 21, "hc": 46}
    missing |= {"gen": 503, "phb": 503, "tv": 522, "reg": 3}
    assert boys.isna().sum().to_dict() == missing
