"""docs/tree.md says what is in a tree: no more, and no less."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pymc as pm
import pytest

import bayesmice as bm

pytestmark = pytest.mark.long

PAGE = Path(__file__).parents[2] / "docs/tree.md"
ALWAYS = {"variable": {"long_name", "description"}, "coordinate": {"long_name"}}
N = 24


def quoted(text):
    return re.findall(r"`([^`]+)`", text)


def read_page():
    """Give the documented names: by paths, a list of (name, kind, dimensions, attributes)."""
    sections, rows = {}, []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if line.startswith("#"):
            paths = tuple(path for path in quoted(line) if path.startswith("/"))
            rows = sections.setdefault(paths, []) if paths else []
        elif len(cells) == 5 and cells[1] in ("variable", "coordinate", "attribute"):
            (name,) = quoted(cells[0])
            rows.append((name, cells[1], tuple(quoted(cells[2])), tuple(quoted(cells[3]))))
    return sections


def section_of(path, page, columns):
    """Find the section of a group, that with the fewest placeholders; None if there is none."""
    found = [
        (own.count("<"), paths)
        for paths in page
        for own in paths
        if re.fullmatch(pattern(own, columns), path)
    ]
    return min(found)[1] if found else None


def pattern(text, columns):
    """Make a regular expression of a name with placeholders."""
    kinds = {
        "<i>": r"\d+",
        "<column>": "(?:" + "|".join(map(re.escape, columns)) + r")(?:\[[^\]]+\])?",
        "<dimension>": r"(?!chain$|draw$|imputation$)[^/]+",
    }
    parts = re.split(r"(<\w+>)", text)
    return "".join(
        kinds.get(part, "[^/]+") if part[:1] == "<" else re.escape(part) for part in parts
    )


def fits(documented, found, columns):
    """Compare dimensions; a last ``<dimension>`` stands for any number of them."""
    own = list(documented)
    if own and own[-1] == "<dimension>" and len(own) > 1:
        own = own[:-1] + ["<dimension>"] * (len(found) - len(own) + 1)
    return len(own) == len(found) and all(
        re.fullmatch(pattern(one, columns), other) for one, other in zip(own, found, strict=True)
    )


def rows_of(dataset, columns, table):
    """Find the row of the table for everything that a group holds."""
    things = [
        *((name, "variable", v.dims, set(v.attrs)) for name, v in dataset.data_vars.items()),
        *((name, "coordinate", v.dims, set(v.attrs)) for name, v in dataset.coords.items()),
        *((name, "attribute", (), set()) for name in dataset.attrs),
    ]
    literal_first = sorted(table, key=lambda row: "<" in row[0])
    for name, kind, dims, attributes in things:
        matching = (
            row
            for row in literal_first
            if row[1] == kind
            and re.fullmatch(pattern(row[0], columns), name)
            and fits(row[2], dims, columns)
        )
        yield name, kind, attributes, next(matching, None)


def check(trees):
    """List all that trees and page do not have in common."""
    page, faults = read_page(), []
    unused = {(path, row) for path, rows in page.items() for row in rows}
    unseen = {(p, r, attribute) for p, rows in page.items() for r in rows for attribute in r[3]}
    absent = set(page)
    for tree in trees:
        columns = list(tree["observed_data"].data_vars)
        columns += [name.replace(" ", "_") for name in columns if " " in name]
        for node in tree.subtree:
            path = section_of(node.path, page, columns)
            if path is None:
                faults.append(f"the group {node.path} is not described")
                continue
            absent.discard(path)
            dataset = node.to_dataset(inherit=False)
            for name, kind, attributes, row in rows_of(dataset, columns, page[path]):
                what = f"{kind} {name} of {node.path}"
                if row is None:
                    faults.append(f"the {what} is not described")
                    continue
                unused.discard((path, row))
                unseen -= {(path, row, attribute) for attribute in attributes}
                always = ALWAYS.get(kind, set())
                faults += [f"the {what} has no {own}" for own in always - attributes]
                extra = attributes - always - set(row[3])
                faults += [f"{own}, attribute of the {what}, is not described" for own in extra]
    faults += [f"no tree has {row[:3]} of {path}" for path, row in unused]
    faults += [
        f"no tree has the attribute {attribute} of {row[:3]} in {path}"
        for path, row, attribute in unseen
    ]
    return faults + [f"no tree has the group {path}" for path in absent]


def block(data):
    """Two columns with a vector parameter that has labels, one without, and what follows."""
    pm.modelcontext(None).add_coord("which", ["one", "two"])
    b = pm.Normal("b", 0, 3, dims="which")
    c = pm.Normal("c", 0, 1, shape=2)
    pm.Deterministic("difference", b[1] - b[0])
    pm.Normal("one", b[0] + c[0] * data["x"], 1, observed=data["one"])
    pm.Normal("two", b[1] + c[1] * data["x"], 1, observed=data["two"])


def mixture(data):
    is_high = pm.Bernoulli("is_high", 0.5)
    pm.Normal("y", 2.0 * is_high, 1, observed=data["y"])


@pytest.fixture(scope="module")
def rich():
    """Everything at once: index, levels, units, a block, passive and unwanted cells, weights."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=N), "one": rng.normal(size=N)})
    frame["two"], frame["y"] = rng.normal(size=N), rng.normal(size=N)
    frame["kind"] = pd.Categorical(np.resize(["a b", "c", "d"], N))
    frame["stage"] = pd.Categorical(np.resize(["I", "II", "III"], N), ordered=True)
    for position, name in enumerate(("one", "two", "y", "kind", "stage")):
        frame.loc[3 * position : 3 * position + 1, name] = None
    frame.index = pd.MultiIndex.from_arrays([np.resize(["u", "v"], N), np.arange(N)])
    frame.attrs["units"] = dict.fromkeys(("one", "two", "y", "kind", "stage"), "mm")
    where = frame.isna()
    where.iloc[0, 1] = False
    mice = bm.MICE(
        frame,
        {
            ("one", "two"): block,
            "y": bm.Regression("x", distributional={"sigma": "x"}),
            "kind": bm.Regression("x"),
            "stage": bm.Regression("x"),
        },
        where=where,
        weights=np.linspace(0.5, 2, N),
        passive={"sum": "one + two"},
    )
    imputations = mice.mice(m=3, chains=2, thin=1, burn_in=0, random_seed=1, progressbar=False)
    imputations.add_log_likelihood("y", "one", progressbar=False)
    imputations.add_posterior_predictive("kind", "y", "one", progressbar=False)
    imputations.add_log_prior().add_prior("y", "one", "kind", draws=3)

    def analysis(data):
        a = pm.Normal("a", 0, 1, shape=2)
        pm.Normal("y", a[0] + a[1] * data["x"], 1, observed=data["y"])

    imputations.sample(analysis, draws=500, tune=300, chains=1, random_seed=1, progressbar=False)
    return imputations.tree


