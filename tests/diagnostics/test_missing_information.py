"""Fractions of missing information of means, and the uncertainty of cells."""

import numpy as np
import pandas as pd
import pytest

import bayesmice as bm


@pytest.fixture(scope="module")
def imputations():
    mice = bm.MICE(bm.load_dataset("nhanes2"))
    return mice.mice(m=6, sweeps=5, random_seed=1, progressbar=False)


@pytest.fixture(scope="module")
def information(imputations):
    return imputations.fmi()


def rubin(means, variances, df_complete):
    """Rubin 1987, p. 76-77, and Barnard and Rubin 1999, as van Buuren 2018, section 2.3."""
    m, within, between = len(means), np.mean(variances), np.var(means, ddof=1)
    total = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * between / total
    df_old = (m - 1) / share**2
    df_observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    df = df_old * df_observed / (df_old + df_observed)
    riv = (1 + 1 / m) * between / within
    return total, share, df, (riv + 2 / (df + 3)) / (1 + riv)


@pytest.mark.parametrize(
    ("row", "values"),
    [
        (("bmi", "mean"), lambda data: data["bmi"]),
        (("chl", "mean"), lambda data: data["chl"]),
        (("hyp", "share of yes"), lambda data: (data["hyp"] == "yes") * 1.0),
    ],
)
def test_fractions_are_those_of_rubins_rules(information, imputations, row, values) -> None:
    completed = [values(data) for data in imputations.data]
    means = [column.mean() for column in completed]
    variances = [column.var() / 25 for column in completed]
    total, share, df, fmi = rubin(means, variances, 24)
    found = information.table.loc[row]
    assert found["estimate"] == pytest.approx(np.mean(means))
    assert found["std_error"] == pytest.approx(np.sqrt(total))
    assert found["lambda"] == pytest.approx(share)
    assert found["df"] == pytest.approx(df)
    assert found["fmi"] == pytest.approx(fmi)
    assert found["relative_efficiency"] == pytest.approx(1 / (1 + fmi / 6))
    logit = np.log(fmi / (1 - fmi)) + 1.959963984540054 * np.sqrt(2 / 6)
    assert found["fmi_high"] == pytest.approx(1 / (1 + np.exp(-logit)))


def test_cells_have_the_spread_of_their_imputations(information, imputations) -> None:
    data = bm.load_dataset("nhanes2")
    own = information.cells.query("variable == 'bmi'").set_index("row")
    assert own.index.tolist() == np.flatnonzero(data["bmi"].isna()).tolist()
    drawn = np.array([completed["bmi"] for completed in imputations.data])[:, own.index]
    np.testing.assert_allclose(own["mean"], drawn.mean(axis=0))
    np.testing.assert_allclose(own["variance"], drawn.var(axis=0, ddof=1))
    expected = drawn.var(axis=0, ddof=1) / data["bmi"].var()
    np.testing.assert_allclose(own["relative_variance"], expected)


def test_cells_with_levels_have_probabilities_and_an_entropy(information, imputations) -> None:
    own = information.cells.query("variable == 'hyp'").set_index("row")
    drawn = np.array([completed["hyp"] == "yes" for completed in imputations.data])
    yes = drawn[:, own.index].mean(axis=0)
    probabilities = information.probabilities("hyp")
    np.testing.assert_allclose(probabilities["yes"], yes)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nansum([yes * np.log(yes), (1 - yes) * np.log(1 - yes)], axis=0)
    np.testing.assert_allclose(own["entropy"], entropy, atol=1e-12)
    np.testing.assert_allclose(own["probability"], np.maximum(yes, 1 - yes))
    assert own["mean"].isna().all()
    with pytest.raises(bm.SpecificationError, match=r"got 'bmi'; .* with levels: hyp\."):
        information.probabilities("bmi")


