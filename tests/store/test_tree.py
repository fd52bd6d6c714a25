"""The tree: groups, dimensions, types and attributes are as documented."""

import json

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

M, SWEEPS, N, N_MISSING = 2, 5, 24, 3


@pytest.fixture
def incomplete(data):
    return set(data) - {"complete int"}


def test_the_groups_are_those_of_the_documentation(run, incomplete):
    assert set(run.tree.children) == {
        "observed_data",
        "imputations",
        "conditionals",
        "sweep_stats",
        "event_log",
        "state",
    }
    assert set(run.tree["conditionals"].children) == incomplete
    for name in incomplete:
        assert set(run.tree[f"conditionals/{name}"].children) == {"posterior", "sample_stats"}


def test_the_root_says_what_was_run_and_has_no_coordinates(run, data):
    attrs = run.tree.attrs
    assert (attrs["m"], attrs["sweeps"], attrs["random_seed"]) == (M, SWEEPS, "7")
    assert attrs["format"].startswith("bayesmice ")
    assert json.loads(attrs["visit_sequence"]) == [name for name in data if name != "complete int"]
    for package in ("bayesmice", "pymc", "jax"):
        assert attrs[f"{package}_version"]
    assert not run.tree.coords
    assert not run.tree["conditionals"].coords


def test_the_specification_is_kept_as_json(run, data):
    specification = json.loads(run.tree.attrs["specification"])
    assert list(specification) == list(data)
    assert specification["float"]["model"] == "gaussian"
    others = [name for name in data if name != "float"]
    assert specification["float"]["formula"] == " + ".join(["float ~ 1", *others])
    assert "sigma" in specification["float"]["priors"]


def test_observed_data_are_numbers_and_codes_with_nan_where_missing(run, data):
    observed = run.tree["observed_data"].to_dataset()
    assert observed.sizes == {"row": N}
    np.testing.assert_array_equal(observed["float"], data["float"])
    codes = data["my stage"].cat.codes.astype(float).replace(-1, np.nan)
    np.testing.assert_array_equal(observed["my stage"], codes)
    np.testing.assert_array_equal(observed["row"], np.arange(N))


def test_only_missing_cells_are_stored(run, data, incomplete):
    group = run.tree["imputations"].to_dataset()
    assert set(group.data_vars) == incomplete
    for name in incomplete:
        assert group[name].dims == ("imputation", f"{name}_row")
        assert group[name].shape == (M, N_MISSING)
        rows = np.flatnonzero(data[name].isna())
        np.testing.assert_array_equal(group[f"{name}_row"], rows)
        for i, completed in enumerate(run.data):
            stored = group[name].isel(imputation=i).to_numpy()
            kept = completed[name].iloc[rows]
            if "levels" in group[name].attrs:
                levels = json.loads(group[name].attrs["levels"])
                assert kept.tolist() == [levels[code] for code in stored]
            else:
                whole = pd.api.types.is_integer_dtype(kept.dtype)
                expected = np.rint(stored) if whole else stored
                np.testing.assert_allclose(kept.to_numpy(dtype=float), expected, rtol=1e-6)


def test_imputations_say_which_chain_and_sweep_they_are(run):
    group = run.tree["imputations"]
    np.testing.assert_array_equal(group["imputation"], [0, 1])
    np.testing.assert_array_equal(group["imputation_chain"], [0, 1])
    np.testing.assert_array_equal(group["imputation_sweep"], [SWEEPS - 1] * M)


@pytest.mark.parametrize("group", ["imputations", "observed_data"])
def test_levels_are_codes_with_cf_flags(run, group):
    stage = run.tree[group]["my stage"]
    np.testing.assert_array_equal(stage.attrs["flag_values"], [0, 1, 2])
    assert stage.attrs["flag_meanings"] == "stage_0 I II"
    assert stage.attrs["scale"] == "ordinal"
    assert json.loads(stage.attrs["levels"]) == ["stage 0", "I", "II"]
    assert run.tree[group]["boolean"].attrs["flag_meanings"] == "False True"
    assert "flag_values" not in run.tree[group]["float"].attrs


