"""Groups: separate models for each level of a complete column."""

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesmice as bm

N = 48


@pytest.fixture(scope="module")
def two_sexes():
    """y rises with x for men and falls for women; a level of kind occurs among women only."""
    rng = np.random.default_rng(7)
    sex = np.resize(["m", "f"], N)
    x = rng.normal(size=N)
    y = np.where(sex == "m", 5 + 2 * x, -5 - 2 * x) + 0.1 * rng.normal(size=N)
    kind = np.repeat(np.resize(["a", "b"], N // 2), 2)
    kind = np.where(sex == "m", kind, np.resize(["b", "c", "a"], N))
    frame = pd.DataFrame({"sex": sex, "x": x, "y": y, "kind": kind})
    frame.loc[:9, "y"] = None
    frame.loc[6:15, "kind"] = None
    return frame


@pytest.fixture(scope="module")
def run(two_sexes):
    mice = bm.MICE(two_sexes, by="sex")
    return mice.mice(m=3, sweeps=4, random_seed=1, progressbar=False)


def test_every_group_has_models_of_its_own(two_sexes, run):
    slopes = {
        level: float(
            run.tree[f"conditionals/y[sex={level}]/posterior"]["coefficients"]
            .sel(predictor="x")
            .isel(draw=-1)
            .mean()
        )
        for level in ("m", "f")
    }
    assert slopes["m"] == pytest.approx(2, abs=0.2)
    assert slopes["f"] == pytest.approx(-2, abs=0.2)
    for completed in run:
        assert completed.notna().all().all()
        expected = np.where(
            two_sexes["sex"] == "m", 5 + 2 * two_sexes["x"], -5 - 2 * two_sexes["x"]
        )
        np.testing.assert_allclose(completed["y"], expected, atol=1.5)


def test_a_level_that_a_group_does_not_have_is_not_imputed_there(run):
    for completed in run:
        assert "c" not in set(completed["kind"][completed["sex"] == "m"])


def test_a_group_is_imputed_as_if_the_others_were_not_there(two_sexes, run):
    """Changing the values of one group changes no bit of the other."""
    other = two_sexes.copy()
    women = other["sex"] == "f"
    other.loc[women, "x"] = other.loc[women, "x"] * 3 + 1
    again = bm.MICE(other, by="sex").mice(m=3, sweeps=4, random_seed=1, progressbar=False)
    for one, two in zip(run, again, strict=True):
        pd.testing.assert_frame_equal(one[~women], two[~women], check_exact=True)


def test_the_tree_names_groups(run):
    names = ["y[sex=f]", "kind[sex=f]", "y[sex=m]", "kind[sex=m]"]
    assert list(run.tree["conditionals"].children) == names
    assert list(run.tree["sweep_stats"].data_vars) == names
    assert set(run.convergence().table["variable"]) == set(names)
    assert run.tree["imputations"]["y_row"].to_numpy().tolist() == list(range(10))


def test_pictures_are_drawn_by_group(run):
    picture = bm.plot_trace(run)
    assert set(picture.viz["trace"].data_vars) == set(run.tree["sweep_stats"].data_vars)
    bm.plot_density(run)


def test_models_are_shown_by_group(two_sexes):
    mice = bm.MICE(two_sexes, by="sex")
    assert mice.table.index.names == ["group", "variable"]
    assert mice.model("y", group="m").dim_lengths["row"].eval() == 19
    assert mice.model("y", group="sex=f").dim_lengths["row"].eval() == 19
    priors = [mice.priors("y", group=level, random_seed=1)["prior"] for level in ("m", "f")]
    assert priors[0].loc["Intercept_centered"] != priors[1].loc["Intercept_centered"]
    assert mice.predictor_matrix.loc["y", "x"]
    with pytest.raises(bm.SpecificationError, match="No group was named"):
        mice.model("y")
    with pytest.raises(bm.SpecificationError, match="There is no group 'x'"):
        mice.model("y", group="x")


def test_a_grouped_run_goes_on_from_a_file(two_sexes, tmp_path):
    def impute(sweeps):
        mice = bm.MICE(two_sexes, by="sex")
        return mice.mice(m=2, sweeps=sweeps, random_seed=4, progressbar=False)

    impute(3).to_netcdf(tmp_path / "run.nc")
    again = bm.open_imputations(tmp_path / "run.nc").extend(2, progressbar=False)
    straight = impute(5)
    for one, other in zip(straight, again, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    xr.testing.assert_identical(
        straight.tree["sweep_stats"].to_dataset(), again.tree["sweep_stats"].to_dataset()
    )


def test_what_is_noticed_in_one_group_says_so(two_sexes):
    frame = two_sexes.copy()
    frame.loc[frame["sex"] == "m", "x"] = 1.0
    mice = bm.MICE(frame, by="sex")
    events = mice.mice(m=2, sweeps=1, random_seed=1, progressbar=False).events
    constant = events.query("code == 'constant_column'")
    assert constant["variable"].tolist() == ["x[sex=m]"]
    assert constant["message"].iloc[0].startswith("Rows with sex=m: All 24 observed values are 1")


BAD = {
    "an unknown column": ({"by": "w"}, "by is 'w', which is not a column of data"),
    "an incomplete column": ({"by": "kind"}, "by is 'kind', a column with 10 missing cells"),
    "numbers": ({"by": "x"}, "by is 'x', a column of numbers; expected one with levels"),
}


@pytest.mark.parametrize(("settings", "text"), BAD.values(), ids=BAD)
def test_a_column_that_parts_no_rows_is_refused(two_sexes, settings, text):
    with pytest.raises(bm.SpecificationError, match=re.escape(text)):
        bm.MICE(two_sexes, **settings)


def test_a_group_without_an_observed_value_is_refused(two_sexes):
    frame = two_sexes.copy()
    frame.loc[frame["sex"] == "f", "y"] = None
    with pytest.raises(bm.SpecificationError, match="'y' has no observed value in the 24 rows"):
        bm.MICE(frame, by="sex")
