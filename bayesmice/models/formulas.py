"""Formulas: which terms predict a target, and which columns and functions they name.

Formulas are parsed by formulaic, in its whole grammar. What comes out names each column by an alias
that is a Python identifier, so that a column may be called anything.
"""

import ast
import builtins
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from keyword import iskeyword
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn
from unicodedata import normalize

from bayesmice.errors import SpecificationError
from bayesmice.later import later

if TYPE_CHECKING:
    from formulaic.parser.types import Factor as FormulaicFactor
    from formulaic.parser.types import Term as FormulaicTerm

formulaic_errors = later("formulaic.errors")
formulaic_parser = later("formulaic.parser")
formulaic_types = later("formulaic.parser.types")
named = later("bayesmice.models.functions")

NOTHING: Mapping[str, object] = MappingProxyType({})
EVERYTHING = "."
INTERCEPT = "1"
# String literals are matched too, so that a backtick inside one quotes nothing.
QUOTED = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|`([^`]*)`""")
NO_FORMULA = (SyntaxError, ValueError, TypeError, NotImplementedError)
AVAILABLE = "__formulaic_variables_available__"  # the key under which formulaic looks for `.`


@dataclass(frozen=True)
class Factor:
    """One factor of a term: a column, or Python code that reads columns.

    Attributes
    ----------
    text : str
        The factor as people read it: ``age``, ``np.log(age)``, ``I(`two words` / 2)``.
    code : str
        Python code in which aliases stand for the columns.
    reads : tuple of str
        The columns that it reads, in the order of the data.
    is_column : bool
        Whether it is a column as it stands.
    """

    text: str
    code: str
    reads: tuple[str, ...]
    is_column: bool


@dataclass(frozen=True)
class Term:
    """A product of factors.

    Attributes
    ----------
    text : str
        The term as people read it: ``age:hyp``.
    factors : tuple of Factor
        Its factors.
    scale : float
        The number that multiplies it.
    """

    text: str
    factors: tuple[Factor, ...]
    scale: float = 1.0

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that the term reads."""
        return tuple(dict.fromkeys(name for factor in self.factors for name in factor.reads))


@dataclass(frozen=True)
class ParsedFormula:
    """A formula whose names are known.

    Attributes
    ----------
    text : str
        The formula as written.
    target : str
        The column that is modelled.
    terms : tuple of Term
        The terms but the intercept, in formulaic's order: by their number of factors.
    has_intercept : bool
        Whether there is an intercept.
    aliases : mapping of str to str
        What stands for each column in the code of factors.
    functions : mapping of str to object
        What else that code can name.
    """

    text: str
    target: str
    terms: tuple[Term, ...]
    has_intercept: bool
    aliases: Mapping[str, str] = field(repr=False)
    functions: Mapping[str, Any] = field(repr=False)

    @property
    def where(self) -> str:
        """The beginning of a sentence about an error."""
        return _where(self.text, self.target)


def parse_formula(
    formula: str,
    target: str,
    columns: Sequence[str],
    extra_namespace: Mapping[str, object] = NOTHING,
    everything: Collection[str] | None = None,
) -> ParsedFormula:
    """Parse a formula and check every name in it.

    Parameters
    ----------
    formula : str
        Right-hand side of a formula: terms joined by ``+ - : * ** / %in%``, ``.`` for all columns
        but the target, Python code in calls of functions. Names that are not Python identifiers
        stand in backticks.
    target : str
        The column that is modelled.
    columns : sequence of str
        All columns of the data.
    extra_namespace : mapping of str to object, optional
        What code can name besides columns and the functions of formulas.
    everything : collection of str, optional
        The columns that ``.`` stands for; by default all but the target.

    Returns
    -------
    ParsedFormula
        Its terms.

    Raises
    ------
    SpecificationError
        If the formula is not a string, cannot be parsed, has a left-hand side, names an unknown
        column or function, or uses the target.

    Notes
    -----
    A name means a function where it is called and a column anywhere else, so that
    ``log(log) + C(C)`` works for columns that are called ``log`` and ``C``.
    """
    if not isinstance(formula, str):
        raise SpecificationError(
            f"The formula of the model for {target!r} is {formula!r:.80}; expected a string such "
            "as 'age + bmi' or '.'."
        )
    meant = set(columns if everything is None else everything) - {target}
    if formula.strip() == EVERYTHING:
        return _everything(formula, target, columns, meant)
    functions = {**named.FUNCTIONS, **extra_namespace}
    vocabulary = _Vocabulary(tuple(columns), functions, _where(formula, target))
    available = [vocabulary.written[name] for name in columns if name in meant]
    parsed = _parse(vocabulary.without_quotes(formula), available, vocabulary.where)
    is_intercept = [[factor.expr for factor in term.factors] == [INTERCEPT] for term in parsed]
    terms = tuple(
        _term(term, vocabulary)
        for term, stands_alone in zip(parsed, is_intercept, strict=True)
        if not stands_alone
    )
    for term in terms:
        if target in term.reads:
            inside = "" if term.text == target else f" (in {term.text!r})"
            raise SpecificationError(
                f"{vocabulary.where} lets {target!r} predict itself{inside}. "
                "Take it out of the formula."
            )
    return ParsedFormula(
        formula, target, terms, any(is_intercept), vocabulary.aliases, vocabulary.functions
    )


def _everything(
    formula: str, target: str, columns: Sequence[str], meant: Collection[str]
) -> ParsedFormula:
    """Write down the columns as they stand, for which no parser need be imported."""
    vocabulary = _Vocabulary(tuple(columns), NOTHING, _where(formula, target))
    factors = [_column_factor(name, vocabulary) for name in columns if name in meant]
    terms = tuple(Term(_factor_text(factor), (factor,)) for factor in factors)
    return ParsedFormula(formula, target, terms, True, vocabulary.aliases, NOTHING)


def parse_expression(
    text: str, columns: Sequence[str], functions: Mapping[str, Any], where: str
) -> tuple[Factor, Mapping[str, str]]:
    """Parse Python code that reads columns, and check every name in it.

    Parameters
    ----------
    text : str
        An expression. Names that are not Python identifiers stand in backticks.
    columns : sequence of str
        All columns of the data.
    functions : mapping of str to object
        What the code can name besides columns.
    where : str
        The beginning of a sentence about an error.

    Returns
    -------
    tuple of (Factor, mapping of str to str)
        The code with what it reads, and the alias that stands for each column in it.

    Raises
    ------
    SpecificationError
        If it is no expression, or names an unknown column or function.

    Examples
    --------
    >>> factor, aliases = parse_expression("a / b**2", ["a", "b", "c"], {}, "passive")
    >>> factor.reads
    ('a', 'b')
    """
    vocabulary = _Vocabulary(tuple(columns), functions, where)
    try:
        tree = ast.parse(vocabulary.without_quotes(text).strip(), mode="eval")
    except SyntaxError as error:
        raise SpecificationError(
            f"{where} is not a Python expression: {error.msg}. Write the right-hand side only, "
            "such as 'weight / (height / 100) ** 2'."
        ) from error
    return _aliased(tree, text, vocabulary), vocabulary.aliases


@dataclass(frozen=True)
class _Vocabulary:
    """What the names in a formula can mean."""

    columns: tuple[str, ...]
    functions: Mapping[str, Any]
    where: str

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """An identifier for each column that no column is called."""
        prefix = "_column"
        while any(prefix in name for name in self.columns):
            prefix += "_"
        return {name: f"{prefix}_{position}_" for position, name in enumerate(self.columns)}

    @cached_property
    def written(self) -> Mapping[str, str]:
        """What formulaic gets to read for each column; it would take `1` for the intercept."""
        return {name: name if _is_plain(name) else alias for name, alias in self.aliases.items()}

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The column by its name and by its alias."""
        own = {name: name for name in self.columns}
        return {**own, **{alias: name for name, alias in self.aliases.items()}}

    def without_quotes(self, formula: str) -> str:
        """Write quoted names as formulaic gets to read them."""

        def unquoted(match: re.Match[str]) -> str:
            literal, name = match.groups()
            return literal if name is None else self.written[self.column(name)]

        return QUOTED.sub(unquoted, formula)

    def column(self, name: str) -> str:
        """Find a column by its name or alias."""
        if name not in self.names:
            self.refuse_column(name)
        return self.names[name]

    def shown(self, code: str) -> str:
        """Write the names of columns in place of aliases."""
        for name, alias in self.aliases.items():
            if alias in code:
                code = code.replace(alias, name if _is_plain(name) else f"`{name}`")
        return code

    def refuse_column(self, name: str) -> NoReturn:
        """Say that a name is no column."""
        raise SpecificationError(
            f"{self.where} names {name!r}, which is not a column of the data. "
            f"Columns: {', '.join(self.columns)}. "
            "A name that is not a Python identifier stands in backticks."
        )

    def refuse_function(self, name: str) -> NoReturn:
        """Say that a name is no function."""
        known = ", ".join(sorted(n for n, f in self.functions.items() if callable(f)))
        raise SpecificationError(
            f"{self.where} calls {name!r}, which is not a function that it knows. "
            f"Functions: {known}, and those of NumPy, such as np.sqrt."
        )


class _Aliasing(ast.NodeTransformer):
    """Puts aliases in the place of columns, and notes which columns it met."""

    def __init__(self, vocabulary: _Vocabulary, tree: ast.AST) -> None:
        self.vocabulary = vocabulary
        self.reads: set[str] = set()
        self.local = {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        } | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node:
            case ast.Call(func=ast.Name(id="Q"), args=[ast.Constant(value=str(name))]):
                return self._alias(self.vocabulary.column(name))
            case ast.Call(func=ast.Name(id=name)) if name not in self.vocabulary.aliases.values():
                self._check_function(name)
            case _:
                node.func = self.visit(node.func)
        node.args = [self.visit(argument) for argument in node.args]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        root, *path = _dotted(node)
        if root not in self.vocabulary.functions:
            return self.generic_visit(node)
        try:
            reduce(getattr, path, self.vocabulary.functions[root])
        except AttributeError:
            self.vocabulary.refuse_function(ast.unparse(node))
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        vocabulary = self.vocabulary
        if node.id in self.local:
            return node
        if node.id in vocabulary.names:
            return self._alias(vocabulary.names[node.id])
        if node.id not in vocabulary.functions and not hasattr(builtins, node.id):
            vocabulary.refuse_column(node.id)
        return node

    def _alias(self, column: str) -> ast.Name:
        self.reads.add(column)
        return ast.Name(self.vocabulary.aliases[column], ast.Load())

    def _check_function(self, name: str) -> None:
        is_known = name in self.vocabulary.functions or hasattr(builtins, name)
        if not is_known and name not in self.local:
            self.vocabulary.refuse_function(name)


def _dotted(node: ast.expr) -> list[str]:
    """Split a dotted name; what does not begin with a name begins with an empty one."""
    if isinstance(node, ast.Attribute):
        return [*_dotted(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else [""]


def _where(formula: str, target: str) -> str:
    return f"The formula {formula!r} of the model for {target!r}"


def _is_plain(name: str) -> bool:
    """Tell whether Python and formulaic read a name as it stands."""
    is_stable = normalize("NFKC", name) == name  # Python normalizes the names in code
    return name.isidentifier() and not iskeyword(name) and is_stable


def _parse(formula: str, available: list[str], where: str) -> "list[FormulaicTerm]":
    parser = formulaic_parser.DefaultFormulaParser()
    refused = (formulaic_errors.FormulaicError, *NO_FORMULA)
    try:
        parsed = list(parser.get_terms(formula, context={AVAILABLE: available}))
    except refused as error:
        _refuse_syntax(where, _first_line(error), error)
    if not all(isinstance(term, formulaic_types.Term) for term in parsed):
        _refuse_syntax(where, "it has more than one side or part")
    return sorted(parsed, key=lambda term: term.degree)


def _refuse_syntax(where: str, why: str, error: Exception | None = None) -> NoReturn:
    raise SpecificationError(
        f"{where} cannot be parsed: {why}. "
        "Write the right-hand side only, such as 'age + bmi' or '.'."
    ) from error


def _first_line(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.text!r} is not Python code (methods of methods need braces: {{x.a().b()}})"
    if not isinstance(error, formulaic_errors.FormulaicError):
        return "it is not a sum of terms"
    return str(error).strip().splitlines()[0].rstrip(".")


def _term(parsed: "FormulaicTerm", vocabulary: _Vocabulary) -> Term:
    factors, texts, scale = [], [], 1.0
    for item in parsed.factors:
        if item.eval_method is formulaic_types.Factor.EvalMethod.LITERAL:
            scale *= float(item.expr)
            texts.append(item.expr)
            continue
        factor = _factor(item, vocabulary)
        factors.append(factor)
        texts.append(_factor_text(factor))
    return Term(":".join(texts), tuple(factors), scale)


def _factor_text(factor: Factor) -> str:
    needs_quotes = factor.is_column and ":" in factor.text
    return f"`{factor.text}`" if needs_quotes else factor.text


def _column_factor(name: str, vocabulary: _Vocabulary) -> Factor:
    return Factor(name, vocabulary.aliases[name], (name,), is_column=True)


def _factor(parsed: "FormulaicFactor", vocabulary: _Vocabulary) -> Factor:
    if parsed.eval_method is formulaic_types.Factor.EvalMethod.LOOKUP:
        return _column_factor(vocabulary.column(parsed.expr), vocabulary)
    return _aliased(ast.parse(parsed.expr, mode="eval"), parsed.expr, vocabulary)


def _aliased(tree: ast.Expression, text: str, vocabulary: _Vocabulary) -> Factor:
    aliasing = _Aliasing(vocabulary, tree)
    code = ast.unparse(aliasing.visit(tree)).replace("\n", " ")
    reads = tuple(name for name in vocabulary.columns if name in aliasing.reads)
    return Factor(vocabulary.shown(text), code, reads, is_column=False)