def test_flux_is_there_too(information) -> None:
    pd.testing.assert_frame_equal(
        information.flux, bm.flux(bm.load_dataset("nhanes2")).loc[["bmi", "hyp", "chl"]]
    )


def test_text_and_html_say_where_most_is_missing(information) -> None:
    assert repr(information).startswith("Missing information: m=6 imputations, 3 columns")
    worst = information.table["fmi"].idxmax()[0]
    assert f"of {worst}: " in repr(information)
    assert "outflux" in repr(information)
    assert information._repr_html_().count("<table") == 1


def test_several_levels_have_a_row_each() -> None:
    data = bm.load_dataset("nhanes2").assign(age=lambda d: d["age"].mask(d.index < 3))
    own = bm.MICE(data).mice(m=2, sweeps=2, random_seed=1, progressbar=False).fmi("age")
    assert own.table.index.get_level_values("quantity").tolist() == [
        "share of 20-39",
        "share of 40-59",
        "share of 60-99",
    ]
    assert own.table["estimate"].sum() == pytest.approx(1)


def test_reopened_tabulated_and_combined_imputations_give_the_same(imputations, tmp_path) -> None:
    expected = imputations.fmi().table
    reopened = bm.open_imputations(imputations.to_netcdf(tmp_path / "run.nc"))
    tabulated = bm.from_long(imputations.long(include_original=True))
    halves = bm.concat([imputations.select(slice(0, 3)), imputations.select(slice(3, 6))])
    for own in (reopened, tabulated, halves):
        pd.testing.assert_frame_equal(own.fmi().table, expected)


def test_observed_cells_that_where_wants_count_as_observed() -> None:
    data = bm.load_dataset("nhanes2")
    where = data.isna()
    where.loc[1, "bmi"] = True  # observed
    where.loc[0, "bmi"] = False  # missing, and stays so
    mice = bm.MICE(data, where=where)
    own = mice.mice(m=3, sweeps=2, random_seed=1, progressbar=False).fmi("bmi")
    assert len(own.cells) == 8
    assert own.table["missing"].item() == pytest.approx(8 / 24)


def test_whole_numbers_are_rounded_as_in_completed_data() -> None:
    data = pd.DataFrame({"a": pd.array([1, None, 4, 2, 9, 7], "Int64"), "b": [1.0, 2, 3, 4, 5, 7]})
    mice = bm.MICE(data, {"a": bm.Regression(draw="predictive")})
    imputations = mice.mice(m=4, sweeps=2, random_seed=1, progressbar=False)
    means = [float(completed["a"].mean()) for completed in imputations.data]
    assert imputations.fmi().table["estimate"].item() == pytest.approx(np.mean(means))


def test_a_column_that_does_not_vary_has_no_fraction() -> None:
    data = pd.DataFrame({"a": [1.0, 1.0, np.nan, 1.0], "b": [3.0, 1.0, 2.0, 4.0]})
    own = bm.MICE(data).mice(m=2, sweeps=2, random_seed=1, progressbar=False).fmi()
    assert own.table["fmi"].isna().all()
    assert "No column varies" in repr(own)


def test_what_has_no_missing_information_is_refused(imputations) -> None:
    with pytest.raises(bm.PoolingError, match="fmi compares imputations, and there is 1"):
        imputations.select([0]).fmi()
    with pytest.raises(bm.SpecificationError, match=r"names 'age', which is none of the columns w"):
        imputations.fmi("age")
    with pytest.raises(bm.SpecificationError, match=r"names 'bmi\[sex=male\]'"):
        imputations.fmi(["bmi[sex=male]"])
    with pytest.raises(bm.SpecificationError, match="var_names is empty"):
        imputations.fmi([])
    complete = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3.0, 1.0, 2.0]})
    run = bm.MICE(complete).mice(m=2, sweeps=2, random_seed=1, progressbar=False)
    with pytest.raises(bm.SpecificationError, match="no missing cell of the data was imputed"):
        run.fmi()
