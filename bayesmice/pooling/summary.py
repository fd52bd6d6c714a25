"""Pooled results as text and as HTML, laid out as statsmodels lays out its summaries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """A title, facts in two columns, tables, and notes.

    It prints as text, and shows itself as HTML in a notebook.

    Parameters
    ----------
    title : str
        In the middle of the first line.
    facts : mapping of str to str
        Shown in two columns.
    tables : mapping of str to DataFrame
        By their headings; the first one may have an empty heading.
    notes : tuple of str
        Below.

    Examples
    --------
    >>> table = pd.DataFrame({"estimate": [1.25]}, index=["age"])
    >>> print(Summary("Title", {"m": "5"}, {"": table}))  # doctest: +NORMALIZE_WHITESPACE
                                       Title
    ==============================================================================
    m                                   5
    ------------------------------------------------------------------------------
         estimate
    age      1.25
    ==============================================================================
    """

    title: str
    facts: Mapping[str, str]
    tables: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...] = field(default=())

    def as_text(self) -> str:
        """Give the summary as plain text.

        Returns
        -------
        str
            As wide as its widest table, and at least 78 characters.
        """
        bodies = {name: _text(table) for name, table in self.tables.items()}
        width = max(78, *(len(line) for body in bodies.values() for line in body.splitlines()))
        lines = [self.title.center(width).rstrip(), "=" * width, *_two_columns(self.facts, width)]
        for name, body in bodies.items():
            lines += ["-" * width, *([name] if name else []), body]
        return "\n".join([*lines, "=" * width, *self.notes])

    def as_html(self) -> str:
        """Give the summary as HTML.

        Returns
        -------
        str
            A heading, a table of facts, and the tables, without styles.
        """
        facts = "".join(
            f'<tr><th style="text-align: left">{escape(name)}</th><td>{escape(value)}</td></tr>'
            for name, value in self.facts.items()
        )
        parts = [f"<h4>{escape(self.title)}</h4>", f"<table>{facts}</table>"]
        for name, table in self.tables.items():
            parts += [f"<p>{escape(name)}</p>"] if name else []
            parts.append(
                _unnamed(table).to_html(float_format=four_digits, escape=True, na_rep="", border=0)
            )
        parts += [f"<p>{escape(note)}</p>" for note in self.notes]
        return "\n".join(parts)

    def __str__(self) -> str:
        return self.as_text()

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_html_(self) -> str:
        return self.as_html()


def four_digits(value: float) -> str:
    """Show a number with four significant digits.

    Examples
    --------
    >>> four_digits(1234.5678), four_digits(0.000123456)
    ('1235', '0.0001235')
    """
    return f"{value:.4g}"


def _text(table: pd.DataFrame) -> str:
    return _unnamed(table).to_string(float_format=four_digits, na_rep="")


def _unnamed(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the name of the index, which would take a line of its own."""
    return table if isinstance(table.index, pd.MultiIndex) else table.rename_axis(None)


def _two_columns(facts: Mapping[str, str], width: int) -> list[str]:
    cells = [f"{name:<{width // 4 - 1}} {value}" for name, value in facts.items()]
    half = (len(cells) + 1) // 2
    left, right = cells[:half], [*cells[half:], *[""] * (half - len(cells[half:]))]
    return [f"{a:<{width // 2}}{b}".rstrip() for a, b in zip(left, right, strict=True)]
