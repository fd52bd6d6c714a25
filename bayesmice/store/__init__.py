"""Imputations as an xarray DataTree, in memory and on disk."""

from bayesmice.store.files import read_netcdf, write_netcdf
from bayesmice.store.frames import store_from_dataset
from bayesmice.store.recorder import RunRecorder
from bayesmice.store.tree import RunDescription, build_tree, events_from_dataset, prior_tree

__all__ = [
    "RunDescription",
    "RunRecorder",
    "build_tree",
    "events_from_dataset",
    "prior_tree",
    "read_netcdf",
    "store_from_dataset",
    "write_netcdf",
]
