"""A transformer of scikit-learn that imputes, for pipelines and cross-validation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bayesmice.arguments import check_count, check_seed
from bayesmice.errors import SpecificationError
from bayesmice.imputations import Imputations
from bayesmice.mice import MICE
from bayesmice.specification import Models

try:
    from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "bm.BayesianImputer is a transformer of scikit-learn, which is not installed. Install it "
        "with pip install 'bayesmice[sklearn]'."
    ) from error

MEAN = "mean"


class BayesianImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Imputes missing cells within a pipeline of scikit-learn.

    Fitting runs chained equations of PyMC models on the training data; transforming imputes any
    rows with the parameters that were sampled then. Nothing is learned from rows that are
    transformed, so that cross-validation is honest.

    One completed array serves prediction. For inference, whose standard errors have to count what
    is not known, use `MICE` or ``imputer.imputations_``, and pool.

    Parameters
    ----------
    models : mapping of str to Regression, Custom or function, optional
        Conditional models that differ from the default, as in `MICE`. Columns of an array are
        called ``x0``, ``x1``...
    m : int, default 5
        Number of imputations.
    sweeps : int, optional
        Sweeps of each chain; 10 by default.
    imputation : "mean" or int, default "mean"
        What stands in a missing cell: the average over the imputations (of levels the most
        frequent one, of several the first), or one imputation by its number, counted from 0. An
        average has no noise, so that relations look stronger in averages than they are.
    skip_complete : bool, default False
        Whether to sample no model of columns that are complete in the training data. That is
        faster, but rows with missing cells in these columns can then not be transformed.
    options : mapping of str to object, optional
        Further arguments of `MICE`, such as ``{"bounds": {"x0": (0, None)}}``.
    random_seed : int, optional
        Seed; by default a fresh one at each fit. The same rows are always transformed in the same
        way by an imputer that was fitted once.

    Attributes
    ----------
    imputations_ : Imputations
        Of the training data.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if the training data had names.

    Examples
    --------
    >>> import numpy as np
    >>> import bayesmice as bm
    >>> X = np.array([[1.0, 2.1], [2.0, np.nan], [3.0, 6.2], [4.0, 7.9], [5.0, 9.8], [6.0, 12.3]])
    >>> imputer = bm.BayesianImputer(m=3, random_seed=1)
    >>> bool(3 < imputer.fit_transform(X)[1, 1] < 5)
    True
    """

    def __init__(
        self,
        models: Models | None = None,
        *,
        m: int = 5,
        sweeps: int | None = None,
        imputation: str | int = MEAN,
        skip_complete: bool = False,
        options: Mapping[str, Any] | None = None,
        random_seed: int | None = None,
    ) -> None:
        self.models = models
        self.m = m
        self.sweeps = sweeps
        self.imputation = imputation
        self.skip_complete = skip_complete
        self.options = options
        self.random_seed = random_seed

    def fit(self, X: ArrayLike | pd.DataFrame, y: object = None) -> "BayesianImputer":
        """Sample the parameters of all conditional models given the training data.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            The training data.
        y : object, optional
            Not used.

        Returns
        -------
        BayesianImputer
            This object.

        Raises
        ------
        SpecificationError, DataError, ModelError
            As `MICE` does.
        """
        check_count("m", self.m)
        is_number = isinstance(self.imputation, int | np.integer) and self.imputation is not True
        if self.imputation != MEAN and not (is_number and 0 <= int(self.imputation) < self.m):
            raise SpecificationError(
                f"imputation is {self.imputation!r}; expected 'mean', or a number from 0 to "
                f"{self.m - 1}."
            )
        frame = self._frame(X, reset=True)
        options = dict(self.options or {})
        where = frame.isna().to_numpy(copy=True)
        if not self.skip_complete:
            # A run samples the models of columns with cells to draw; one that nobody looks at does.
            computed = [str(name) in (options.get("passive") or {}) for name in frame.columns]
            first = ~where.any(axis=0) & ~np.array(computed, dtype=bool)
            where[0, first] = True
        self.random_seed_ = check_seed(self.random_seed)
        self.imputations_: Imputations = MICE(frame, self.models, where=where, **options).mice(
            self.m, self.sweeps, random_seed=self.random_seed_, progressbar=False
        )
        return self

    def transform(self, X: ArrayLike | pd.DataFrame) -> NDArray[Any] | pd.DataFrame:
        """Impute rows.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            The rows, with the columns of the training data.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, n_features)
            Without a missing cell; a DataFrame after ``set_output(transform="pandas")``.

        Raises
        ------
        DataError, SpecificationError
            As `Imputations.transform` does.
        """
        check_is_fitted(self)
        frame = self._frame(X, reset=False)
        imputations = self.imputations_.transform(frame, random_seed=self.random_seed_)
        if self.imputation == MEAN:
            completed = _average(imputations, frame)
        else:
            completed = imputations.completed(int(self.imputation))
        completed = completed[list(frame.columns)]
        is_wanted_as_frame = hasattr(self, "_sklearn_output_config") and (
            self._sklearn_output_config.get("transform", "default") != "default"
        )
        return completed if is_wanted_as_frame else completed.to_numpy()

    def _frame(self, X: Any, reset: bool) -> pd.DataFrame:
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        values = validate_data(
            self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan"
        )
        return pd.DataFrame(values, columns=[f"x{place}" for place in range(values.shape[1])])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _average(imputations: Imputations, frame: pd.DataFrame) -> pd.DataFrame:
    """Complete rows by the average of their imputations, or by the most frequent level."""
    several = imputations.data
    completed: pd.DataFrame = several[0]
    for name in frame.columns:
        missing = frame[name].isna().to_numpy()
        if not missing.any():
            continue
        cells = pd.DataFrame({i: one.loc[missing, name].array for i, one in enumerate(several)})
        series = completed[name]
        if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(
            series.dtype
        ):
            average = cells.astype(float).mean(axis=1)
            is_whole = pd.api.types.is_integer_dtype(series.dtype)
            chosen = (average.round() if is_whole else average).array
        else:
            chosen = cells.astype(object).mode(axis=1)[0].array
        series = series.copy()
        series.iloc[np.flatnonzero(missing)] = pd.Series(chosen).astype(series.dtype)
        completed[name] = series
    return completed
