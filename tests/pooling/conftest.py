"""Completed data sets and what R made of them (reference/analyses.R)."""

import json
from pathlib import Path

import pandas as pd
import pytest

REFERENCE = Path(__file__).parent / "reference"


@pytest.fixture(scope="session")
def completed() -> list[pd.DataFrame]:
    """R's nhanes2, imputed five times by R's mice."""
    table = pd.read_csv(REFERENCE / "nhanes2_completed.csv")
    return [frame.reset_index(drop=True) for _, frame in table.groupby(".imp")]


@pytest.fixture(scope="session")
def r() -> dict:
    return json.loads((REFERENCE / "analyses.json").read_text())
