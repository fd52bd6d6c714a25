"""The validation page shows the numbers that are kept, and R's mice can be asked for more."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import validation_page
from peers import Peer, r_session
from validate import DOCS, kept


def test_the_page_is_what_the_kept_numbers_make_of_it(tmp_path) -> None:
    copy = Path(shutil.copy(DOCS / "validation.md", tmp_path))
    validation_page.write(kept(), copy)
    assert copy.read_text() == (DOCS / "validation.md").read_text()


def test_what_is_written_by_hand_stays(tmp_path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{validation_page.BEGIN}\nold\n{validation_page.END}\nafter\n")
    validation_page.write({}, page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text


@pytest.mark.skipif(not r_session().versions, reason="needs R with its package mice")
def test_r_fills_missing_cells_and_leaves_the_others() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=60)
    grade = pd.Categorical.from_codes(rng.integers(0, 3, 60), ["low", "middle", "high"], True)
    data = pd.DataFrame({"y": y, "x": y + rng.normal(size=60), "grade": grade, "b": y > 0})
    data["b"] = data["b"].astype(float)
    for name in ("x", "grade", "b"):
        data.loc[rng.choice(60, 15, replace=False), name] = None
    methods = {"x": "norm", "grade": "polr", "b": "logreg"}
    completed = Peer(methods, sweeps=2).imputer(3)(data, 1)
    assert len(completed) == 3
    for frame in completed:
        assert frame.notna().all().all()
        assert set(frame["b"]) == {0.0, 1.0}
        assert frame["grade"].dtype == data["grade"].dtype
        for name in data:
            seen = data[name].notna()
            assert frame.loc[seen, name].tolist() == data.loc[seen, name].tolist()
    assert not completed[0].equals(completed[1])


@pytest.mark.skipif(not r_session().versions, reason="needs R with its package mice")
def test_what_r_refuses_is_an_error_here() -> None:
    data = pd.DataFrame({"x": [1.0, np.nan, 2.0, 4.0], "y": [1.0, 2.0, 3.0, 5.0]})
    with pytest.raises(RuntimeError, match="R's mice failed"):
        Peer({"x": "nonesuch"}).imputer(2)(data, 1)
