"""Small real data sets, each with its source and licence."""

from bayesmice.datasets.load import load_dataset

__all__ = ["load_dataset"]
