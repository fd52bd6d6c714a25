"""BlackJAX, imported when the first program that needs it is traced."""

from functools import cache
from importlib import import_module
from typing import Any

import jax


@cache
def blackjax() -> Any:
    """Give the library; what it computes while it is imported is no part of the traced program."""
    with jax.ensure_compile_time_eval():
        return import_module("blackjax")
