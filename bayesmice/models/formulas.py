"""Formulas: which columns predict a target.

Formulas are parsed by formulaic. A conditional model's formula is a sum of columns: ``"."`` for all
others, ``"age + bmi"``, ``". - chl"``.
"""

import re
from collections.abc import Mapping, Sequence
from keyword import iskeyword

from formulaic.errors import FormulaicError
from formulaic.parser import DefaultFormulaParser

from bayesmice.errors import SpecificationError

INTERCEPT = ("1",)
QUOTED = re.compile(r"`([^`]*)`")
DOT = re.compile(r"(?<![\w.])\.(?![\w.])")


def formula_predictors(formula: str, target: str, columns: Sequence[str]) -> tuple[str, ...]:
    """List the columns that a formula lets predict a target.

    Parameters
    ----------
    formula : str
        Right-hand side of a formula: column names joined by ``+`` and ``-``, or ``.`` for all
        columns but the target. Names that are not Python identifiers stand in backticks.
    target : str
        The column that is modelled.
    columns : sequence of str
        All columns of the data.

    Returns
    -------
    tuple of str
        Predictors in the order of the data.

    Raises
    ------
    SpecificationError
        If the formula is not a string or cannot be parsed, names an unknown column or the target
        itself, has no intercept, or holds anything but single columns.

    Examples
    --------
    >>> formula_predictors(". - chl", "bmi", ["age", "bmi", "hyp", "chl"])
    ('age', 'hyp')
    """
    if not isinstance(formula, str):
        raise SpecificationError(
            f"The formula of the model for {target!r} is {formula!r:.80}; expected a string such "
            "as 'age + bmi' or '.'."
        )
    where = f"The formula {formula!r} of the model for {target!r}"
    others = [name for name in columns if name != target]
    if formula.strip() == ".":  # the parser takes seconds for hundreds of terms
        return tuple(others)
    aliases = {name: _alias(name, position) for position, name in enumerate(columns)}
    names = {alias: name for name, alias in aliases.items()}
    chosen = set()
    for factors in _parse(_plain(formula, aliases, others), where):
        if factors == INTERCEPT:
            continue
        name = names.get(factors[0])
        if len(factors) > 1 or name is None:
            shown = ":".join(names.get(factor, factor) for factor in factors)
            raise SpecificationError(
                f"{where} holds {shown!r}; expected single columns joined by + and -. "
                f"Columns: {', '.join(others)}. For anything richer write a custom model."
            )
        if name == target:
            raise SpecificationError(
                f"{where} lets {target!r} predict itself. Take it out of the formula."
            )
        chosen.add(name)
    return tuple(name for name in others if name in chosen)


def _alias(name: str, position: int) -> str:
    """Stand in for a name that the parser would take for something else, such as ``1``."""
    return name if name.isidentifier() and not iskeyword(name) else f"_column_{position}_"


def _plain(formula: str, aliases: Mapping[str, str], others: Sequence[str]) -> str:
    """Write quoted names as aliases, and the dot as a sum."""
    everything = "(" + (" + ".join(aliases[name] for name in others) or "1") + ")"
    parts = QUOTED.split(formula)
    parts[0::2] = [DOT.sub(everything, unquoted) for unquoted in parts[0::2]]
    parts[1::2] = [aliases.get(quoted, f"`{quoted}`") for quoted in parts[1::2]]
    return "".join(parts)


def _parse(formula: str, where: str) -> list[tuple[str, ...]]:
    try:
        terms = DefaultFormulaParser().get_terms(formula)
        parsed = [tuple(str(factor) for factor in term.factors) for term in terms]
    except (FormulaicError, SyntaxError, TypeError, AttributeError) as error:
        raise SpecificationError(
            f"{where} cannot be parsed: {_first_line(error)}. "
            "Write the right-hand side only, such as 'age + bmi' or '.'."
        ) from error
    if INTERCEPT not in parsed:
        raise SpecificationError(
            f"{where} has no intercept; a conditional model needs one. Leave out '- 1' or '0 +'."
        )
    return parsed


def _first_line(error: Exception) -> str:
    if not isinstance(error, FormulaicError):
        return "it is not a sum of terms"
    return str(error).strip().splitlines()[0].rstrip(".")
