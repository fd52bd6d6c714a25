"""Imputations as an xarray DataTree, in memory and on disk."""

from bayesmice.store.derived import (
    ORIGIN,
    filter_rows,
    origin_of,
    select_imputations,
    table_tree,
)
from bayesmice.store.files import check_folder, find_tree, read_tree, write_tree
from bayesmice.store.frames import store_from_dataset
from bayesmice.store.joining import (
    Part,
    join_columns,
    join_imputations,
    join_rows,
    share_imputations,
)
from bayesmice.store.long_csv import r_script, write_long_csv
from bayesmice.store.recorder import RunRecorder
from bayesmice.store.shapes import (
    completed_dataset,
    imputed_cells,
    long_frame,
    stacked_frame,
    wide_frame,
)
from bayesmice.store.state import read_state, state_dataset
from bayesmice.store.tree import (
    RunDescription,
    StrandRecord,
    build_tree,
    events_from_dataset,
    prior_tree,
)

__all__ = [
    "ORIGIN",
    "Part",
    "RunDescription",
    "RunRecorder",
    "StrandRecord",
    "build_tree",
    "check_folder",
    "completed_dataset",
    "events_from_dataset",
    "filter_rows",
    "find_tree",
    "imputed_cells",
    "join_columns",
    "join_imputations",
    "join_rows",
    "long_frame",
    "origin_of",
    "prior_tree",
    "r_script",
    "read_state",
    "read_tree",
    "select_imputations",
    "share_imputations",
    "stacked_frame",
    "state_dataset",
    "store_from_dataset",
    "table_tree",
    "wide_frame",
    "write_long_csv",
    "write_tree",
]
