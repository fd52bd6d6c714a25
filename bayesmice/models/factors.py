"""Factors: what one factor of a formula learns from the data, and its design columns.

Formulaic reads a factor once, on the rows in which all its columns were observed: the coding of
categories, what a transform learns, the names. Afterwards the factor is a function of arrays. What
cannot be written as one is left to formulaic, on the host.
"""

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.data import Column, Scale
from bayesmice.errors import SpecificationError
from bayesmice.later import later
from bayesmice.models.expressions import (
    Columns,
    Expression,
    Lookup,
    NearestLookup,
    NotTraceableError,
    Numbers,
    Scope,
    is_users_own,
    translate,
)
from bayesmice.models.formulas import Factor, ParsedFormula
from bayesmice.models.transforms import Array

if TYPE_CHECKING:
    from formulaic import ModelSpec
    from formulaic.parser.types import Term as FormulaicTerm

formulaic = later("formulaic")
formulaic_errors = later("formulaic.errors")
formulaic_types = later("formulaic.parser.types")
named = later("bayesmice.models.functions")

Values = Mapping[str, NDArray[np.float64]]


class Block(Protocol):
    """The design columns of one factor."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Evaluate at complete columns of shape (n_rows,); gives shape (n_rows, width)."""


@dataclass(frozen=True, eq=False)
class TracedBlock:
    """Design columns that are a function of arrays.

    Attributes
    ----------
    names : tuple of str
        Their names.
    expression : Expression
        The function. If it gives more columns than there are names, it is a spline basis whose
        first function is left out since the intercept spans it.
    """

    names: tuple[str, ...]
    expression: Expression

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Evaluate the function."""
        values = xp.asarray(self.expression.evaluate(columns, xp), dtype=float)
        if values.ndim < 2:
            n_rows = len(next(iter(columns.values())))
            return xp.broadcast_to(values, (n_rows,))[:, None]
        return values[:, values.shape[1] - len(self.names) :]


@dataclass(frozen=True, eq=False)
class HostBlock:
    """Design columns that formulaic evaluates.

    Attributes
    ----------
    names : tuple of str
        Their names.
    text : str
        The factor as people read it.
    reading : Reading
        What formulaic learned.
    """

    names: tuple[str, ...]
    text: str
    reading: "Reading"

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Evaluate on the host; NumPy refuses arrays that JAX traces."""
        return xp.asarray(self.reading.evaluate(columns))


@dataclass(frozen=True, eq=False)
class FactorData:
    """The columns of the data as one factor reads them.

    Attributes
    ----------
    columns : mapping of str to Column
        The columns that it reads, by their aliases.
    as_levels : frozenset of str
        Aliases of those that it reads as categories, not as numbers.
    as_whole : frozenset of str
        Aliases of those that it reads as whole numbers.
    functions : mapping of str to object
        What else its code can name.
    """

    columns: Mapping[str, Column]
    as_levels: frozenset[str]
    as_whole: frozenset[str]
    functions: Mapping[str, Any]

    @cached_property
    def categories(self) -> Mapping[str, pd.CategoricalDtype]:
        """The dtypes of the columns that are read as categories."""
        return {
            alias: pd.CategoricalDtype(
                list(column.levels), ordered=column.scale is not Scale.NOMINAL
            )
            for alias, column in self.columns.items()
            if alias in self.as_levels
        }

    @property
    def levels(self) -> "Mapping[str, pd.Series[Any]]":
        """The levels of the columns that are read as categories, each level once."""
        return {
            alias: pd.Series(pd.Categorical(dtype.categories, dtype=dtype))
            for alias, dtype in self.categories.items()
        }

    def frame(self, values: Columns) -> pd.DataFrame:
        """Write complete columns as the data frame that formulaic reads."""
        return pd.DataFrame(
            {
                alias: self._series(alias, np.asarray(values[column.name]))
                for alias, column in self.columns.items()
            }
        )

    def _series(self, alias: str, numbers: NDArray[Any]) -> "pd.Series[Any]":
        if alias in self.as_levels:
            dtype = self.categories[alias]
            return pd.Series(pd.Categorical.from_codes(numbers.astype(int), dtype=dtype))
        if alias in self.as_whole:
            return pd.Series(np.rint(numbers).astype(int))
        return pd.Series(numbers.astype(float))


