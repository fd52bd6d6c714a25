"""Whether two runs left the same tree, bit for bit."""

import json

import pandas as pd
import xarray as xr

import bayesmice as bm


def assert_same_run(one: bm.Imputations, other: bm.Imputations) -> None:
    """Compare all groups: imputations, draws, statistics, events, and where the chains stand.

    Of the attributes, when the runs were made and in how many goes they were asked for may differ.
    """
    assert one.tree.groups == other.tree.groups
    for path in one.tree.groups:
        if path != "/":
            xr.testing.assert_identical(one.tree[path].to_dataset(), other.tree[path].to_dataset())
    assert _lasting(one) == _lasting(other)
    pd.testing.assert_frame_equal(one.events, other.events)


def _lasting(run: bm.Imputations) -> dict[str, object]:
    attributes = {k: v for k, v in run.tree.attrs.items() if k not in ("created", "settings")}
    settings = json.loads(run.tree.attrs["settings"])
    return attributes | {k: v for k, v in settings.items() if k != "request"}