@pytest.fixture(scope="module")
def grouped():
    """Groups of rows, limits, and steps whose states are text."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"my dose": rng.normal(size=N), "y": rng.normal(size=N)})
    frame["sex"] = np.resize(["m", "f"], N)
    frame.loc[0:3, "my dose"] = None
    frame.loc[5:6, "y"] = None
    frame.attrs["units"] = {"my dose": "mg"}
    limits = {"my dose": (None, np.where(np.arange(N) < 2, 0.0, np.nan))}
    mice = bm.MICE(frame, {"y": mixture}, by="sex", limits=limits)
    return mice.mice(m=1, sweeps=1, random_seed=1, progressbar=False).tree


@pytest.fixture(scope="module")
def others():
    """Another library, dtypes of Arrow, times, and imputations that no run made; no model."""
    days = pd.Series(pd.date_range("2020", periods=6))
    frame = pd.DataFrame({"day": days, "k": [1.0, 1.0, 1.0, 1.0, 1.0, None]})
    frame["code"] = pd.array(list("ababab"), dtype=pd.ArrowDtype(pa.string()))
    found = []
    for data in (frame, pl.DataFrame({"k": [1.0, 1.0, None]})):
        run = bm.MICE(data).mice(m=2, sweeps=1, random_seed=1, progressbar=False)
        found += [run.tree, run.select([0]).tree]
    return found


@pytest.fixture(scope="module")
def checked(rich, grouped, others):
    return check([rich, grouped, *others])


def test_the_page_describes_what_trees_hold_and_nothing_else(checked):
    assert checked == []


def test_differences_are_found(rich, grouped):
    """The check itself: something more in a tree, something less, something undescribed."""
    changed = rich.copy(deep=True)
    changed["imputations"]["y"].attrs["colour"] = "red"
    del changed["sweep_stats"]["y"].attrs["description"]
    changed["conditionals/y/extra"] = changed["event_log"].copy()
    changed.attrs["mood"] = "good"
    del changed["conditionals/y"]["log_prior"]
    faults = check([changed, grouped])
    assert "the group /conditionals/y/extra is not described" in faults
    assert "the attribute mood of / is not described" in faults
    assert "colour, attribute of the variable y of /imputations, is not described" in faults
    assert "the variable y of /sweep_stats has no description" in faults
    assert not any("log_prior" in fault for fault in faults), "other models have one"
    assert any("no tree has" in fault and "observed_data" in fault for fault in check([grouped]))
