"""Linear hypotheses about the parameters: read from text, names or matrices, and tested."""

import ast
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayesmice.errors import PoolingError
from bayesmice.pooling.delta import (
    check_original_scale,
    in_names,
    parsed,
    sandwich,
    spelled_out,
    unknown_names,
)
from bayesmice.pooling.multiparameter import HypothesisTest, d1, d2, wald_statistics
from bayesmice.pooling.rubin import FloatArray
from bayesmice.pooling.stacking import StackedResults

# A string, a mapping or a sequence of names, a matrix, or a tuple of a matrix and its values.
Hypothesis = Any


@dataclass(frozen=True, eq=False)
class LinearHypothesis:
    r"""Linear constraints on the parameters, :math:`L Q = c`.

    Attributes
    ----------
    matrix : ndarray of shape (r, k)
        One row per constraint, one column per parameter.
    constants : ndarray of shape (r,)
        What the combinations are under the hypothesis.
    labels : tuple of str
        The constraints in words.
    """

    matrix: FloatArray
    constants: FloatArray
    labels: tuple[str, ...]


def wald_test(
    stack: StackedResults,
    hypothesis: Hypothesis,
    *,
    test: Literal["D1", "D2"] = "D1",
    df_complete: float,
) -> HypothesisTest:
    r"""Test linear constraints on the parameters, all at once, after multiple imputation.

    Parameters
    ----------
    stack : StackedResults
        Of the m imputations and k parameters.
    hypothesis : str, sequence, mapping, array or tuple
        Any of

        - constraints in words, separated by commas: ``"age = 0, bmi = 2 * age"``. What has no
          equals sign is zero under the hypothesis. Names that are not plain words may stand in
          backticks, and have to where they read as arithmetic;
        - a sequence of names, or of constraints in words: all names are zero. Numbers in a list are
          names where the parameters have such names, and otherwise a row of a matrix;
        - a mapping of names to values;
        - a matrix of shape (r, k), or a row of shape (k,): the combinations are all zero. The
          columns of a DataFrame may be in another order than the parameters;
        - a tuple of a matrix and r values.

        Names that are not strings are known by their string, such as ``"(0, 'age')"``.
    test : {"D1", "D2"}, default "D1"
        The statistic; see `d1` and `d2`.
    df_complete : float
        Degrees of freedom had no value been missing. D2 does not use them.

    Returns
    -------
    HypothesisTest

    Raises
    ------
    PoolingError
        If the hypothesis cannot be read, names an unknown parameter, says nothing, or says
        something twice; if it needs covariances that are not known; if estimates are on a
        transformed scale, or imputations nested; or if ``m < 2``.

    Examples
    --------
    >>> stack = StackedResults(
    ...     names=("age", "bmi"),
    ...     q_hat=np.array([[1.0, 2.0], [1.4, 2.5], [0.9, 2.2]]),
    ...     covariances=np.array([[[0.2, 0.05], [0.05, 0.1]]] * 3),
    ...     df_complete=np.array([50.0] * 3),
    ... )
    >>> test = wald_test(stack, "2 * age = bmi", df_complete=50)
    >>> test.hypothesis, round(test.statistic, 4), round(test.p_value, 3)
    (('2 * age = bmi',), 0.0013, 0.972)
    """
    check_original_scale(stack)
    if stack.n_nests is not None:
        raise PoolingError(
            f"The imputations come in {stack.n_nests} nests, and tests of several parameters are "
            f"for imputations on one level. Pass one imputation of each nest."
        )
    linear = linear_hypothesis(hypothesis, stack.names)
    q_hat = stack.q_hat @ linear.matrix.T - linear.constants
    covariances = np.stack([sandwich(linear.matrix, u, linear.labels) for u in stack.covariances])
    if np.isnan(covariances).any():
        raise PoolingError(
            "The covariances of the parameters are not known, and a test of several constraints "
            "needs them. Give whole covariance matrices, not variances alone, or test one "
            "parameter at a time."
        )
    if test == "D1":
        tested = d1(q_hat, covariances, df_complete=df_complete, names=linear.labels)
    elif test == "D2":
        statistics = wald_statistics(q_hat, covariances, names=linear.labels)
        tested = d2(statistics, k=len(linear.constants))
    else:
        raise PoolingError(f"A Wald test knows test='D1' and test='D2'; got {test!r}.")
    return replace(tested, hypothesis=linear.labels)


