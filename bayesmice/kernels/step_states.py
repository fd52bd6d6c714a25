"""States of PyMC's step methods as text, so that a chain can go on in another process.

PyMC gives the state of a step method as nested dataclasses of numbers, arrays and lists. Text is
read back into a state of the same form, that of an untuned step method; nothing is pickled, so that
a file can never run code. Numbers come back bit by bit.
"""

import json
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

ARRAY, TUPLE, MAPPING = "array", "tuple", "mapping"


def state_to_text(state: Any) -> str:
    """Write a state as JSON.

    Parameters
    ----------
    state : dataclass
        What PyMC calls the sampling state of a step method.

    Returns
    -------
    str
        The values of its fields, in their order.

    Raises
    ------
    TypeError
        If it holds something that is neither a number, text, an array, nor made up of those.
    """
    return json.dumps(_plain(state))


def state_from_text(text: str, like: Any) -> Any:
    """Read a state that `state_to_text` wrote.

    Parameters
    ----------
    text : str
        The text.
    like : dataclass
        A state of the same step method.

    Returns
    -------
    dataclass
        The state.
    """
    return _read(json.loads(text), like)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return [_plain(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        return {ARRAY: array.ravel().tolist(), "shape": array.shape, "dtype": array.dtype.str}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, tuple):
        return {TUPLE: [_plain(part) for part in value]}
    if isinstance(value, dict):
        return {MAPPING: [[_plain(key), _plain(part)] for key, part in value.items()]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"the state of a step method holds a {type(value).__name__}")


def _read(value: Any, like: Any) -> Any:
    if value is None:
        return None
    if is_dataclass(like) and not isinstance(like, type):
        names = [field.name for field in fields(like)]
        parts = {
            name: _read(part, getattr(like, name)) for name, part in zip(names, value, strict=True)
        }
        return _with_fields(like, parts)
    if isinstance(value, list):
        likes = like if isinstance(like, list) and len(like) == len(value) else [None] * len(value)
        return [_read(part, one) for part, one in zip(value, likes, strict=True)]
    if not isinstance(value, dict):
        return value
    if TUPLE in value:
        return tuple(_read(part, None) for part in value[TUPLE])
    if MAPPING in value:
        return {_read(key, None): _read(part, None) for key, part in value[MAPPING]}
    array = np.array(value[ARRAY], dtype=value["dtype"]).reshape(value["shape"])
    return array[()] if array.ndim == 0 else array


def _with_fields(like: Any, parts: dict[str, Any]) -> Any:
    """Make a dataclass like another, whatever arguments its constructor takes."""
    made = object.__new__(type(like))
    made.__dict__.update(like.__dict__)
    for name, part in parts.items():
        object.__setattr__(made, name, part)
    return made
