"""Columns, measurement scales, missingness, encoding and decoding."""

from bayesmice.data.checks import check_frame
from bayesmice.data.columns import Column, ColumnStore, encode, unused_categories
from bayesmice.data.scales import Scale, measurement_scale

__all__ = [
    "Column",
    "ColumnStore",
    "Scale",
    "check_frame",
    "encode",
    "measurement_scale",
    "unused_categories",
]
