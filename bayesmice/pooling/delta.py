"""Functions of parameters, and their covariances by the delta method, in every imputation."""

import ast
import keyword
import operator
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from bayesmice.errors import PoolingError
from bayesmice.later import later
from bayesmice.pooling.rubin import FloatArray
from bayesmice.pooling.stacking import StackedResults

special = later("scipy.special")

OF_NUMPY = (
    *("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "power"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"),
    *("arcsinh", "arccosh", "arctanh", "abs", "minimum", "maximum"),
)
OF_SCIPY = ("expit", "logit")
CONSTANTS: Mapping[str, float] = {"pi": np.pi, "e": np.e}
OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
# Steps are halved from a tenth of a parameter's size or standard error, as often as it takes to
# find the scale of a function that is much steeper, and extrapolated over the last few.
HALVINGS = 60
COLUMNS = 5

Function = Callable[["pd.Series[float]"], Any]


def delta_method(
    stack: StackedResults,
    function: str | Sequence[str] | Mapping[str, str] | Function,
    *,
    df_complete: float | None = None,
) -> StackedResults:
    r"""Estimates of nonlinear combinations of the parameters, imputation by imputation.

    With :math:`g` the function and :math:`J_i` its derivatives at the estimates of imputation i,
    the combinations are :math:`g(\hat Q_i)`, and their covariances :math:`J_i U_i J_i'` [1]_.
    Pooling these by Rubin's rules is what `pool_rubin`, `pool_covariance` and `wald_test` are for.

    Parameters
    ----------
    stack : StackedResults
        Of the m imputations and k parameters.
    function : str, sequence of str, mapping of str to str, or callable
        An expression in the names of the parameters, such as ``"exp(age) / (1 + bmi)"``; several;
        or several with names of their own. Names that are not plain words stand in backticks:
        ```"`C(stage)[T.2]` / age"```. Expressions know numbers, ``+ - * / **``, parentheses,
        ``pi``, ``e``, and functions of NumPy, with or without ``np.``, besides ``expit`` and
        ``logit``.

        Or a Python function of a Series of the estimates, labelled by parameter, that returns a
        number or a Series of numbers.
    df_complete : float, optional
        Degrees of freedom of the result; by default those of ``stack``.

    Returns
    -------
    StackedResults
        With the r combinations in place of the k parameters. A combination is called by its name,
        its expression, the label in the function's Series, or the function's own name.

    Raises
    ------
    PoolingError
        If an expression is not arithmetic, names no parameter of the model, or has no finite value
        or derivative at the estimates; or if it needs covariances that are not known, or estimates
        are given on a transformed scale.

    Notes
    -----
    Derivatives are extrapolated from central differences with steps that shrink until the result
    settles to at least seven digits. The estimates of a combination should be nearly normal over
    repeated samples: combine a log odds ratio rather than an odds ratio, and transform last.

    References
    ----------
    .. [1] Oehlert (1992), The American Statistician 46, 27-29.

    Examples
    --------
    >>> stack = StackedResults(
    ...     names=("age", "bmi"),
    ...     q_hat=np.array([[1.0, 2.0], [1.5, 2.5]]),
    ...     covariances=np.array([np.diag([0.04, 0.01])] * 2),
    ...     df_complete=np.array([50.0, 50.0]),
    ... )
    >>> ratio = delta_method(stack, {"ratio": "age / bmi"})
    >>> ratio.names, ratio.q_hat.round(4).tolist(), ratio.covariances.round(6).ravel().tolist()
    (('ratio',), [[0.5], [0.6]], [0.010625, 0.006976])
    """
    check_original_scale(stack)
    labels, combine = _as_vector_function(function, stack)
    spread = np.sqrt(np.diagonal(stack.covariances, axis1=1, axis2=2))
    values, covariances = [], []
    for imputation, (q, u) in enumerate(zip(stack.q_hat, stack.covariances, strict=True)):
        value = combine(q)
        if not np.isfinite(value).all():
            raise PoolingError(
                f"Imputation {imputation}: {labels[int(np.argmin(np.isfinite(value)))]!r} is "
                f"{value[~np.isfinite(value)][0]} at the estimates "
                f"{dict(zip(stack.names, q.tolist(), strict=True))}. The delta method needs a "
                f"function that is finite and smooth there."
            )
        gradients = _jacobian(combine, q, spread[imputation], labels, stack.names, imputation)
        values.append(value)
        covariances.append(sandwich(gradients, u, labels))
    return replace(
        stack,
        names=labels,
        q_hat=np.stack(values),
        covariances=np.stack(covariances),
        df_complete=(
            stack.df_complete
            if df_complete is None
            else np.full(len(stack.q_hat), df_complete, dtype=np.float64)
        ),
    )


