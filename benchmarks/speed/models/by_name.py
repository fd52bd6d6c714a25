"""Models by the name of their module, which is loaded when it is asked for."""

from importlib import import_module
from typing import Any

import pandas as pd


def models_by_name(name: str, data: pd.DataFrame) -> Any:
    return import_module(f"speed.models.{name}").models(data)
