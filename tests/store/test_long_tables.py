"""Long tables: what R wrote is read, R reads what is written, and what is wrong is refused."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import bayesmice as bm
from bayesmice.errors import BayesMiceError

REFERENCE = Path(__file__).parent / "reference"
R = json.loads((REFERENCE / "long_tables.json").read_text())
TERMS = {"(Intercept)": "Intercept", "sitenorth": "site[T.north]", "siteeast": "site[T.east]"}
PROGRAM = """
if (!requireNamespace("mice", quietly = TRUE) || !requireNamespace("jsonlite", quietly = TRUE))
  quit(status = 3)
suppressMessages(library(mice))
source("read.R")
pooled <- summary(pool(with(imputations, lm(outcome ~ dose + site))))
plain <- as.mids(read.csv("long.csv", stringsAsFactors = TRUE))
jsonlite::write_json(list(
  m = imputations$m, stage = levels(imputations$data$stage),
  ordered = is.ordered(imputations$data$stage), site = levels(imputations$data$site),
  smoker = class(imputations$data$smoker), missing = unname(colSums(is.na(imputations$data))),
  term = as.character(pooled$term), estimate = pooled$estimate, std_error = pooled$std.error,
  df = pooled$df, plain = class(plain), plain_levels = levels(plain$data$stage)
), "pooled.json", digits = NA, auto_unbox = TRUE)
write.csv(complete(imputations, "long", include = TRUE), "back.csv", row.names = FALSE)
"""


def in_r(folder, program):
    """Run lines of R in a folder; skip where R or its packages are not installed."""
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    run = subprocess.run(
        ["Rscript", "-e", program], cwd=folder, check=False, capture_output=True, text=True
    )
    if run.returncode == 3:
        pytest.skip("mice or jsonlite is not installed in R")
    assert run.returncode == 0, run.stderr


def with_levels(table):
    stage = pd.CategoricalDtype(R["levels"]["stage"], ordered=True)
    return table.astype({"stage": stage, "site": pd.CategoricalDtype(R["levels"]["site"])})


@pytest.fixture(scope="module")
def table():
    """What R wrote, with the dtypes that its columns had."""
    return with_levels(pd.read_csv(REFERENCE / "long_table.csv"))


@pytest.fixture(scope="module")
def imputations(table):
    return bm.from_long(table)


def fit(frame):
    return smf.ols("outcome ~ dose + site", frame).fit()


def same_as_r(pooled, r, tolerance):
    table = pooled.table.set_index(pooled.table.index.astype(str))
    for name in ("estimate", "std_error", "df"):
        ours = [table.loc[TERMS.get(term, term), name] for term in r["term"]]
        np.testing.assert_allclose(ours, r[name], rtol=tolerance)


def test_a_table_of_r_is_read(table, imputations):
    assert imputations.m == 4
    original = table[table[".imp"] == 0].drop(columns=[".imp", ".id"])
    for i, frame in enumerate(imputations):
        own = table[table[".imp"] == i + 1].drop(columns=[".imp", ".id"]).reset_index(drop=True)
        pd.testing.assert_frame_equal(frame, own)
    assert imputations.incomplete == [name for name in original if original[name].isna().any()]


def test_pooled_results_of_a_table_of_r_are_those_of_r(imputations):
    same_as_r(imputations.analyze(fit, progressbar=False).pool(), R["pooled"], 1e-8)


def test_a_table_of_r_is_written_as_it_was_read(table, imputations):
    table_again = imputations.long(include_original=True)
    assert table_again.index.tolist() == [*range(40)] * 5
    pd.testing.assert_frame_equal(table_again.reset_index(drop=True), table)


def test_r_reads_what_is_written(imputations, tmp_path):
    imputations.to_mids_csv(tmp_path / "long.csv", script=tmp_path / "read.R")
    script = (tmp_path / "read.R").read_text().replace(f"{tmp_path}/", "")
    (tmp_path / "read.R").write_text(script)
    in_r(tmp_path, PROGRAM)
    r = json.loads((tmp_path / "pooled.json").read_text())
    assert (r["m"], r["ordered"], r["smoker"]) == (4, True, "logical")
    assert (r["stage"], r["site"]) == (R["levels"]["stage"], R["levels"]["site"])
    assert r["missing"] == [8, 8, 8, 0, 8]
    assert (r["plain"], r["plain_levels"]) == ("mids", ["high", "low", "mid"])
    pooled = imputations.analyze(fit, progressbar=False).pool()
    same_as_r(pooled, r, 1e-8)
    back = bm.from_long(with_levels(pd.read_csv(tmp_path / "back.csv")))
    for ours, theirs in zip(imputations, back, strict=True):
        pd.testing.assert_frame_equal(theirs, ours, rtol=1e-13)


def small():
    """Two imputations of four rows, by hand."""
    rows = {".imp": [0] * 4 + [1] * 4 + [2] * 4, ".id": [1, 2, 3, 4] * 3}
    x = [1.0, np.nan, 3.5, 2.0, 1.0, 2.5, 3.5, 2.0, 1.0, 0.5, 3.5, 2.0]
    kind = ["a", "b", None, "b", "a", "b", "a", "b", "a", "b", "b", "b"]
    return pd.DataFrame(rows | {"x": x, "kind": kind})


def check_small(imputations):
    for frame, x, kind in zip(imputations, (2.5, 0.5), "ab", strict=True):
        assert frame["x"].tolist() == [1.0, x, 3.5, 2.0]
        assert frame["kind"].tolist() == ["a", "b", kind, "b"]


def test_rows_and_columns_can_come_in_any_order():
    check_small(bm.from_long(small()))
    for seed in range(3):
        shuffled = small().sample(frac=1, random_state=seed)[["kind", ".id", "x", ".imp"]]
        imputations = bm.from_long(shuffled)
        ids = shuffled.loc[shuffled[".imp"] == 0, ".id"]
        assert imputations.completed(0).index.tolist() == ids.tolist()
        for i, frame in enumerate(imputations):
            own = shuffled[shuffled[".imp"] == i + 1].set_index(".id").loc[ids]
            assert frame["x"].tolist() == own["x"].tolist()
            assert frame["kind"].tolist() == own["kind"].tolist()


def test_columns_are_named_by_arguments_and_ids_are_not_needed():
    named = small().rename(columns={".imp": "copy", ".id": "patient"})
    check_small(bm.from_long(named, imp="copy", id="patient"))
    check_small(bm.from_long(small().drop(columns=".id"), id=None))


@pytest.mark.parametrize("kind", [float, str, "category", "Int64"])
def test_numbers_of_imputations_can_be_of_any_type(kind):
    check_small(bm.from_long(small().astype({".imp": kind})))
    skipped = small()
    skipped[".imp"] = skipped[".imp"].map({0: 0, 1: 3, 2: 10})
    check_small(bm.from_long(skipped.astype({".imp": kind})))


def test_ids_become_labels_of_rows_unless_they_count():
    assert bm.from_long(small()).completed(0).index.identical(pd.RangeIndex(4))
    labelled = small()
    labelled[".id"] = list("dbca") * 3
    imputations = bm.from_long(labelled.sort_values([".imp", ".id"]))
    assert imputations.completed(0).index.tolist() == list("abcd")
    assert imputations.completed(1)["x"].tolist() == [2.0, 0.5, 3.5, 1.0]


def test_an_index_that_goes_along_is_kept():
    index = pd.MultiIndex.from_arrays([list("ppqq"), [7, 7, 1, 2]], names=["site", "visit"])
    table = small().set_index(pd.MultiIndex.from_tuples(list(index) * 3, names=index.names))
    assert bm.from_long(table).completed(0).index.identical(index)
    assert bm.from_long(table.iloc[::-1]).completed(0).index.tolist() == list(index)[::-1]


def test_imputed_values_that_nobody_showed_are_kept():
    table = small().assign(score=[1.0, 2, np.nan, 1, 1, 2, 1.4, 1, 1, 2, 0.7, 1])
    table["kind"] = pd.Categorical(table["kind"], ["c", "b", "a"])
    table.loc[6, "kind"] = "c"
    imputations = bm.from_long(table)
    assert imputations.completed(0)["score"].tolist() == [1, 2, 1.4, 1]
    assert imputations.completed(1)["score"].tolist() == [1, 2, 0.7, 1]
    assert imputations.completed(0)["kind"].tolist() == ["a", "b", "c", "b"]
    assert json.loads(imputations.tree["imputations/kind"].attrs["levels"]) == ["c", "b", "a"]


def test_a_column_without_observed_values_is_read_if_it_was_imputed():
    table = small().assign(computed=[np.nan] * 4 + [1.0, 2, 3, 4, 5, 6, 7, 8])
    assert bm.from_long(table).completed(1)["computed"].tolist() == [5, 6, 7, 8]


def test_observed_cells_are_imputed_where_the_table_says_so():
    table = small()
    table.loc[4, "x"] = 9.0
    where = table.loc[:3, ["x", "kind"]].isna()
    where.loc[0, "x"] = True
    imputations = bm.from_long(table, where=where)
    assert imputations.completed(0)["x"].tolist() == [9.0, 2.5, 3.5, 2.0]
    assert imputations.completed(1)["x"].tolist() == [1.0, 0.5, 3.5, 2.0]
    where.loc[1, "x"] = False
    table.loc[[5, 9], "x"] = np.nan
    assert np.isnan(bm.from_long(table, where=where).completed(0)["x"][1])


def changed(row, column, value):
    table = small()
    table[column] = [value if k == row else own for k, own in enumerate(table[column])]
    return table


REFUSED = {
    "no numbers": (small().drop(columns=".imp"), "The table has no column '.imp'. Columns: '.id'"),
    "numbers in the index": (small().set_index(".imp"), "use table.reset_index()"),
    "no ids": (small().drop(columns=".id"), "say id=None if rows come in the same order"),
    "no original": (small().iloc[4:], "no rows of the original, with 0 in '.imp'"),
    "no imputation": (small().iloc[:4], "rows of the original only, with 0 in '.imp'"),
    "too few rows": (small().iloc[:-1], "Imputation 2 has 3 rows, and the original has 4"),
    "missing number": (changed(3, ".imp", np.nan), "Column '.imp' is missing in row 3"),
    "half a number": (changed(3, ".imp", 0.5), "Column '.imp' holds 0.5; expected whole numbers"),
    "infinite number": (changed(3, ".imp", np.inf), "Column '.imp' holds inf; expected whole"),
    "negative number": (changed(3, ".imp", -1), "Column '.imp' holds -1; expected whole numbers"),
    "text as number": (changed(3, ".imp", "first"), "and others that are not all numbers"),
    "other ids": (changed(6, ".id", 99), "Imputation 1 has a row with the '.id' 99"),
    "repeated ids": (changed(6, ".id", 1), "Imputation 1 has several rows with the '.id' 1"),
    "repeated ids of the original": (changed(2, ".id", 1), "holds 1 for several rows"),
    "missing ids": (changed(2, ".id", np.nan), "Column '.id' is missing in rows of the original"),
    "observed number": (
        changed(8, "x", 4.0),
        "Column 'x' holds 1.0 in the original and 4.0 in imputation 2, in row 0",
    ),
    "observed level": (changed(5, "kind", "a"), "holds 'b' in the original and 'a' in imputation"),
    "observed and lost": (
        changed(5, "kind", None),
        "and a missing value in imputation 1, in row 1",
    ),
    "still missing": (changed(9, "x", np.nan), "Column 'x' is still missing in imputation 2, in"),
    "infinite": (changed(9, "x", np.inf), "Column 'x' holds 1 infinite value"),
    "twice": (small().assign(other=1.0).rename(columns={"other": "x"}), "duplicate column names"),
    "two columns of numbers": (
        small().assign(other=1.0).rename(columns={"other": ".imp"}),
        "The table has 2 columns '.imp'",
    ),
    "reserved": (small().rename(columns={"x": "chain"}), "data has a column named 'chain'"),
}


@pytest.mark.parametrize(("table", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_refused(table, text):
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        bm.from_long(table)
    assert isinstance(caught.value, BayesMiceError)


def test_anything_but_a_data_frame_is_refused():
    with pytest.raises(TypeError, match="from_long expected the long table as a data frame"):
        bm.from_long({".imp": [0, 1]})


def test_it_is_saved_and_opened_but_does_not_go_on(table, imputations, tmp_path):
    opened = bm.open_imputations(imputations.to_netcdf(tmp_path / "table.nc"))
    assert repr(opened) == repr(imputations)
    assert "40 rows, from a long table (bm.from_long); 1 events" in repr(opened)
    assert opened.events["message"].tolist() == ["Read 4 imputations of 40 rows from a long table."]
    for given in (imputations, opened):
        for frame, own in zip(given, imputations, strict=True):
            pd.testing.assert_frame_equal(frame, own)
        with pytest.raises(RuntimeError, match="extend needs the run behind") as caught:
            given.extend(sweeps=2)
        assert "these come from a long table (bm.from_long)" in str(caught.value)
        assert isinstance(caught.value, BayesMiceError)
        with pytest.raises(RuntimeError, match="There are no sweeps to diagnose: these"):
            given.convergence()


def test_the_script_tells_r_which_cells_were_imputed(tmp_path):
    table = small()
    table.loc[4, "x"] = 9.0
    where = table.loc[:3, ["x", "kind"]].isna()
    where.loc[0, "x"] = True
    where.loc[2, "kind"] = False
    table.loc[[6, 10], "kind"] = None
    imputations = bm.from_long(table, where=where)
    imputations.to_mids_csv(tmp_path / "long.csv", script=tmp_path / "read.R")
    script = (tmp_path / "read.R").read_text()
    assert "where[c(1), 1] <- TRUE\nwhere[c(3), 2] <- FALSE\n" in script
    assert "mice::as.mids(long, where = where)" in script
    program = script.replace(f"{tmp_path}/", "") + "\n".join(
        [
            "completed <- mice::complete(imputations, 1)",
            "stopifnot(identical(completed$x, c(9, 2.5, 3.5, 2)), is.na(completed$kind[3]))",
        ]
    )
    in_r(tmp_path, f'if (!requireNamespace("mice", quietly = TRUE)) quit(status = 3)\n{program}')


def test_levels_of_any_kind_are_written_so_that_r_reads_them(tmp_path):
    odd = ['say "a", b', "01", "tab\there", "", "ä ß"]
    original = pd.DataFrame(
        {
            "text": [*odd, None],
            "dose": pd.Categorical([30, 4, 1, 4, None, 30], [30, 1, 4, 7]),
            "flag": pd.array([True, None, False, True, True, False], dtype="boolean"),
        }
    )
    filled = original.fillna({"text": "01", "dose": 1, "flag": False})
    numbered = [frame.assign(**{".imp": i}) for i, frame in enumerate((original, filled))]
    imputations = bm.from_long(pd.concat(numbered), id=None)
    imputations.to_mids_csv(tmp_path / "long.csv", script=tmp_path / "read.R")
    script = (tmp_path / "read.R").read_text().replace(f"{tmp_path}/", "")
    levels = json.dumps(sorted(odd), ensure_ascii=False)[1:-1]
    checks = f"""
stopifnot(
  identical(levels(long$text), c({levels})),
  identical(levels(long$dose), c("30", "1", "4", "7")), is.logical(long$flag),
  sum(is.na(long$text)) == 1, sum(is.na(long$dose)) == 1, sum(is.na(long$flag)) == 1
)"""
    (tmp_path / "check.R").write_text(script + checks, encoding="utf-8")
    in_r(
        tmp_path,
        'if (!requireNamespace("mice", quietly = TRUE)) quit(status = 3)\n'
        'source("check.R", encoding = "UTF-8")',
    )


def test_a_level_that_r_would_take_for_missing_is_refused(tmp_path):
    table = small().replace({"kind": {"a": "NA"}})
    with pytest.raises(ValueError, match="Column 'kind' has the level 'NA', which R reads as"):
        bm.from_long(table).to_mids_csv(tmp_path / "long.csv")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        bm.from_long(small()).to_mids_csv(tmp_path / "nowhere" / "long.csv")
    assert list(tmp_path.iterdir()) == []