@dataclass(frozen=True, eq=False)
class Reading:
    """A factor as formulaic has read it, with or without an intercept beside it.

    Attributes
    ----------
    spec : ModelSpec
        What was learned; it belongs to a formula of this factor only.
    data : FactorData
        The columns as the factor reads them.
    has_intercept : bool
        Whether there is an intercept; its column is left out of everything here.
    learned_from : ndarray of shape (n_learned, width)
        The design columns in the rows from which it learned.
    """

    spec: "ModelSpec"
    data: FactorData
    has_intercept: bool
    learned_from: NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        """Formulaic's names of the design columns, with aliases in them."""
        return tuple(self.spec.column_names[self.has_intercept :])

    @cached_property
    def is_reduced(self) -> bool:
        """Whether the factor has one column less because of the intercept."""
        return any(
            factor.reduced
            for row in self.spec.structure
            for scoped in row.scoped_terms
            for factor in scoped.factors
        )

    def evaluate(self, columns: Columns) -> NDArray[np.float64]:
        """Let formulaic apply what it learned to other values; gives shape (n_rows, width)."""
        with _quiet():
            matrix = self.spec.get_model_matrix(
                self.data.frame(columns), context=self.data.functions
            )
        return np.asarray(matrix, dtype=float)[:, self.has_intercept :]


