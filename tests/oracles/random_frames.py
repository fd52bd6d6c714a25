"""Data frames of every kind, for property tests: most can be imputed, some have to be refused.

Hypothesis chooses what a frame is made of, so that it can make a failing frame smaller; the values
of long columns come from a seed that it chooses.
"""

import datetime

import numpy as np
import pandas as pd
from hypothesis import strategies as st

SCALES = [1.0, 1.0, 1.0, 1e-3, 1e12, 1e-12, 1e30, 1e-30]
EXTREME = [1e90, 1e-90, 1e150, 1e-150, 1e300, 1e-300]
OFFSETS = [0.0, 0.0, 1.0, -50.0, 1e9, 1e-9]
WORDS = ["a", "b", "c", "", " ", "A", "1", "nan", "None", "True", "é", "日本", "a,b", "x=y", "[b]"]
LABELS = [
    *("x", "y", "z", "age", "x y", "for", "class", "lambda", "a:b", "a*b", "a+b", "`", '"', "'"),
    *("1", "x.1", "[x]", "{y}", "<b>", "é", "日本", "\n", "%s", "C(x)", "np", "-", "~", "|", "__"),
    *(
        "beta",
        "mu",
        "y_row",
        ".x",
        "index",
        "frame",
        "data",
        "coefficients_sigma",
        "y_mean",
        "cell",
    ),
    *("y_wanted", "predictor", "design_column", "category", "level", "event", "value", "log"),
    *(0, 1, 2, -1, 2.5, True, None, float("nan"), ("a", 1), datetime.date(2020, 1, 1)),
]
TAKEN = [
    "row",
    "draw",
    ".",
    "m\\s",
    "a\0",
    "a/b",
    "",
    "chain",
    "Intercept",
    "sigma",
    "coefficients",
    "observed",
]
DECLARED = {
    "text": ["low", "mid", "high", "top"],
    "numbers": [3, 1, 2, 10],
    "floats": [0.5, -1.0, 2.25, 1e9],
    "logical": [True, False],
    "mixed": ["a", 1, 2.5, False],
    "dates": list(pd.to_datetime(["2020-01-01", "2021-06-01", "2019-03-04"])),
    "intervals": list(pd.interval_range(0, 3)),
    "one": ["only"],
}


def generators():
    """Sources of values that stay the same when a frame is made smaller."""
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


def rarely(draw):
    """Say True in about one of twenty frames; a frame made smaller says False."""
    return draw(st.integers(0, 19)) == 19


@st.composite
def floats(draw, n):
    """Numbers: of any unit and origin, skewed, heaped, constant, or whatever a float can be."""
    shape = draw(st.sampled_from(["normal", "skewed", "heaped", "two", "constant", "any"]))
    if shape == "any":
        numbers = st.floats(
            allow_infinity=rarely(draw), allow_nan=False, width=draw(st.sampled_from([16, 32, 64]))
        )
        return np.resize(np.array(draw(st.lists(numbers, min_size=1, max_size=8)), dtype=float), n)
    rng = draw(generators())
    z = rng.normal(size=n)
    values = {
        "normal": z,
        "skewed": np.exp(3 * z),
        "heaped": np.rint(2 * z),
        "two": np.where(z > 0, 2.5, 1.0),
        "constant": np.ones(n),
    }[shape]
    scale = draw(st.sampled_from(EXTREME if rarely(draw) else SCALES))
    with np.errstate(over="ignore", under="ignore"):
        return values * scale + draw(st.sampled_from(OFFSETS))


@st.composite
def number_columns(draw, n):
    """Columns of numbers, of every dtype that has them."""
    # Not float16: pandas cannot show such a frame without a warning, so a failure would hide.
    dtype = draw(st.sampled_from(["float64", "float32", "Float64", "Float32"]))
    values, largest = draw(floats(n)), float(np.finfo(dtype.lower()).max)
    if not rarely(draw):
        values = np.clip(values, -largest, largest)
    with np.errstate(over="ignore", under="ignore"):
        return pd.Series(values).astype(dtype)


@st.composite
def whole_columns(draw, n):
    """Columns of whole numbers."""
    dtype = draw(
        st.sampled_from(["int64", "int8", "uint8", "Int64", "Int8", "UInt8", "UInt64", "Int32"])
    )
    limits = np.iinfo(dtype.lower())
    values = draw(
        st.one_of(
            st.lists(st.integers(0, 1), min_size=1, max_size=8),
            st.lists(st.integers(0, 6), min_size=1, max_size=8),
            st.lists(st.integers(int(limits.min), int(limits.max)), min_size=1, max_size=8),
        )
    )
    chosen = draw(generators()).integers(0, len(values), size=n)
    return pd.Series([values[i] for i in chosen], dtype=dtype)


@st.composite
def logical_columns(draw, n):
    """Columns of True and False."""
    dtype = draw(st.sampled_from(["bool", "boolean", "object"]))
    share = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    return pd.Series(draw(generators()).random(n) < share).astype(dtype)


@st.composite
def text_columns(draw, n):
    """Columns of strings: few levels, or one for each row."""
    dtype = draw(st.sampled_from(["object", "str", "string"]))
    words = draw(
        st.one_of(
            st.lists(st.sampled_from(WORDS), min_size=1, max_size=6),
            st.lists(st.text(max_size=6), min_size=1, max_size=6),
        )
    )
    if draw(st.integers(0, 5)) == 5:
        return pd.Series([f"{words[0]}{i}" for i in range(n)], dtype=dtype)
    chosen = draw(generators()).integers(0, len(words), size=n)
    return pd.Series([words[i] for i in chosen], dtype=dtype)


