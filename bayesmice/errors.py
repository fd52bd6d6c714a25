"""The errors that bayesmice raises.

Every error derives from `BayesMiceError` and from the builtin that a caller would expect, and its
text says where, what was expected, what came, and what to do next. Warnings do too, and point at
the line of the user that caused them.
"""

import warnings
from pathlib import Path

PACKAGE = str(Path(__file__).parent)


class BayesMiceError(Exception):
    """Base of every error raised by bayesmice."""


class DataError(BayesMiceError, ValueError):
    """The data, or one of its columns, cannot be imputed as it is."""


class DataTypeError(BayesMiceError, TypeError):
    """The data are not of a type that bayesmice reads."""


class SpecificationError(BayesMiceError, ValueError):
    """An argument that describes the imputation is wrong."""


class ModelError(BayesMiceError, ValueError):
    """A conditional model is not of the form that the engine needs."""


class ColumnNotFoundError(BayesMiceError, KeyError):
    """A custom model reads a column that the data do not have."""

    __str__ = Exception.__str__  # a KeyError would show its text in quotes


class SamplingError(BayesMiceError, RuntimeError):
    """A chain could not draw from a conditional model."""


class AnalysisError(BayesMiceError, RuntimeError):
    """A completed data set cannot be analyzed as asked."""


class PoolingError(BayesMiceError, ValueError):
    """Results cannot be pooled."""


class StoreError(BayesMiceError, ValueError):
    """A file is not one that bayesmice wrote, or not one that this version reads."""


class NotRunError(BayesMiceError, RuntimeError):
    """Something was asked of a run that has not happened yet."""


def warn_caller(text: str) -> None:
    """Give a UserWarning at the line outside bayesmice that led here.

    Parameters
    ----------
    text : str
        Full sentences.
    """
    warnings.warn(text, UserWarning, skip_file_prefixes=(PACKAGE,), stacklevel=2)
