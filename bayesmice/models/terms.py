"""Terms: the design matrix of a formula.

A design is learned once, from the observed data. It is evaluated again and again at the completed
columns, with NumPy or inside a program that JAX compiles.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmice.data import Column, ColumnStore
from bayesmice.later import later
from bayesmice.models.expressions import Columns
from bayesmice.models.factors import (
    Block,
    HostBlock,
    LearnedFactor,
    Values,
    intercept,
    known_cells,
    known_rows,
)
from bayesmice.models.formulas import NOTHING, Factor, ParsedFormula, Term, parse_formula
from bayesmice.models.transforms import Array

formulaic = later("formulaic")
formulaic_types = later("formulaic.parser.types")

NEGLIGIBLE = 1e-12  # relative to the largest value: less variation than this is rounding error

DOES_NOT_VARY = "it does not vary where all that it reads was observed"

# A factor, and whether one of its columns is left out because other terms span it.
CodedFactor = tuple[Factor, bool]


@dataclass(frozen=True, eq=False)
class Product:
    """Design columns that are row-wise products of those of some factors.

    Attributes
    ----------
    blocks : tuple of int
        Positions of the factors' blocks in the design.
    scale : float
        A number that multiplies all.
    kept : ndarray of int
        Which of the products are in the design; the first factor's columns vary fastest.
    """

    blocks: tuple[int, ...]
    scale: float
    kept: NDArray[np.intp]

    def evaluate(self, blocks: list[Array]) -> Array:
        """Multiply evaluated blocks of shape (n_rows, width_i) row by row."""
        product = blocks[self.blocks[0]]
        for position in self.blocks[1:]:
            both = blocks[position][:, :, None] * product[:, None, :]
            product = both.reshape(both.shape[0], -1)
        scaled = product if self.scale == 1 else self.scale * product
        return scaled if len(self.kept) == scaled.shape[1] else scaled[:, self.kept]


@dataclass(frozen=True, eq=False)
class FormulaDesign:
    """The design matrix of one formula.

    Attributes
    ----------
    formula : str
        The formula as written.
    names : tuple of str
        Names of the design columns, as formulaic gives them, without the intercept: ``age``,
        ``hyp[T.yes]``, ``age:hyp[T.yes]``, ``bs(age, df=4)[1]``.
    terms : mapping of str to tuple of int
        Positions of each term's design columns; only of terms that have any.
    columns : tuple of str
        The data columns that are read, in the order of the data.
    centers : ndarray of shape (width,)
        What is subtracted from each design column: its mean over the rows in which all that it
        reads was observed. Zeros without an intercept.
    units : ndarray of shape (width,)
        The step that a default prior calls one unit, over the same rows: 1 for a design column of
        zeros and ones, the range of any other with two values, the standard deviation of the rest.
    has_intercept : bool
        Whether the formula has an intercept.
    host : tuple of str
        Factors that only the host can evaluate; if there is none, JAX can trace `evaluate`.
    dropped : tuple of (str, str)
        Data columns and design columns that were left out, each with the reason.
    blocks : tuple of Block
        The design columns of each factor.
    products : tuple of Product
        How they make up the design.
    n_rows : int
        Number of rows of the data.
    is_plain : bool
        Whether the terms are an intercept and columns as they stand.
    """

    formula: str
    names: tuple[str, ...]
    terms: Mapping[str, tuple[int, ...]]
    columns: tuple[str, ...]
    centers: NDArray[np.float64]
    units: NDArray[np.float64]
    has_intercept: bool
    host: tuple[str, ...]
    dropped: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    products: tuple[Product, ...]
    n_rows: int
    is_plain: bool

    @property
    def width(self) -> int:
        """Number of design columns."""
        return len(self.names)

    def evaluate(self, columns: Columns, xp: ModuleType) -> Array:
        """Evaluate the centered design matrix.

        Parameters
        ----------
        columns : mapping of str to array of shape (n_rows,)
            At least those in `columns`, complete: numbers of a continuous column, level codes of
            any other.
        xp : module
            NumPy or `jax.numpy`.

        Returns
        -------
        array of shape (n_rows, width)
            The design columns minus their centers.

        Notes
        -----
        Values beyond the range of the observed ones extend the polynomials of a spline, unless the
        formula says otherwise. A number that is none of the levels of ``C(...)`` counts as the
        nearest level. Only functions of single rows can be traced with their meaning unchanged:
        ``np.mean(age)`` is the mean of the values at hand each time.
        """
        if not self.names:
            n_rows = next((len(vector) for vector in columns.values()), self.n_rows)
            return xp.zeros((n_rows, 0))
        blocks = [block.evaluate(columns, xp) for block in self.blocks]
        design = xp.concatenate([product.evaluate(blocks) for product in self.products], axis=1)
        return design - xp.asarray(self.centers)


def of_columns(design: FormulaDesign, columns: Collection[str]) -> FormulaDesign:
    """Keep some columns of a design whose terms are columns as they stand.

    Parameters
    ----------
    design : FormulaDesign
        A plain design, such as that of ``.``.
    columns : collection of str
        The columns to keep.

    Returns
    -------
    FormulaDesign
        The design of those columns.
    """
    dropped = tuple(entry for entry in design.dropped if entry[0] in columns)
    # A term is called as a formula writes its column, which can be in backticks.
    terms = [
        term for term, column in zip(design.terms, design.columns, strict=True) if column in columns
    ]
    if len(terms) == len(design.terms):
        return replace(design, dropped=dropped)
    kept = np.array([place for term in terms for place in design.terms[term]], dtype=int)
    new = {int(old): position for position, old in enumerate(kept)}
    others = [
        product
        for term, product in zip(design.terms, design.products, strict=True)
        if term in terms
    ]
    return replace(
        design,
        names=tuple(design.names[position] for position in kept),
        terms={term: tuple(new[place] for place in design.terms[term]) for term in terms},
        columns=tuple(name for name in design.columns if name in columns),
        centers=design.centers[kept],
        units=design.units[kept],
        dropped=dropped,
        blocks=tuple(design.blocks[product.blocks[0]] for product in others),
        products=tuple(replace(product, blocks=(i,)) for i, product in enumerate(others)),
    )


def learn_formula(
    formula: str,
    target: str,
    store: ColumnStore,
    fills: Mapping[str, NDArray[np.float64]],
    extra_namespace: Mapping[str, object] = NOTHING,
    everything: Collection[str] | None = None,
) -> FormulaDesign:
    """Learn the design of a formula from the observed data.

    Parameters
    ----------
    formula : str
        Right-hand side of a formula, as `bayesmice.models.formulas.parse_formula` reads it.
    target : str
        The column that is modelled.
    store : ColumnStore
        The data.
    fills : mapping of str to ndarray of shape (n_missing,)
        For each incomplete column, values or codes that stand in its missing cells. They serve
        only where no row has all that a factor reads.
    extra_namespace : mapping of str to object, optional
        Functions and constants that code in the formula can name. Functions are called on the host
        unless they are NumPy's.
    everything : collection of str, optional
        The columns that ``.`` stands for; by default all but the target.

    Returns
    -------
    FormulaDesign
        The design. Columns that are constant or label rows enter no term of their own; design
        columns that do not vary are left out. Both are listed in ``dropped``.

    Raises
    ------
    SpecificationError
        If the formula is wrong (see `parse_formula`), a factor cannot be evaluated or uses
        categories as numbers, or a factor is not finite where all that it reads was observed.

    Notes
    -----
    Each factor learns from the rows in which all its columns were observed; a cell that is known by
    its limits counts with a value within them. Formulaic's functions
    are all there; two differ: ``bs`` extends beyond its bounds by default instead of raising an
    error, as ``cr`` and ``cc`` do, and ``exp10`` is ten to the power of its argument.
    """
    parsed = parse_formula(formula, target, list(store.columns), extra_namespace, everything)
    useless = _useless_columns(store.columns)
    kept: list[Term] = []
    left_out: list[Term] = []
    for term in parsed.terms:
        (left_out if _is_useless(term, useless, store.columns) else kept).append(term)
    values = _completed(store, fills, {name for term in kept for name in term.reads})
    learned = {
        factor: LearnedFactor(factor, parsed, store.columns, values)
        for term in kept
        for factor in term.factors
    }
    design = _assembled(parsed, kept, learned, store, values)
    return replace(design, dropped=(*_reasons(left_out, useless), *design.dropped))


def _useless_columns(columns: Mapping[str, Column]) -> Mapping[str, str]:
    """Say of each column that can predict nothing why that is so."""
    reasons = {}
    for name, column in columns.items():
        if not known_cells(column).any():
            reasons[name] = "no value was observed"
        elif column.is_constant:
            reasons[name] = "it is constant"
        elif column.is_identifier:
            reasons[name] = "it labels rows: none of its levels occurs twice"
    return reasons


def _is_useless(term: Term, useless: Mapping[str, str], columns: Mapping[str, Column]) -> bool:
    """Tell whether a factor reads useless columns only, or one without any value."""
    return any(
        all(name in useless for name in factor.reads)
        or not all(known_cells(columns[name]).any() for name in factor.reads)
        for factor in term.factors
    )


def _reasons(left_out: list[Term], useless: Mapping[str, str]) -> list[tuple[str, str]]:
    read = {name for term in left_out for name in term.reads}
    of_terms = [
        (term.text, "a factor reads no column")
        for term in left_out
        if not any(name in useless for name in term.reads)
    ]
    return [(name, reason) for name, reason in useless.items() if name in read] + of_terms


def _completed(
    store: ColumnStore, fills: Mapping[str, NDArray[np.float64]], names: set[str]
) -> Values:
    values = {}
    for name in names:
        column = store.columns[name]
        values[name] = np.array(column.values)
        if column.n_missing:
            values[name][column.missing_rows] = fills[name]
            values[name][column.is_limited] = column.within_limits[column.is_limited]
    return values


@dataclass(frozen=True, eq=False)
class _CodedProduct:
    """A product of factors, as it is coded for one term."""

    term: Term
    factors: tuple[CodedFactor, ...]

    @property
    def reads(self) -> set[str]:
        return {name for factor, _ in self.factors for name in factor.reads}

    @property
    def is_plain(self) -> bool:
        is_single = len(self.factors) == 1 and self.term.scale == 1
        return is_single and self.factors[0][0].is_column


@dataclass(frozen=True, eq=False)
class _Part:
    """The design columns of one product: those that are kept, and the names of the others."""

    source: _CodedProduct
    names: tuple[str, ...]
    kept: NDArray[np.intp]
    means: NDArray[np.float64]
    units: NDArray[np.float64]
    left_out: tuple[str, ...]


def _assembled(
    parsed: ParsedFormula,
    terms: list[Term],
    learned: Mapping[Factor, LearnedFactor],
    store: ColumnStore,
    values: Values,
) -> FormulaDesign:
    """Put the design columns of all terms side by side."""
    sources = _coded_products(terms, learned, parsed.has_intercept)
    coded = {key for source in sources for key in source.factors}
    blocks = {(factor, is_less): learned[factor].block(is_less) for factor, is_less in coded}
    with np.errstate(all="ignore"):
        evaluated = {key: block.evaluate(values, np) for key, block in blocks.items()}
    parts = [_part(source, blocks, evaluated, store) for source in sources]
    used = [part for part in parts if part.names]
    keys = list(dict.fromkeys(key for part in used for key in part.source.factors))
    position = {key: i for i, key in enumerate(keys)}
    read = {name for part in used for name in part.source.reads}
    centers = _concatenated([part.means for part in used])
    return FormulaDesign(
        formula=parsed.text,
        names=tuple(name for part in used for name in part.names),
        terms=_positions(used),
        columns=tuple(name for name in store.columns if name in read),
        centers=centers if parsed.has_intercept else np.zeros_like(centers),
        units=_concatenated([part.units for part in used]),
        has_intercept=parsed.has_intercept,
        host=tuple(
            dict.fromkeys(f.text for f, less in keys if isinstance(blocks[f, less], HostBlock))
        ),
        dropped=tuple((name, DOES_NOT_VARY) for part in parts for name in part.left_out),
        blocks=tuple(blocks[key] for key in keys),
        products=tuple(
            Product(
                tuple(position[key] for key in part.source.factors),
                part.source.term.scale,
                part.kept,
            )
            for part in used
        ),
        n_rows=store.n_rows,
        is_plain=parsed.has_intercept and all(part.source.is_plain for part in used),
    )


def _coded_products(
    terms: list[Term], learned: Mapping[Factor, LearnedFactor], has_intercept: bool
) -> list[_CodedProduct]:
    """Decide which products of factors span each term, given the terms before it."""
    spans = {factor: learned[factor].spans_intercept for factor in learned}
    if any(len(term.factors) > 1 for term in terms):
        return _products_by_formulaic(terms, spans, has_intercept)
    products = []
    is_spanned = has_intercept
    for term in terms:
        (factor,) = term.factors
        products.append(_CodedProduct(term, ((factor, spans[factor] and is_spanned),)))
        is_spanned = is_spanned or spans[factor]
    return products


def _products_by_formulaic(
    terms: list[Term], spans: Mapping[Factor, bool], has_intercept: bool
) -> list[_CodedProduct]:
    """Let formulaic decide, on two rows of stand-ins for the factors: only their kind counts."""
    names = {factor: f"f{i}" for i, factor in enumerate(spans)}
    factors = {name: factor for factor, name in names.items()}
    stand_ins = pd.DataFrame(
        {
            names[factor]: pd.Categorical(["a", "b"]) if is_spanning else [0.0, 1.0]
            for factor, is_spanning in spans.items()
        }
    )
    formula = [
        formulaic_types.Term([formulaic_types.Factor(names[factor]) for factor in term.factors])
        for term in terms
    ]
    spec = formulaic.ModelSpec(
        formula=formulaic.SimpleFormula([intercept()] * has_intercept + formula)
    )
    rows = spec.get_model_matrix(stand_ins).model_spec.structure[has_intercept:]
    return [
        _CodedProduct(
            term, tuple((factors[item.factor.expr], item.reduced) for item in scoped.factors)
        )
        for term, row in zip(terms, rows, strict=True)
        for scoped in row.scoped_terms
    ]


def _part(
    source: _CodedProduct,
    blocks: Mapping[CodedFactor, Block],
    evaluated: Mapping[CodedFactor, NDArray[np.float64]],
    store: ColumnStore,
) -> _Part:
    """Keep the design columns of a product that vary."""
    names = _product_names([blocks[key].names for key in source.factors])
    rows = known_rows(store.columns[name] for name in source.reads)
    product = Product(tuple(range(len(source.factors))), source.term.scale, np.arange(len(names)))
    values = product.evaluate([evaluated[key][rows] for key in source.factors])
    units = _units(values)
    kept = np.flatnonzero(units)
    return _Part(
        source,
        tuple(names[i] for i in kept),
        kept,
        values[:, kept].mean(axis=0),
        units[kept],
        tuple(names[i] for i in np.flatnonzero(units == 0)),
    )


def _product_names(factors: Sequence[tuple[str, ...]]) -> list[str]:
    """Name the products of columns; the first factor's columns vary fastest."""
    names = list(factors[0])
    for following in factors[1:]:
        names = [f"{name}:{last}" for last in following for name in names]
    return names


def _units(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure each column: the range of two values, the deviation of more, zero of one."""
    low, high = values.min(axis=0), values.max(axis=0)
    spread = high - low
    has_two = ((values == low) | (values == high)).all(axis=0)
    units = np.where(has_two, spread, values.std(axis=0, ddof=min(1, len(values) - 1)))
    varies = spread > NEGLIGIBLE * np.maximum(np.abs(low), np.abs(high))
    return np.where(varies, units, 0.0)


def _positions(parts: Sequence[_Part]) -> Mapping[str, tuple[int, ...]]:
    """Find the design columns of each term."""
    positions: dict[str, tuple[int, ...]] = {}
    first = 0
    for part in parts:
        after = first + len(part.names)
        text = part.source.term.text
        positions[text] = (*positions.get(text, ()), *range(first, after))
        first = after
    return positions


def _concatenated(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate(parts) if parts else np.zeros(0)