def check_original_scale(stack: StackedResults) -> None:
    """Refuse estimates that are given on a transformed scale."""
    if not stack.transform.is_identity:
        raise PoolingError(
            f"The estimates are on the scale {stack.transform.name!r}, and functions and "
            f"hypotheses are about the original one. Give the estimates without a transform."
        )


def sandwich(
    gradients: FloatArray, covariance: FloatArray, labels: Sequence[Hashable]
) -> FloatArray:
    """Covariance of combinations of parameters, as far as that of the parameters is known.

    Parameters
    ----------
    gradients : ndarray of shape (r, k)
        Derivatives of the combinations.
    covariance : ndarray of shape (k, k)
        Of the parameters; NaN off the diagonal where only variances are known.
    labels : sequence of r hashable
        What the combinations are called in the error.

    Returns
    -------
    ndarray of shape (r, r)
        NaN off the diagonal where only variances are known.

    Raises
    ------
    PoolingError
        If a combination of several parameters needs covariances that are not known.
    """
    if not np.isnan(covariance).any():
        return np.asarray(gradients @ covariance @ gradients.T)
    several = np.count_nonzero(gradients, axis=1) > 1
    if several.any():
        raise PoolingError(
            f"{labels[int(np.argmax(several))]!r} combines several parameters, whose covariances "
            f"are not known. Give whole covariance matrices, not variances alone."
        )
    matrix = np.full((len(gradients), len(gradients)), np.nan)
    np.fill_diagonal(matrix, gradients**2 @ np.diagonal(covariance))
    return matrix


def spelled_out(text: str, names: Sequence[Hashable]) -> tuple[str, dict[str, int]]:
    """Replace the parameters in an expression by words that Python can parse.

    Parameters
    ----------
    text : str
        Arithmetic in the names of parameters. Backticks quote a name; those that begin with a
        letter need none, unless they read as a sum, a product or a number.
    names : sequence of k hashable
        Names of the parameters; those that are not strings are known by their string.

    Returns
    -------
    tuple of str and dict
        The expression, and which parameter each of its words stands for.

    Raises
    ------
    PoolingError
        If a quoted name is none of the parameters, a backtick is not closed, or two names are the
        same as text.

    Examples
    --------
    >>> spelled_out("`0` - C(stage)[T.2]", names=("C(stage)[T.2]", 0))
    ('parameter_1_ - parameter_0_', {'parameter_0_': 0, 'parameter_1_': 1})
    """
    places = {str(name): place for place, name in enumerate(names)}
    if len(places) < len(names):
        raise PoolingError(
            f"Two of the parameters {_listed(names)} read the same as text. Give each a name of "
            f"its own, or write the hypothesis as a matrix or the function in Python."
        )
    words = {f"parameter_{place}_": place for place in range(len(names))}

    def word(found: re.Match[str]) -> str:
        name = found["quoted"] if found["quoted"] is not None else found[0]
        if name not in places:
            raise unknown_names([name], names, text)
        return f"parameter_{places[name]}_"

    # The longest first: a name may begin with another one.
    plain = sorted((re.escape(name) for name in places if _needs_no_quotes(name)), key=len)[::-1]
    bare = rf"|(?<![\w.`])(?:{'|'.join(plain)})(?![\w.`(\[])" if plain else ""
    replaced = re.sub(rf"`(?P<quoted>[^`]*)`{bare}", word, text)
    if "`" in replaced:
        raise PoolingError(f"A backtick in {text!r} has no other one. Quote a name on both sides.")
    return replaced, words


