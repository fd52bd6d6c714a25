"""A clinical trial with missing values: impute it, analyze it, pool the analyses.

Run it with ``uv run examples/clinical_trial.py``. It takes some seconds, and writes the run and two
pictures of it to ``examples/output/``.
"""

import os
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.api import OLS

import bayesmice as bm

FORMULA = "outcome ~ age + gender + bmi + severity"
TRUTH = pd.Series({"Intercept": 10, "age": 2, "gender": -5, "bmi": 3, "severity": -4})
OUTPUT = Path(__file__).parent / "output"
WIDTH = 100
"""Letters on a printed line."""
DPI = 150


def make_trial(seed: int, n: int = 1000) -> pd.DataFrame:
    """Make a trial whose regression is known, and lose up to a fifth of some columns."""
    rng = np.random.RandomState(seed)
    age = rng.normal(50, 10, n)
    gender = rng.binomial(1, 0.4, n)
    bmi = rng.normal(25, 4, n)
    severity = rng.exponential(2, n)
    outcome = 10 + 2 * age - 5 * gender + 3 * bmi - 4 * severity + rng.normal(0, 5, n)
    data = pd.DataFrame(
        {"age": age, "gender": gender, "bmi": bmi, "severity": severity, "outcome": outcome}
    )
    for column, n_lost in {"age": 100, "bmi": 150, "severity": 200}.items():
        data.loc[rng.randint(n, size=n_lost), column] = np.nan
    return data


def print_heading(heading: str) -> None:
    print(f"\n{heading}\n{'-' * len(heading)}")


def print_text(text: str, indent: str = "") -> None:
    print(textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent)))


def print_events(imputations: bm.Imputations) -> None:
    events = imputations.events
    if events.empty:
        return
    print_heading("Events")
    for event in events.itertuples():
        print_text(f"{event.variable} ({event.severity}): {event.message}", indent="- ")


def print_convergence(imputations: bm.Imputations) -> None:
    found = imputations.convergence()
    table = found.table
    worst = table.head(10)
    formats = {
        "r_hat": "{:.2f}",
        "ess_bulk": "{:.0f}",
        "ess_tail": "{:.0f}",
        "autocorrelation": "{:.2f}",
        "autocorrelation_time": "{:.1f}",
    }
    print_heading(f"Convergence: the worst {len(worst)} of {len(table)} quantities")
    print(worst.to_string(index=False, formatters={k: v.format for k, v in formats.items()}))
    print_text(found.verdict)
    print_text("R-hat compares the chains with each other; near 1 they agree. See trace.png too.")


def analyze_complete_cases(data: pd.DataFrame) -> pd.DataFrame:
    fit = OLS.from_formula(FORMULA, data=data.dropna()).fit()
    intervals = fit.conf_int()
    return pd.DataFrame({"estimate": fit.params, "ci_low": intervals[0], "ci_high": intervals[1]})


def hold_truth(table: pd.DataFrame) -> "pd.Series[bool]":
    """Tell which intervals hold the values that the data were made from."""
    return TRUTH.between(table["ci_low"], table["ci_high"])


def describe(table: pd.DataFrame) -> pd.DataFrame:
    """Write estimates and intervals as a reader wants them."""
    bounds = zip(table["ci_low"], table["ci_high"], strict=True)
    return pd.DataFrame(
        {
            "estimate": table["estimate"].map("{:.2f}".format),
            "95 % interval": [f"{low:.2f} to {high:.2f}" for low, high in bounds],
            "held": hold_truth(table).map({True: "yes", False: "no"}),
        },
        index=TRUTH.index,
    )


def print_comparison(data: pd.DataFrame, pooled: pd.DataFrame) -> None:
    complete_cases = analyze_complete_cases(data)
    analyses = {"complete cases": complete_cases, "imputed, pooled": pooled}
    described = {name: describe(table) for name, table in analyses.items()}
    truth = pd.DataFrame({("", "truth"): TRUTH})
    print_heading("Beside the truth and the complete cases")
    print(pd.concat([truth, pd.concat(described, axis=1)], axis=1).to_string())
    n_terms = len(TRUTH)
    print_text(
        f"The interval held the truth {hold_truth(complete_cases).sum()} times of {n_terms} in the "
        f"{len(data.dropna())} complete cases, and {hold_truth(pooled).sum()} times of {n_terms} "
        f"in the imputed data, which use all {len(data)} rows."
    )


def write_output(imputations: bm.Imputations) -> None:
    OUTPUT.mkdir(exist_ok=True)
    imputations.to_netcdf(OUTPUT / "clinical_trial.nc")
    bm.plot_trace(imputations).savefig(OUTPUT / "trace.png", dpi=DPI)
    bm.plot_density(imputations).savefig(OUTPUT / "density.png", dpi=DPI)
    print_heading("Written")
    contents = {
        "clinical_trial.nc": "the whole run; bm.open_imputations reads it",
        "trace.png": "mean and sd of the imputed cells, sweep by sweep",
        "density.png": "observed against imputed values",
    }
    for name, content in contents.items():
        print(f"{os.path.relpath(OUTPUT / name)}: {content}")


def main() -> None:
    data = make_trial(seed=123)
    print_heading("Specification")
    mice = bm.MICE(data)
    print(mice)

    print_heading("Imputation")
    imputations = mice.mice(m=5, random_seed=1)
    print_events(imputations)
    print_convergence(imputations)

    fits = [OLS.from_formula(FORMULA, data=completed).fit() for completed in imputations.data]
    pooled = mice.pool_results(fits)
    print_heading(f"{FORMULA}, pooled over {imputations.m} imputations")
    print(pooled.summary())
    print_comparison(data, pooled.table.loc[TRUTH.index])

    write_output(imputations)


if __name__ == "__main__":
    main()