def linear_hypothesis(hypothesis: Hypothesis, names: Sequence[Hashable]) -> LinearHypothesis:
    """Read a hypothesis in any of the forms that `wald_test` takes.

    Parameters
    ----------
    hypothesis : str, sequence, mapping, array or tuple
        See `wald_test`.
    names : sequence of k hashable
        Names of the parameters.

    Returns
    -------
    LinearHypothesis

    Raises
    ------
    PoolingError
        If it cannot be read, names an unknown parameter, says nothing, or says something twice.

    Examples
    --------
    >>> linear_hypothesis("age = bmi + 1", names=("age", "bmi")).matrix
    array([[ 1., -1.]])
    """
    match hypothesis:
        case str():
            linear = _from_text(hypothesis, names)
        case Mapping():
            linear = _from_mapping(hypothesis, names)
        case tuple() if _is_name(hypothesis, names):
            linear = _from_item(hypothesis, names)
        case tuple((matrix, values)) if not (isinstance(matrix, str) or _is_name(matrix, names)):
            linear = _from_matrix(matrix, values, names)
        case list() | tuple() | pd.Index() if _are_words(hypothesis, names):
            linear = _joined([_from_item(item, names) for item in hypothesis])
        case _:
            linear = _from_matrix(hypothesis, 0.0, names)
    _check_constraints(linear)
    return linear


def _from_text(text: str, names: Sequence[Hashable]) -> LinearHypothesis:
    code, words = spelled_out(text, names)
    return _joined([_from_constraint(part, words, names) for part in code.split(",")])


def _from_constraint(
    code: str, words: Mapping[str, int], names: Sequence[Hashable]
) -> LinearHypothesis:
    text = in_names(code.strip(), names)
    sides = code.split("=")
    if len(sides) > 2:
        raise PoolingError(
            f"The constraint {text!r} has {len(sides) - 1} equals signs, and may have one. "
            f"Separate several constraints by commas: 'a = b, b = 0' rather than 'a = b = 0'."
        )
    forms = [_linear_form(parsed(side, text, names), words, names, text) for side in sides]
    difference = forms[0] - forms[1] if len(forms) == 2 else forms[0]
    label = text if len(forms) == 2 else f"{text} = 0"
    return LinearHypothesis(difference[None, :-1], -difference[-1:], (label,))


def _linear_form(
    node: ast.expr, words: Mapping[str, int], names: Sequence[Hashable], text: str
) -> FloatArray:
    """Coefficients of the k parameters, and the constant last."""
    form = np.zeros(len(names) + 1)
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            form[-1] = number
            return form
        case ast.Name(id=word) if word in words:
            form[words[word]] = 1
            return form
        case ast.Name(id=word):
            raise unknown_names([word], names, text)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub() as sign, operand=operand):
            inner = _linear_form(operand, words, names, text)
            return inner if isinstance(sign, ast.UAdd) else -inner
        case ast.BinOp(
            left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as op, right=right
        ):
            sides = (
                _linear_form(left, words, names, text),
                _linear_form(right, words, names, text),
            )
            return _combined(op, *sides, text)
        case ast.Call() | ast.Subscript() | ast.Attribute():
            raise unknown_names([in_names(ast.unparse(node), names)], names, text)
    raise PoolingError(
        f"The constraint {text!r} is not linear: it holds "
        f"{in_names(ast.unparse(node), names)!r}. Use sums of parameters times numbers, and the "
        f"delta method for other combinations."
    )


def _combined(op: ast.operator, left: FloatArray, right: FloatArray, text: str) -> FloatArray:
    if isinstance(op, ast.Add):
        return left + right
    if isinstance(op, ast.Sub):
        return left - right
    if isinstance(op, ast.Div):
        if not right[:-1].any() and right[-1] != 0:
            return np.asarray(left / right[-1])
        raise PoolingError(
            f"The constraint {text!r} divides by a parameter or by zero. Use sums of parameters "
            f"times numbers, and the delta method for other combinations."
        )
    if left[:-1].any() and right[:-1].any():
        raise PoolingError(
            f"The constraint {text!r} multiplies parameters by each other. Use sums of parameters "
            f"times numbers, and the delta method for other combinations."
        )
    return np.asarray(left * right[-1] if left[:-1].any() else right * left[-1])


