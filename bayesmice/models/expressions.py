"""Expressions: the Python code of a formula as a function of arrays.

An expression is built once from the syntax tree of a factor. It is evaluated any number of times,
with NumPy or inside a program that JAX compiles.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import jax.numpy as jnp
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.later import later
from bayesmice.models.transforms import Array, State

formulaic_code = later("formulaic.utils.code")
named = later("bayesmice.models.functions")

Columns = Mapping[str, Array]

OPERATORS: Mapping[type[ast.AST], Callable[..., Array]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class NotTraceableError(Exception):
    """Some code cannot be written as a function of arrays, so that only the host evaluates it."""


class Expression(Protocol):
    """A function of the columns."""

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Evaluate at columns of shape (n_rows,), with NumPy or `jax.numpy`."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A value that no column enters."""

    value: Any

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Return the value."""
        return self.value


@dataclass(frozen=True, eq=False)
class Numbers:
    """A column of numbers."""

    column: str

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Return the column as floats."""
        return xp.asarray(columns[self.column], dtype=float)


@dataclass(frozen=True, eq=False)
class Lookup:
    """A function of the level of one column, written out as a table.

    Attributes
    ----------
    column : str
        The column.
    table : ndarray of shape (n_levels,) or (n_levels, width)
        What stands for each level.
    """

    column: str
    table: NDArray[Any]

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Look up what stands for the level of each row."""
        return xp.asarray(self.table)[xp.asarray(columns[self.column]).astype(int)]


@dataclass(frozen=True, eq=False)
class NearestLookup:
    """A table of what stands for numbers that serve as levels.

    Imputed numbers that are no level count as the nearest one.

    Attributes
    ----------
    value : Expression
        The numbers.
    levels : ndarray of shape (n_levels,)
        The levels, ascending.
    table : ndarray of shape (n_levels, width)
        What stands for each level.
    """

    value: Expression
    levels: NDArray[np.float64]
    table: NDArray[np.float64]

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Look up what stands for the level nearest to each row's number."""
        numbers = xp.asarray(self.value.evaluate(columns, xp), dtype=float)
        midpoints = xp.asarray((self.levels[1:] + self.levels[:-1]) / 2)
        return xp.asarray(self.table)[xp.searchsorted(midpoints, numbers)]


@dataclass(frozen=True, eq=False)
class Sequence:
    """Several expressions in a list."""

    items: tuple[Expression, ...]

    def evaluate(self, columns: Columns, xp: ModuleType) -> list[Array]:
        """Evaluate each."""
        return [item.evaluate(columns, xp) for item in self.items]


@dataclass(frozen=True, eq=False)
class Operation:
    """An operator of Python."""

    function: Callable[..., Array]
    operands: tuple[Expression, ...]

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Apply it to its operands."""
        return self.function(*[operand.evaluate(columns, xp) for operand in self.operands])


@dataclass(frozen=True, eq=False)
class ArrayCall:
    """A function that NumPy and `jax.numpy` both have under one name."""

    name: str
    arguments: tuple[Expression, ...]
    keywords: Mapping[str, Expression]

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Call it on its arguments."""
        return getattr(xp, self.name)(
            *[argument.evaluate(columns, xp) for argument in self.arguments],
            **{name: value.evaluate(columns, xp) for name, value in self.keywords.items()},
        )