def test_imputed_codes_are_small_integers_and_numbers_are_floats(run):
    group = run.tree["imputations"]
    assert group["my stage"].dtype == np.int8
    assert group["boolean"].dtype == np.int8
    assert group["str"].dtype == np.int8
    assert group["float"].dtype == np.float64


def test_parameters_are_over_chain_and_draw_with_labels(run):
    posterior = run.tree["conditionals/my stage/posterior"]
    assert posterior["coefficients"].dims == ("chain", "draw", "predictor")
    labels = posterior["predictor"].to_numpy().tolist()
    assert posterior["coefficients"].shape == (M, SWEEPS, len(labels))
    assert labels[:4] == ["float", "float32", "Float64", "complete int"]
    assert labels[-2:] == ["category of numbers[T.4]", "category of numbers[T.30]"]
    assert posterior["cutpoints"].dims == ("chain", "draw", "cutpoint")
    assert posterior["cutpoint"].to_numpy().tolist() == ["stage 0|I", "I|II"]
    np.testing.assert_array_equal(posterior["draw"], np.arange(SWEEPS))
    ordered = np.diff(posterior["cutpoints"].to_numpy(), axis=-1)
    assert (ordered > 0).all()
    assert set(run.tree["conditionals/float/posterior"].data_vars) == {
        "Intercept",
        "Intercept_centered",
        "coefficients",
        "sigma",
    }


def test_sample_stats_are_named_as_arviz_names_them(run):
    statistics = run.tree["conditionals/float/sample_stats"]
    assert set(statistics.data_vars) == {
        "acceptance_rate",
        "diverging",
        "energy",
        "lp",
        "n_steps",
        "step_size",
    }
    assert statistics["diverging"].dtype == bool
    assert np.issubdtype(statistics["n_steps"].dtype, np.integer)
    acceptance = statistics["acceptance_rate"].to_numpy()
    assert acceptance.shape == (M, SWEEPS)
    assert ((acceptance >= 0) & (acceptance <= 1)).all()


def test_sweep_stats_of_the_last_sweep_are_those_of_the_imputations(run, incomplete):
    stats = run.tree["sweep_stats"].to_dataset()
    assert set(stats.data_vars) == incomplete
    assert stats["float"].dims == ("chain", "draw", "statistic")
    cells = run.tree["imputations"]["float"].to_numpy()
    last = stats["float"].isel(draw=-1)
    np.testing.assert_allclose(last.sel(statistic="mean"), cells.mean(axis=1))
    np.testing.assert_allclose(last.sel(statistic="sd"), cells.std(axis=1, ddof=1))


def test_the_event_log_has_a_row_per_event(run):
    log = run.tree["event_log"].to_dataset()
    assert set(log.data_vars) == {"severity", "code", "message", "variable", "chain", "sweep"}
    assert log.sizes["event"] == len(run.events)


@pytest.mark.parametrize("name", ["float", "boolean", "str", "my stage"])
def test_arviz_reads_every_conditional_model(run, name):
    tree = run.tree[f"conditionals/{name}"]
    summary = az.summary(tree)
    n_parameters = sum(
        int(np.prod(draws.shape[2:])) for draws in tree["posterior"].data_vars.values()
    )
    assert len(summary) == n_parameters
    for diagnose in (az.rhat, az.ess):
        found = diagnose(tree)
        found = found["posterior"] if "posterior" in found.children else found
        assert set(found.data_vars) == set(tree["posterior"].data_vars)


def test_complete_columns_have_no_conditionals(quick):
    tree = quick().tree
    assert set(tree["conditionals"].children) == {"y"}
    assert isinstance(tree, xr.DataTree)
