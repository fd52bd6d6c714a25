"""Columns, measurement scales, missingness, encoding and decoding."""

from bayesmice.data.checks import check_frame
from bayesmice.data.columns import Column, ColumnStore, encode, unused_categories
from bayesmice.data.groups import event_in_group, in_group
from bayesmice.data.limits import (
    Bounds,
    Limits,
    limit_names,
    limits_within_bounds,
    read_bounds,
    read_limits,
)
from bayesmice.data.new_rows import encode_new_rows, read_like
from bayesmice.data.rows import (
    Weights,
    read_condition,
    read_ignore,
    read_weights,
    read_where,
    weigh,
)
from bayesmice.data.scales import Scale, measurement_scale

__all__ = [
    "Bounds",
    "Column",
    "ColumnStore",
    "Limits",
    "Scale",
    "Weights",
    "check_frame",
    "encode",
    "encode_new_rows",
    "event_in_group",
    "in_group",
    "limit_names",
    "limits_within_bounds",
    "measurement_scale",
    "read_bounds",
    "read_condition",
    "read_ignore",
    "read_like",
    "read_limits",
    "read_weights",
    "read_where",
    "unused_categories",
    "weigh",
]