def in_names(code: str, names: Sequence[Hashable]) -> str:
    """Put the parameters back into what `spelled_out` made of an expression."""
    for place, name in enumerate(names):
        code = code.replace(f"parameter_{place}_", str(name))
    return code


def parsed(code: str, text: str, names: Sequence[Hashable]) -> ast.expr:
    """Parse what `spelled_out` made of an expression, or say that it is none."""
    try:
        return ast.parse(code.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise PoolingError(
            f"{text!r} is not an expression in Python arithmetic of the parameters "
            f"{_listed(names)}. Quote names that are not plain words in backticks."
        ) from error


def unknown_names(unknown: Sequence[str], names: Sequence[Hashable], text: str) -> PoolingError:
    """Build the error for names that are no parameters."""
    return PoolingError(
        f"{text!r} names {', '.join(repr(name) for name in unknown)}, which the model does not "
        f"have. Its parameters are {_listed(names)}."
    )


def _listed(names: Sequence[Hashable]) -> str:
    return ", ".join(repr(str(name)) for name in names)


def _needs_no_quotes(name: str) -> bool:
    """Tell whether a name in an expression can only be read as a name."""
    if re.match(r"[^\W\d]", name) is None:
        return False
    outside, inside = name, 1
    while inside:
        outside, inside = re.subn(r"\([^()]*\)|\[[^\[\]]*\]", "", outside)
    return not re.search(r"[-+*/=,()\[\]`]", outside) and not keyword.iskeyword(name)


def _as_vector_function(
    function: str | Sequence[str] | Mapping[str, str] | Function, stack: StackedResults
) -> tuple[tuple[Hashable, ...], Callable[[FloatArray], FloatArray]]:
    """Name the combinations, and make one function of an array that computes them all."""
    if callable(function):
        return _as_labelled(function, stack)
    texts = [function] if isinstance(function, str) else list(function)
    if not texts:
        raise PoolingError("The delta method needs at least one function; got none.")
    labels: tuple[Hashable, ...] = tuple(texts)
    if isinstance(function, Mapping):
        texts = list(function.values())
    expressions = [_compiled(text, stack.names) for text in texts]

    def combine(estimates: FloatArray) -> FloatArray:
        return np.array([expression(estimates) for expression in expressions], dtype=np.float64)

    return labels, combine


def _as_labelled(
    function: Function, stack: StackedResults
) -> tuple[tuple[Hashable, ...], Callable[[FloatArray], FloatArray]]:
    index = pd.Index(list(stack.names), tupleize_cols=False)

    def combine(estimates: FloatArray) -> FloatArray:
        return np.atleast_1d(np.asarray(function(pd.Series(estimates, index)), dtype=np.float64))

    first = function(pd.Series(stack.q_hat[0], index))
    if isinstance(first, pd.Series):
        return tuple(first.index), combine
    if np.ndim(first) == 0:
        return (getattr(function, "__name__", "function"),), combine
    raise PoolingError(
        f"The function of the delta method must return a number or a Series of numbers; it "
        f"returned a {type(first).__name__} of the shape {np.shape(first)}."
    )


def _compiled(text: str, names: Sequence[Hashable]) -> Callable[[FloatArray], float]:
    code, words = spelled_out(text, names)
    tree = parsed(code, text, names)
    known = {*words, *CONSTANTS}
    functions = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    modules = {node.value for node in functions if isinstance(node, ast.Attribute)}
    unknown = [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node not in functions | modules and node.id not in known
    ]
    if unknown:
        raise unknown_names(unknown, names, text)

    def compute(estimates: FloatArray) -> float:
        values = {word: estimates[place] for word, place in words.items()}
        with np.errstate(all="ignore"):
            return float(_value(tree, {**CONSTANTS, **values}, text, names))

    return compute


def _value(
    node: ast.expr, values: Mapping[str, float], text: str, names: Sequence[Hashable]
) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return np.float64(number)
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](
                _value(left, values, text, names), _value(right, values, text, names)
            )
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(operand, values, text, names))
        case ast.Call(
            func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="np"), attr=name),
            args=arguments,
            keywords=[],
        ) if name in functions() and len(arguments) == functions()[name].nin:
            return functions()[name](
                *[_value(argument, values, text, names) for argument in arguments]
            )
    raise PoolingError(
        f"{text!r} holds {in_names(ast.unparse(node), names)!r}, which is not arithmetic. "
        f"Expressions know numbers, parameters, + - * / **, and the functions "
        f"{', '.join(_usage(name) for name in functions())}."
    )


