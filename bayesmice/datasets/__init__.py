"""Small published data sets, each with its source and licence, and simulated ones."""

from bayesmice.datasets.load import load_dataset
from bayesmice.datasets.simulate import simulate_dataset

__all__ = ["load_dataset", "simulate_dataset"]
