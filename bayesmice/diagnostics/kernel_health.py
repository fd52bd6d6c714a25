"""How well the transitions of parameters went, conditional model by conditional model."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmice.scheduler.watch import LOW_ACCEPTANCE

COLUMNS = ["variable", "acceptance", "worst_acceptance", "divergences", "visits"]
LAST_TUNING = 3
"""The last sweep in which a kernel is tuned."""


def kernel_table(tree: xr.DataTree) -> pd.DataFrame:
    """Tabulate acceptance and divergences of the transitions after tuning.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree of a run.

    Returns
    -------
    DataFrame
        One row per conditional model: ``variable``; ``acceptance``, the mean over chains and
        sweeps; ``worst_acceptance``, that of the chain with the lowest; ``divergences``, the number
        of visits in which a trajectory diverged; and the number of ``visits``. Acceptance is NaN
        where a step method of PyMC does not tell it.
    """
    conditionals = tree["conditionals"].children if "conditionals" in tree.children else {}
    rows = [
        _row(name, group["sample_stats"].to_dataset())
        for name, group in conditionals.items()
        if "sample_stats" in group.children
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def kernel_sentence(table: pd.DataFrame) -> str:
    """Say what is wrong with transitions, or that nothing is.

    Parameters
    ----------
    table : DataFrame
        From `kernel_table`.

    Returns
    -------
    str
        Empty where there is no model.
    """
    if table.empty:
        return ""
    rows = table.to_dict("records")
    complaints = [
        f"{row['divergences']} of {row['visits']} visits of {row['variable']!r} diverged"
        for row in rows
        if row["divergences"]
    ] + [
        f"a chain of {row['variable']!r} accepted only {row['worst_acceptance']:.2f}"
        for row in rows
        if row["worst_acceptance"] < LOW_ACCEPTANCE
    ]
    if complaints:
        return (
            f"Transitions of parameters: {'; '.join(complaints)}. Sweeps do not mend this: give "
            "narrower priors, or write the model another way."
        )
    lowest = table["acceptance"].min()
    accepted = "" if np.isnan(lowest) else f", and {lowest:.2f} or more accepted"
    return f"Transitions of parameters: none diverged{accepted}."


def _row(name: str, statistics: xr.Dataset) -> list[object]:
    begun = statistics.isel(draw=slice(min(LAST_TUNING, statistics.sizes["draw"] - 1), None))
    acceptance = begun["acceptance_rate"].astype(float).mean("draw")
    return [
        name,
        float(acceptance.mean()),
        float(acceptance.min()),
        int(begun["diverging"].sum()),
        begun["diverging"].size,
    ]
