"""Predictors: which columns ``.`` stands for in the formula of each target.

A matrix, a mapping, and what is known of passive columns come to one normal form: for each target
the columns that its model may use without naming them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.data.libraries import AnyFrame, is_frame, read_data
from bayesmice.errors import SpecificationError
from bayesmice.models.passive import PassiveColumns

Predictors = AnyFrame | Mapping[str, Sequence[str]]
TARGET = "target"
"""What the rows of a matrix are called, and the column of their names in a frame without labels."""


def read_predictors(columns: Sequence[str], predictors: object) -> dict[str, tuple[str, ...]]:
    """Check a predictor matrix or mapping.

    Parameters
    ----------
    columns : sequence of str
        All columns of the data.
    predictors : DataFrame of bool, or mapping of str to sequence of str
        What the user gave. A matrix has targets as rows and predictors as columns; a row that it
        lacks leaves the target as it is by default, a column that it lacks predicts nothing. In a
        library whose rows have no labels a column ``target`` names them.

    Returns
    -------
    dict of str to tuple of str
        The predictors of the targets that were given, in the order of the data.

    Raises
    ------
    SpecificationError
        If it is of another form, names an unknown column, or lets a column predict itself.

    Examples
    --------
    >>> read_predictors(["age", "bmi", "chl"], {"chl": ["bmi", "age"]})
    {'chl': ('age', 'bmi')}
    """
    if isinstance(predictors, Mapping):
        given = {str(target): _names(target, names) for target, names in predictors.items()}
    elif is_frame(predictors):
        given = _from_matrix(columns, _labelled(predictors))
    else:
        raise SpecificationError(
            f"predictors is {type(predictors).__name__}; expected a bool DataFrame with targets as "
            "rows, or a mapping from targets to lists of columns."
        )
    for target, names in given.items():
        _check_known(columns, (target, *names))
        if target in names:
            raise SpecificationError(
                f"predictors lets {target!r} predict itself. Take it out of its own predictors."
            )
    return {
        target: tuple(name for name in columns if name in names) for target, names in given.items()
    }


def default_predictors(
    columns: Sequence[str],
    given: Mapping[str, Sequence[str]],
    passive: PassiveColumns,
    never: Sequence[str] = (),
) -> dict[str, tuple[str, ...]]:
    """Say for every column what ``.`` stands for in its model.

    Parameters
    ----------
    columns : sequence of str
        All columns of the data.
    given : mapping of str to sequence of str
        Predictors that the user asked for, by target.
    passive : PassiveColumns
        Columns that are computed: unless asked for, none predicts what it is made of.
    never : sequence of str
        Columns that can predict nothing, because their missing cells are not imputed.

    Returns
    -------
    dict of str to tuple of str
        By target, in the order of the data.
    """
    meant = {}
    for target in columns:
        made_of_target = {name for name, parts in passive.ingredients.items() if target in parts}
        own = given.get(target, [name for name in columns if name not in made_of_target])
        meant[target] = tuple(name for name in own if name != target and name not in never)
    return meant


def predictor_matrix(columns: Sequence[str], used: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Arrange predictors as a matrix.

    Parameters
    ----------
    columns : sequence of str
        All columns of the data.
    used : mapping of str to sequence of str
        The columns that the model of each target reads.

    Returns
    -------
    DataFrame of bool, of shape (n_columns, n_columns)
        True where the model of the row's column reads the column.
    """
    marks = np.array([[name in used.get(target, ()) for name in columns] for target in columns])
    return pd.DataFrame(
        marks, index=pd.Index(columns, name=TARGET), columns=pd.Index(columns, name="predictor")
    )


def _labelled(matrix: object) -> pd.DataFrame:
    """Read a matrix of any library as one whose rows have labels."""
    frame, library = read_data(matrix, "predictors")
    if not library.schema:
        return frame
    if TARGET not in frame.columns or not pd.api.types.is_string_dtype(frame[TARGET].dtype):
        raise SpecificationError(
            f"predictors is a data frame of {library.name}, whose rows have no labels; expected a "
            f"column {TARGET!r} with the names of the targets."
        )
    return frame.set_index(TARGET)


def _from_matrix(columns: Sequence[str], matrix: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    _check_known(columns, [str(label) for label in (*matrix.index, *matrix.columns)])
    for axis, labels in (("rows", matrix.index), ("columns", matrix.columns)):
        if labels.has_duplicates:
            raise SpecificationError(
                f"predictors has {axis} with the same label: {labels[labels.duplicated()][0]!r}. "
                "Each target and each predictor stands once."
            )
    marks = _marks(matrix)
    names = [str(label) for label in matrix.columns]
    return {
        str(target): tuple(name for name, is_used in zip(names, row, strict=True) if is_used)
        for target, row in zip(matrix.index, marks, strict=True)
    }


def _marks(matrix: pd.DataFrame) -> NDArray[np.bool_]:
    values = matrix.to_numpy()
    if pd.isna(matrix).any(axis=None) or not set(np.unique(values).tolist()) <= {0, 1}:
        raise SpecificationError(
            "predictors holds values other than True and False (or 1 and 0). Codes of R's "
            "multilevel methods, such as -2 and 2, have no meaning here."
        )
    return np.asarray(values, dtype=float).astype(bool)


def _names(target: object, names: object) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, Sequence | set | frozenset | pd.Index):
        raise SpecificationError(
            f"predictors[{target!r}] is {names!r:.80}; expected a list of columns."
        )
    return tuple(str(name) for name in names)


def _check_known(columns: Sequence[str], names: Sequence[str]) -> None:
    for name in names:
        if name not in columns:
            raise SpecificationError(
                f"predictors names {name!r}, which is not a column of data. Columns: "
                f"{', '.join(columns)}."
            )
