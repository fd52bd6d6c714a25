"""Formulas: which columns predict a target.

Formulas are parsed by formulaic. A conditional model's formula is a sum of columns: ``"."`` for all
others, ``"age + bmi"``, ``". - chl"``.
"""

from collections.abc import Sequence
from keyword import iskeyword

from formulaic.errors import FormulaicError
from formulaic.parser import DefaultFormulaParser

from bayesmice.errors import SpecificationError


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
        If the formula cannot be parsed, names an unknown column or the target itself, or has no
        intercept, or holds anything but single columns.

    Examples
    --------
    >>> formula_predictors(". - chl", "bmi", ["age", "bmi", "hyp", "chl"])
    ('age', 'hyp')
    """
    where = f"The formula {formula!r} of the model for {target!r}"
    others = [name for name in columns if name != target]
    if formula.strip() == ".":  # the parser takes seconds for hundreds of terms
        return tuple(others)
    quoted = {_quote(name): name for name in columns}
    try:
        terms = DefaultFormulaParser().get_terms(
            _expand_dot(formula, [_quote(name) for name in others])
        )
        parsed = [tuple(str(factor) for factor in term.factors) for term in terms]
    except (FormulaicError, SyntaxError, TypeError, AttributeError) as error:
        raise SpecificationError(
            f"{where} cannot be parsed: {_first_line(error)}. "
            "Write the right-hand side only, such as 'age + bmi' or '.'."
        ) from error
    if ("1",) not in parsed:
        raise SpecificationError(
            f"{where} has no intercept; a conditional model needs one. Leave out '- 1' or '0 +'."
        )
    chosen = set()
    for factors in parsed:
        if factors == ("1",):
            continue
        name = quoted.get(factors[0]) or quoted.get(f"`{factors[0]}`")
        if len(factors) > 1 or name is None:
            raise SpecificationError(
                f"{where} holds {':'.join(factors)!r}; expected single columns joined by + and -. "
                f"Columns: {', '.join(others)}. For anything richer write a custom model."
            )
        if name == target:
            raise SpecificationError(
                f"{where} lets {target!r} predict itself. Take it out of the formula."
            )
        chosen.add(name)
    return tuple(name for name in others if name in chosen)


def _expand_dot(formula: str, others: Sequence[str]) -> str:
    everything = "(" + " + ".join(others) + ")" if others else "1"
    return "".join(
        everything if _is_dot(formula, position) else character
        for position, character in enumerate(formula)
    )


def _is_dot(formula: str, position: int) -> bool:
    if formula[position] != "." or formula[:position].count("`") % 2:
        return False
    neighbours = formula[max(position - 1, 0) : position] + formula[position + 1 : position + 2]
    return not any(character.isalnum() or character in "_." for character in neighbours)


def _quote(name: str) -> str:
    return name if name.isidentifier() and not iskeyword(name) else f"`{name}`"


def _first_line(error: Exception) -> str:
    if not isinstance(error, FormulaicError):
        return "it is not a sum of terms"
    return str(error).strip().splitlines()[0].rstrip(".")