@cache
def functions() -> Mapping[str, np.ufunc]:
    """Give the functions that an expression can call, by name."""
    of_scipy = {name: getattr(special, name) for name in OF_SCIPY}
    return {name: getattr(np, name) for name in OF_NUMPY} | of_scipy


def _usage(name: str) -> str:
    return f"{name}({', '.join('xy'[: functions()[name].nin])})"


def _jacobian(
    combine: Callable[[FloatArray], FloatArray],
    estimates: FloatArray,
    spread: FloatArray,
    labels: Sequence[Hashable],
    names: Sequence[Hashable],
    imputation: int,
) -> FloatArray:
    """Differentiate r combinations with respect to k parameters, to an array of shape (r, k)."""
    columns = []
    for place, name in enumerate(names):
        size = max(abs(estimates[place]), spread[place]) or 1.0
        slope, error = _derivative(combine, estimates, place, size)
        unsettled = ~(error <= 1e-7)
        if unsettled.any():
            raise PoolingError(
                f"Imputation {imputation}: {labels[int(np.argmax(unsettled))]!r} has no derivative "
                f"with respect to {name!r} at the estimate {estimates[place]:g}. The delta method "
                f"needs a function that is smooth there."
            )
        columns.append(slope)
    return np.stack(columns, axis=1)


def _derivative(
    combine: Callable[[FloatArray], FloatArray], estimates: FloatArray, place: int, size: float
) -> tuple[FloatArray, FloatArray]:
    """Extrapolate central differences to a step of zero, as Ridders (1982) does.

    Row by row the step is halved, and each further column removes one more power of its square.
    Returned is, for every combination, the entry with the least relative error: how much it differs
    from its neighbours, plus what rounding does to a difference over such a step. An entry near 0
    is compared with a slope that changes 1e-7 of the combination over the size of the parameter.
    """
    height = np.abs(combine(estimates))
    best, least = np.full(height.shape, np.nan), np.full(height.shape, np.inf)
    previous: list[FloatArray] = []
    for halving in range(HALVINGS):
        step = size / 10 / 2**halving
        row = [_central_difference(combine, estimates, place, step)]
        rounding = np.finfo(np.float64).eps * height / step
        for column, above in enumerate(previous[: COLUMNS - 1], start=1):
            left = row[-1]
            with np.errstate(all="ignore"):
                row.append(left + (left - above) / (4.0**column - 1))
                error = np.maximum(np.abs(row[-1] - left), np.abs(row[-1] - above)) + rounding
                error = np.where(error > 0, error / (np.abs(row[-1]) + 1e-7 * height / size), error)
            better = error < least
            best, least = np.where(better, row[-1], best), np.where(better, error, least)
        previous = row
        if (least <= 1e-12).all():
            break
    return best, least


def _central_difference(
    combine: Callable[[FloatArray], FloatArray], estimates: FloatArray, place: int, step: float
) -> FloatArray:
    """Difference quotient over the step that floating-point numbers really make.

    NaN where the step leaves the function's domain.
    """
    above, below = estimates.copy(), estimates.copy()
    above[place] += step
    below[place] -= step
    try:
        with np.errstate(all="ignore"):
            return np.asarray((combine(above) - combine(below)) / (above[place] - below[place]))
    except (ArithmeticError, ValueError):  # those of the math module
        return np.full(combine(estimates).shape, np.nan)