class LearnedFactor:
    """What one factor of a formula learned from the data.

    Parameters
    ----------
    factor : Factor
        The factor.
    formula : ParsedFormula
        The formula that it is part of.
    columns : mapping of str to Column
        The columns of the data.
    values : mapping of str to ndarray of shape (n_rows,)
        Complete columns.

    Raises
    ------
    SpecificationError
        If the factor reads categories as numbers. Its other members raise this error if the factor
        cannot be evaluated, or is not finite where all that it reads was observed.
    """

    def __init__(
        self,
        factor: Factor,
        formula: ParsedFormula,
        columns: Mapping[str, Column],
        values: Values,
    ) -> None:
        self.factor = factor
        self.formula = formula
        self.columns = [columns[name] for name in factor.reads]
        self.tree = ast.parse(factor.code, mode="eval").body
        self.data = self._factor_data()
        rows = known_rows(self.columns)
        self.known = {name: values[name][rows] for name in factor.reads}
        self._check_arithmetic()

    @property
    def spans_intercept(self) -> bool:
        """Whether some sum of the factor's columns is constant, as for all levels of a column."""
        if self.factor.is_column:
            return bool(self.data.as_levels)
        return self._beside_intercept.is_reduced

    def block(self, is_reduced: bool) -> Block:
        """Give the factor's design columns; one less if they shall not span the intercept."""
        if self.factor.is_column:
            return self._column_block(self.columns[0], is_reduced)
        is_alone = self.spans_intercept and not is_reduced
        reading = self._alone if is_alone else self._beside_intercept
        names = tuple(name.replace(self.factor.code, self.factor.text, 1) for name in reading.names)
        try:
            block = TracedBlock(names, self._expression(reading))
            self._check_block(block, reading)
        except Exception:  # code that no rule here foresees is still code that formulaic runs
            return HostBlock(names, self.factor.text, reading)
        return block

    @cached_property
    def _beside_intercept(self) -> Reading:
        return self._read([intercept()])

    @cached_property
    def _alone(self) -> Reading:
        return self._read([])

    def _column_block(self, column: Column, is_reduced: bool) -> Block:
        if not self.data.as_levels:
            return TracedBlock((column.name,), Numbers(column.name))
        first, mark = (1, "T.") if is_reduced else (0, "")
        names = tuple(f"{column.name}[{mark}{level}]" for level in column.levels[first:])
        return TracedBlock(names, Lookup(column.name, np.eye(len(column.levels))[:, first:]))

    def _read(self, beside: "list[FormulaicTerm]") -> Reading:
        code = formulaic_types.Factor(self.factor.code, eval_method="python")
        spec = formulaic.ModelSpec(
            formula=formulaic.SimpleFormula([*beside, formulaic_types.Term([code])]),
            na_action="ignore",
            output="pandas",
        )
        try:
            with _quiet():
                matrix = spec.get_model_matrix(
                    self.data.frame(self.known), context=self.data.functions
                )
            values = np.asarray(matrix, dtype=float)[:, len(beside) :]
        except Exception as error:
            self._refuse_evaluation(error)
        self._check_finite(values)
        return Reading(matrix.model_spec, self.data, bool(beside), values)

    def _expression(self, reading: Reading) -> Expression:
        """Write the factor as a function of arrays."""
        functions = self.formula.functions
        scope = Scope(
            {alias: column.name for alias, column in self.data.columns.items()},
            self.data.levels,
            functions,
            reading.spec.transform_state,
        )
        if any(
            isinstance(node, ast.Name) and is_users_own(functions.get(node.id))
            for node in ast.walk(self.tree)
        ):
            raise NotTraceableError(self.factor.text)
        if len(self.columns) == 1 and self.data.as_levels:
            column = self.columns[0]
            every_level = {column.name: np.arange(len(column.levels))}
            return Lookup(column.name, reading.evaluate(every_level))
        if isinstance(self.tree, ast.Call) and scope.function(self.tree) is named.FUNCTIONS["C"]:
            return self._numbers_as_levels(self.tree, reading, scope)
        return translate(self.tree, scope)

    def _numbers_as_levels(self, call: ast.Call, reading: Reading, scope: Scope) -> Expression:
        if any(keyword.arg == "levels" for keyword in call.keywords):
            raise NotTraceableError(self.factor.text)  # other numbers then belong to no level
        _, state = reading.spec.encoder_state[self.factor.code]
        coding = state["contrasts"].get_coding_matrix(reduced_rank=reading.is_reduced)
        return NearestLookup(
            translate(call.args[0], scope),
            np.asarray(state["categories"], dtype=float),
            np.asarray(coding, dtype=float),
        )

    def _check_block(self, block: TracedBlock, reading: Reading) -> None:
        """Compare with formulaic, and see whether JAX can trace it."""
        expected = reading.learned_from
        with _quiet():
            found = block.evaluate(self.known, np)
        rounding = 1e-10 * np.abs(expected).max(initial=1)
        if found.shape != expected.shape or not np.allclose(found, expected, 1e-9, rounding):
            raise NotTraceableError(self.factor.text)
        vectors = {
            name: jax.ShapeDtypeStruct(numbers.shape, jnp.result_type(float))
            for name, numbers in self.known.items()
        }
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # JAX says so where it changes a meaning
            traced = jax.eval_shape(lambda columns: block.evaluate(columns, jnp), vectors)
        if traced.shape != expected.shape:
            raise NotTraceableError(self.factor.text)

    def _factor_data(self) -> FactorData:
        """Decide what each column is to the factor.

        In ``C(smoker)`` even numbers serve as levels, which give the design columns their names:
        0 and 1 then are the levels of the column, and whole numbers have no decimals.
        """
        aliases = self.formula.aliases
        names = [node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)]
        in_levels = [
            name.id for call, name in _calls_on_names(self.tree) if call in ("C", "hashed")
        ]
        only_levels = {name for name in in_levels if in_levels.count(name) == names.count(name)}
        return FactorData(
            columns={aliases[column.name]: column for column in self.columns},
            as_levels=frozenset(
                aliases[column.name]
                for column in self.columns
                if column.levels
                and (not column.has_number_levels or aliases[column.name] in only_levels)
            ),
            as_whole=frozenset(
                aliases[column.name]
                for column in self.columns
                if column.is_integer and aliases[column.name] in only_levels
            ),
            functions=self.formula.functions,
        )

    def _check_arithmetic(self) -> None:
        operands: list[ast.expr] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.BinOp):
                operands += [node.left, node.right]
            elif isinstance(node, ast.UnaryOp):
                operands.append(node.operand)
        learning = {name for name, f in self.formula.functions.items() if _learns_numbers(f)}
        operands += [name for call, name in _calls_on_names(self.tree) if call in learning]
        for operand in operands:
            if isinstance(operand, ast.Name) and operand.id in self.data.as_levels:
                self._refuse_category(self.data.columns[operand.id])

    def _check_finite(self, values: NDArray[np.float64]) -> None:
        n_bad = int((~np.isfinite(values)).any(axis=1).sum())
        if n_bad:
            raise SpecificationError(
                f"{self.formula.where}: {self.factor.text!r} is not finite in {n_bad} of the "
                f"{len(values)} rows where {_listed(self.factor.reads)} "
                f"{'was' if len(self.columns) == 1 else 'were'} observed; expected a finite number "
                "in each. Use another transformation, or change those values."
            )

    def _refuse_evaluation(self, error: Exception) -> NoReturn:
        categories = [self.data.columns[alias] for alias in sorted(self.data.as_levels)]
        cause = error.__cause__ or error
        if categories and isinstance(cause, TypeError):
            self._refuse_category(categories[0], error)
        said = str(cause).strip().split("\n")[0]
        for name in self.factor.reads:
            said = said.replace(self.formula.aliases[name], name)
        raise SpecificationError(
            f"{self.formula.where}: {self.factor.text!r} cannot be evaluated "
            f"({type(cause).__name__}: {said}). "
            "Expected code that gives one number or level per row; correct it."
        ) from error

    def _refuse_category(self, column: Column, error: Exception | None = None) -> NoReturn:
        raise SpecificationError(
            f"{self.formula.where}: {self.factor.text!r} uses {column.name!r} as a number, but it "
            f"holds categories ({', '.join(map(str, column.levels[:5]))}"
            f"{', ...' if len(column.levels) > 5 else ''}). Take it out of the function, "
            f"as in {column.name}:age, or compare it, as in "
            f"I({column.name} == {column.levels[-1]!r})."
        ) from error