@st.composite
def categorical_columns(draw, n):
    """Categorical columns, some of whose categories may be observed seldom or never."""
    declared = DECLARED[draw(st.sampled_from(list(DECLARED)))]
    used = draw(st.integers(1, len(declared)))
    chosen = draw(generators()).integers(0, used, size=n)
    return pd.Series(
        pd.Categorical.from_codes(chosen, categories=declared, ordered=draw(st.booleans()))
    )


@st.composite
def other_columns(draw, n):
    """Columns of other kinds: some work, most have to be refused."""
    make = draw(
        st.sampled_from(
            [
                lambda: pd.Series(pd.date_range("2020", periods=n)),
                lambda: pd.Series(pd.date_range("2020", periods=n, tz="Europe/Vienna")),
                lambda: pd.Series(pd.timedelta_range("1h", periods=n)),
                lambda: pd.Series(pd.period_range("2020", periods=n, freq="D")),
                lambda: pd.Series(np.arange(n) * 1j),
                lambda: pd.Series([[i] for i in range(n)], dtype=object),
                lambda: pd.Series([{"a": i} for i in range(n)], dtype=object),
                lambda: pd.Series(list(range(n)), dtype=object),
                lambda: pd.Series(np.resize(np.array(["a", 1, 2.5], dtype=object), n)),
                lambda: pd.Series(np.resize(np.array(["a", True], dtype=object), n)),
                lambda: pd.Series(np.resize(np.array([b"a", b"b"], dtype=object), n)),
                lambda: pd.Series([datetime.date(2020, 1, 1)] * n, dtype=object),
                lambda: pd.Series(pd.arrays.SparseArray(np.arange(n, dtype=float))),
                lambda: pd.Series(pd.arrays.IntervalArray.from_breaks(np.arange(n + 1.0))),
            ]
        )
    )
    return make()


@st.composite
def missing_cells(draw, n):
    """Mark missing cells, from none to all."""
    pattern = draw(
        st.sampled_from(["none", "one", "tenth", "half", "most", "but one", "but two", "head"])
    )
    rng = draw(generators())
    order = rng.permutation(n)
    count = {
        "none": 0,
        "one": 1,
        "tenth": n // 10,
        "half": n // 2,
        "most": (9 * n) // 10,
        "but one": n - 1,
        "but two": max(n - 2, 0),
        "head": n // 4,
    }[pattern]
    count = n if rarely(draw) and rarely(draw) else min(count, n - 1)
    marks = np.zeros(n, dtype=bool)
    marks[np.arange(count) if pattern == "head" else order[:count]] = True
    return marks


def with_holes(column, marks, empty):
    """Return a column without some of its cells, as its dtype or an object column writes them."""
    if not marks.any():
        return column
    if column.dtype == bool:
        column = column.astype(object)
    elif pd.api.types.is_integer_dtype(column.dtype) and isinstance(column.dtype, np.dtype):
        column = column.astype("float64")
    if isinstance(column.dtype, pd.SparseDtype):
        return column
    holed = column.copy()
    holed[marks] = empty if column.dtype == object else None
    return holed


@st.composite
def columns(draw, n, refusable=True):
    """One column of any kind, with missing cells."""
    kinds = [number_columns, number_columns, whole_columns, logical_columns]
    kinds += [text_columns, categorical_columns]
    if refusable and rarely(draw):
        kinds = [other_columns]
    column = draw(draw(st.sampled_from(kinds))(n))
    empty = draw(st.sampled_from([None, np.nan, pd.NA]))
    return with_holes(column, draw(missing_cells(n)), empty)


@st.composite
def indexes(draw, n):
    """Row labels of any kind."""
    make = draw(
        st.sampled_from(
            [
                lambda: pd.RangeIndex(n),
                lambda: pd.RangeIndex(n)[::-1],
                lambda: pd.Index([f"r{i}" for i in range(n)], name="person"),
                lambda: pd.Index([7] * n),
                lambda: pd.Index(np.linspace(0, 1, n), name=0),
                lambda: pd.date_range("2020", periods=n, tz="UTC"),
                lambda: pd.MultiIndex.from_arrays(
                    [np.arange(n) // 2, np.resize(["a", "b"], n)], names=["who", None]
                ),
                lambda: pd.Index([None, *range(n - 1)], dtype=object),
                lambda: pd.CategoricalIndex(np.resize(["u", "v"], n)),
            ]
        )
    )
    return make()


@st.composite
def frames(draw, rows=(1, 2, 3, 5, 8, 16, 50, 200), most=5, refusable=True):
    """Data frames of up to ``most`` columns.

    Parameters
    ----------
    rows : tuple of int
        The numbers of rows to choose from.
    most : int
        The largest number of columns.
    refusable : bool
        Whether some have columns, labels or values that have to be refused.
    """
    n = draw(st.sampled_from(rows))
    parts = draw(st.lists(columns(n, refusable), min_size=1, max_size=most))
    if len(parts) < most and draw(st.integers(0, 4)) == 4:
        again = draw(st.sampled_from(parts)).copy()
        parts.append(with_holes(again, draw(missing_cells(n)), None))
    plain = [f"c{i}" for i in range(len(parts))]
    odd = st.lists(
        st.one_of(st.sampled_from(LABELS), st.text(min_size=1, max_size=5)),
        min_size=len(parts),
        max_size=len(parts),
        unique_by=None if refusable and rarely(draw) else str,
    )
    labels = draw(st.one_of(st.just(plain), odd))
    if refusable and rarely(draw):
        labels[0] = draw(st.sampled_from(TAKEN))
    frame = pd.concat(parts, axis=1)
    frame.columns = pd.Index(labels, dtype=None if labels == plain else object)
    frame.index = draw(indexes(n))
    return frame