@dataclass(frozen=True, eq=False)
class Replay:
    """A transform that has learned."""

    function: Callable[..., Array]
    state: State
    value: Expression
    options: tuple[Any, ...]
    named_options: Mapping[str, Any]

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Apply what was learned to new values."""
        return self.function(
            self.value.evaluate(columns, xp), self.state, xp, *self.options, **self.named_options
        )


@dataclass(frozen=True, eq=False)
class Scope:
    """What the names in a factor's code mean.

    Attributes
    ----------
    columns : mapping of str to str
        Data column by the name that stands for it in the code.
    levels : mapping of str to Series of shape (n_levels,)
        The levels of those columns that are read as categories, by the name in the code.
    functions : mapping of str to object
        Everything else.
    states : mapping of str to mapping
        What each call of a transform has learned, by its code.
    """

    columns: Mapping[str, str]
    levels: Mapping[str, "pd.Series[Any]"]
    functions: Mapping[str, Any]
    states: Mapping[str, State]

    def reads(self, node: ast.AST) -> set[str]:
        """Find the names of columns in some code."""
        return {
            child.id
            for child in ast.walk(node)
            if isinstance(child, ast.Name) and child.id in self.columns
        }

    def value(self, node: ast.expr) -> Any:
        """Evaluate code in which no name, or only columns of levels, stands for data."""
        code = compile(ast.Expression(node), "<formula>", "eval")
        return eval(code, {**self.functions, **self.levels})

    def function(self, call: ast.Call) -> Any:
        """Find what a call calls; None for a method of a column."""
        return None if self.reads(call.func) else self.value(call.func)


def translate(node: ast.expr, scope: Scope) -> Expression:
    """Write code as an expression.

    Parameters
    ----------
    node : ast.expr
        The code.
    scope : Scope
        What its names mean.

    Returns
    -------
    Expression
        The same function of the columns.

    Raises
    ------
    NotTraceableError
        If the code holds something that arrays cannot do: a method of pandas, a user's function, a
        function that `jax.numpy` does not have.
    """
    names = scope.reads(node)
    if not names:
        return Constant(scope.value(node))
    if len(names) == 1 and names <= set(scope.levels) and not _learns(node, scope):
        return _tabulated(node, names.pop(), scope)
    match node:
        case ast.Name():
            return Numbers(scope.columns[node.id])
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return _operation(op, (left, right), scope)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return _operation(op, (operand,), scope)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
            return _operation(op, (left, right), scope)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return Sequence(tuple(translate(item, scope) for item in items))
        case ast.Call():
            return _call(node, scope)
    raise NotTraceableError(ast.unparse(node))


def _operation(op: ast.AST, operands: tuple[ast.expr, ...], scope: Scope) -> Operation:
    return Operation(OPERATORS[type(op)], tuple(translate(operand, scope) for operand in operands))


def _call(node: ast.Call, scope: Scope) -> Expression:
    function = scope.function(node)
    if any(isinstance(argument, ast.Starred) for argument in node.args) or any(
        keyword.arg is None for keyword in node.keywords
    ):
        raise NotTraceableError(ast.unparse(node))
    arguments = tuple(translate(argument, scope) for argument in node.args)
    keywords = {str(item.arg): translate(item.value, scope) for item in node.keywords}
    if function is named.FUNCTIONS["I"] and len(arguments) == 1 and not keywords:
        return arguments[0]
    if function is named.FUNCTIONS["exp10"] and len(arguments) == 1 and not keywords:
        return ArrayCall("power", (Constant(10.0), *arguments), {})
    for learning, replay in named.REPLAYS.items():
        if function is learning:
            return _replay(node, replay, arguments, keywords, scope)
    name = array_twin(function)
    if name is None:
        raise NotTraceableError(ast.unparse(node.func))
    return ArrayCall(name, arguments, keywords)


def _replay(
    node: ast.Call,
    function: Callable[..., Array],
    arguments: tuple[Expression, ...],
    keywords: Mapping[str, Expression],
    scope: Scope,
) -> Replay:
    options = [*arguments[1:], *keywords.values()]
    state = scope.states.get(formulaic_code.format_expr(node))
    if state is None or not all(isinstance(option, Constant) for option in options):
        raise NotTraceableError(ast.unparse(node))
    return Replay(
        function,
        state,
        arguments[0],
        tuple(argument.evaluate({}, np) for argument in arguments[1:]),
        {name: value.evaluate({}, np) for name, value in keywords.items()},
    )


def _tabulated(node: ast.expr, name: str, scope: Scope) -> Lookup:
    """Write out what the code gives for each level of the only column that it reads."""
    try:
        table = np.asarray(scope.value(node))
    except Exception as error:
        raise NotTraceableError(ast.unparse(node)) from error
    is_bare = isinstance(node, ast.Name)
    if is_bare or table.shape != scope.levels[name].shape or table.dtype.kind not in "biuf":
        raise NotTraceableError(ast.unparse(node))
    return Lookup(scope.columns[name], table)


def _learns(node: ast.AST, scope: Scope) -> bool:
    """Tell whether code calls a transform that learns, whose state a table would not know."""
    return any(
        getattr(scope.function(child), "__is_stateful_transform__", False)
        for child in ast.walk(node)
        if isinstance(child, ast.Call)
    )


def is_users_own(function: Any) -> bool:
    """Tell whether something is a function that neither formulas nor NumPy bring along."""
    is_function = callable(function) and not isinstance(function, type)
    is_known = any(function is known for known in named.FUNCTIONS.values())
    return is_function and not is_known and array_twin(function) is None


def array_twin(function: Any) -> str | None:
    """Find the name under which `jax.numpy` has a function of NumPy."""
    name = getattr(function, "__name__", "")
    is_shared = function is abs or (getattr(np, name, None) is function and hasattr(jnp, name))
    return name if is_shared and not isinstance(function, type) else None