def intercept() -> "FormulaicTerm":
    """Give the intercept as formulaic has it."""
    term: FormulaicTerm = formulaic_types.Term([formulaic_types.Factor("1", eval_method="literal")])
    return term


def known_cells(column: Column) -> NDArray[np.bool_]:
    """Mark the cells, of shape (n_rows,), that were observed or are known by their limits."""
    return column.fitted | column.is_limited


def known_rows(columns: Iterable[Column]) -> NDArray[np.bool_]:
    """Mark the rows in which all of some columns are known; every row if there is none.

    Parameters
    ----------
    columns : iterable of Column
        At least one column.

    Returns
    -------
    ndarray of shape (n_rows,)
        True for those rows.
    """
    rows = np.logical_and.reduce([known_cells(column) for column in columns])
    return rows if rows.any() else np.ones_like(rows)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what formulaic says of values, which are checked, and pandas of formulaic."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        mismatch = formulaic_errors.DataMismatchWarning
        for category in (mismatch, RuntimeWarning, DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        yield


def _calls_on_names(tree: ast.AST) -> list[tuple[str, ast.Name]]:
    """List the calls of a function by name whose first argument is a name."""
    return [
        (node.func.id, node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args
        if isinstance(node.args[0], ast.Name)
    ]


def _learns_numbers(function: Any) -> bool:
    return any(function is known for known in named.REPLAYS)


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(repr(name) for name in names)
