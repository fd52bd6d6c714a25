"""Numbers on transformed scales."""

import numpy as np
import pytest
from scipy import stats

from bayesmice.errors import PoolingError
from bayesmice.pooling import Transform, pool, pool_scalar
from bayesmice.pooling.transforms import TRANSFORMS

INSIDE = {
    "identity": np.array([-2.0, 0.0, 3.0]),
    "log": np.array([0.01, 1.0, 50.0]),
    "logit": np.array([0.01, 0.5, 0.97]),
    "fisher_z": np.array([-0.9, 0.0, 0.99]),
    "r_squared": np.array([0.01, 0.3, 0.98]),
    "log_complement": np.array([-3.0, 0.0, 0.95]),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_is_undone_by_its_inverse_and_has_its_derivative(name):
    transform, values = TRANSFORMS[name], INSIDE[name]
    np.testing.assert_allclose(transform.inverse(transform.forward(values)), values, atol=1e-12)
    step = 1e-6 * np.maximum(np.abs(values), 1e-2)
    slope = (transform.forward(values + step) - transform.forward(values - step)) / (2 * step)
    np.testing.assert_allclose(transform.derivative(values), slope, rtol=1e-6)


def test_a_correlation_is_pooled_on_fishers_z():
    r, n = np.array([0.5, 0.6, 0.45]), 53
    pooled = pool_scalar(r, [1 / (n - 3)] * 3, transform="fisher_z", u_scale="transformed")
    z = np.arctanh(r)
    total = 1 / 50 + 4 / 3 * z.var(ddof=1)
    assert pooled.table["estimate"].iloc[0] == pytest.approx(np.tanh(z.mean()))
    quantile = stats.t.ppf(0.975, pooled.df.iloc[0])
    ends = np.tanh(z.mean() + quantile * np.sqrt(total) * np.array([-1, 1]))
    np.testing.assert_allclose(pooled.table[["ci_low", "ci_high"]].iloc[0], ends, rtol=1e-12)


def test_variances_on_the_original_scale_are_transformed_by_the_delta_method():
    p = np.array([0.1, 0.2, 0.15])
    u = p * (1 - p) / 80
    by_original = pool_scalar(p, u, transform="logit")
    by_logit = pool_scalar(p, 1 / (80 * p * (1 - p)), transform="logit", u_scale="transformed")
    np.testing.assert_allclose(by_original.table, by_logit.table, rtol=1e-12)


def test_without_a_transform_it_is_rubins_rule():
    q, u = [1.0, 2.0, 4.0], [0.5, 0.4, 0.3]
    np.testing.assert_allclose(
        pool_scalar(q, u, df_complete=20).table,
        pool(list(zip(q, u, strict=True)), df_complete=20).table,
    )


def test_an_r_squared_of_zero_is_pooled_and_its_interval_stays_in_range():
    pooled = pool_scalar(
        [0.0, 0.1, 0.02], [1 / 97] * 3, transform="r_squared", u_scale="transformed"
    )
    low, estimate, high = pooled.table[["ci_low", "estimate", "ci_high"]].iloc[0]
    assert 0 == low < estimate < high < 1


def test_a_transform_of_ones_own():
    root = Transform("root", np.sqrt, np.square, lambda x: 0.5 / np.sqrt(x), support=(0, np.inf))
    pooled = pool_scalar([4.0, 9.0, 16.0], [1.0, 1.0, 1.0], transform=root)
    assert pooled.table["estimate"].iloc[0] == pytest.approx(9)
    assert "on the scale root" in pooled.summary().as_text()


@pytest.mark.parametrize(
    ("q", "u", "options", "text"),
    [
        (
            [1.2, 0.5],
            [1, 1],
            {"transform": "logit"},
            "Imputation 0 has the value 1.2",
        ),
        ([0.5, 0.0], [1, 1], {"transform": "log"}, "Imputation 1 has the value 0"),
        ([0.5, 0.5], [1, 1], {"transform": "cube"}, "no transform 'cube'. Choose one of identity"),
        ([0.5, 0.5], [1], {}, r"the same shape \(m,\), .* got \(2,\) and \(1,\)"),
        ([0.5, 0.4], [1, -1], {}, "Imputation 1: parameter 'estimate' has the variance -1"),
        ([0.5, 0.4], [1, 1], {"u_scale": "log"}, "u_scale must be 'original' or 'transformed'"),
    ],
)
def test_numbers_that_cannot_be_pooled_say_why(q, u, options, text):
    with pytest.raises(PoolingError, match=text):
        pool_scalar(q, u, **options)


def test_a_transformed_quantity_is_not_exponentiated():
    pooled = pool_scalar([0.5, 0.4], [0.1, 0.1], transform="logit")
    with pytest.raises(PoolingError, match="these were pooled on the scale 'logit'"):
        pooled.to_frame(exponentiate=True)
