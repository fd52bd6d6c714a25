"""Imputations as an xarray DataTree, in memory and on disk."""

from bayesmice.store.files import check_folder, find_tree, read_tree, write_tree
from bayesmice.store.frames import store_from_dataset
from bayesmice.store.recorder import RunRecorder
from bayesmice.store.state import read_state, state_dataset
from bayesmice.store.tree import (
    RunDescription,
    StrandRecord,
    build_tree,
    events_from_dataset,
    prior_tree,
)

__all__ = [
    "RunDescription",
    "RunRecorder",
    "StrandRecord",
    "build_tree",
    "check_folder",
    "events_from_dataset",
    "find_tree",
    "prior_tree",
    "read_state",
    "read_tree",
    "state_dataset",
    "store_from_dataset",
    "write_tree",
]