def _from_mapping(hypothesis: Mapping[Any, Any], names: Sequence[Hashable]) -> LinearHypothesis:
    parts = []
    for name, value in hypothesis.items():
        part = _from_item(name, names)
        if "=" in str(name) and not _is_name(name, names):
            raise PoolingError(
                f"The hypothesis gives a value to {name!r}, which has an equals sign of its own. "
                f"Map names of parameters to values, or write constraints as text."
            )
        if not (isinstance(value, Real) and np.isfinite(float(value))):
            raise PoolingError(f"The hypothesis gives {name!r} the value {value!r}, not a number.")
        label = f"{part.labels[0].removesuffix(' = 0')} = {value:g}"
        parts.append(LinearHypothesis(part.matrix, part.constants + float(value), (label,)))
    return _joined(parts)


def _from_item(item: Any, names: Sequence[Hashable]) -> LinearHypothesis:
    """Read a name, whatever it looks like, or a constraint in words."""
    known = [str(name) for name in names]
    if str(item) in known:
        place = names.index(item) if item in names else known.index(str(item))
        row = np.eye(len(known))[[place]]
        return LinearHypothesis(row, np.zeros(1), (f"{item} = 0",))
    if isinstance(item, str):
        return _from_text(item, names)
    raise unknown_names([str(item)], names, str(item))


def _from_matrix(matrix: Any, values: Any, names: Sequence[Hashable]) -> LinearHypothesis:
    if isinstance(matrix, pd.DataFrame):
        unknown = [str(column) for column in matrix.columns if column not in names]
        if unknown:
            raise unknown_names(unknown, names, "The matrix of the hypothesis")
        matrix = matrix.reindex(columns=list(names), fill_value=0)
    try:
        rows = np.atleast_2d(np.asarray(matrix, dtype=np.float64))
        right = np.broadcast_to(np.asarray(values, dtype=np.float64), rows.shape[:1]).copy()
    except (TypeError, ValueError) as error:
        raise PoolingError(
            f"The hypothesis {matrix!r} with the values {values!r} cannot be read: {error}. Pass "
            f"text, names, a mapping of names to values, a matrix, or a tuple of a matrix and one "
            f"value per row."
        ) from error
    if rows.ndim != 2 or rows.shape[1] != len(names) or not np.isfinite(rows).all():
        raise PoolingError(
            f"The matrix of the hypothesis must have one column of finite numbers per parameter, "
            f"in the order {', '.join(repr(str(name)) for name in names)}; got the shape "
            f"{rows.shape}."
        )
    labels = [_in_words(row, value, names) for row, value in zip(rows, right, strict=True)]
    return LinearHypothesis(rows, right, tuple(labels))


def _joined(parts: Sequence[LinearHypothesis]) -> LinearHypothesis:
    if not parts:
        raise PoolingError("The hypothesis has no constraint. Name at least one parameter.")
    return LinearHypothesis(
        np.concatenate([part.matrix for part in parts]),
        np.concatenate([part.constants for part in parts]),
        tuple(label for part in parts for label in part.labels),
    )


def _check_constraints(linear: LinearHypothesis) -> None:
    size = np.linalg.norm(linear.matrix, axis=1)
    if (size == 0).any():
        empty = linear.labels[int(np.argmax(size == 0))]
        raise PoolingError(
            f"The constraint {empty!r} says nothing about the parameters: they cancel out."
        )
    directions = linear.matrix / size[:, None]
    for count in range(2, len(size) + 1):
        if np.linalg.matrix_rank(directions[:count]) < count:
            raise PoolingError(
                f"The constraint {linear.labels[count - 1]!r} repeats or contradicts those before "
                f"it: {', '.join(repr(label) for label in linear.labels[: count - 1])}. Leave out "
                f"one of them."
            )


def _are_words(hypothesis: Any, names: Sequence[Hashable]) -> bool:
    return all(isinstance(item, str) or _is_name(item, names) for item in hypothesis)


def _is_name(item: Any, names: Sequence[Hashable]) -> bool:
    is_row = isinstance(item, list | np.ndarray | pd.DataFrame)
    return not is_row and str(item) in {str(name) for name in names}


def _in_words(row: FloatArray, value: float, names: Sequence[Hashable]) -> str:
    terms = [
        str(name) if coefficient == 1 else f"{coefficient:g} * {name}"
        for coefficient, name in zip(row, names, strict=True)
        if coefficient
    ]
    return f"{' + '.join(terms) or '0'} = {value:g}"
