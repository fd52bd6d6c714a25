"""Imputations as an xarray DataTree, in memory and on disk."""

from bayesmice.store.conditionals import (
    TargetRows,
    described_log_prior,
    likelihood_rows,
    observed_rows,
    predictive_rows,
    prior_tree,
)
from bayesmice.store.derived import (
    ORIGIN,
    filter_rows,
    origin_of,
    select_imputations,
    table_tree,
)
from bayesmice.store.described import Described, models_of_tree, read_models
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
from bayesmice.store.records import RunDescription, StrandRecord
from bayesmice.store.shapes import (
    completed_dataset,
    imputed_cells,
    long_frame,
    stacked_frame,
    wide_frame,
)
from bayesmice.store.state import read_cells, read_lanes, state_path
from bayesmice.store.tree import analysis_dataset, build_tree, events_from_dataset

__all__ = [
    "ORIGIN",
    "Described",
    "Part",
    "RunDescription",
    "RunRecorder",
    "StrandRecord",
    "TargetRows",
    "analysis_dataset",
    "build_tree",
    "check_folder",
    "completed_dataset",
    "described_log_prior",
    "events_from_dataset",
    "filter_rows",
    "find_tree",
    "imputed_cells",
    "join_columns",
    "join_imputations",
    "join_rows",
    "likelihood_rows",
    "long_frame",
    "models_of_tree",
    "observed_rows",
    "origin_of",
    "predictive_rows",
    "prior_tree",
    "r_script",
    "read_cells",
    "read_lanes",
    "read_models",
    "read_tree",
    "select_imputations",
    "share_imputations",
    "stacked_frame",
    "state_path",
    "store_from_dataset",
    "table_tree",
    "wide_frame",
    "write_long_csv",
    "write_tree",
]
