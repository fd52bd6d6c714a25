"""Cost curves from points to tables and a picture."""

import pytest
from speed.curve_picture import draw_curves
from speed.curves import CURVES, Curve, Point, curve_rows, curve_tables, fitted, measure_curve
from speed.workloads import correlated

POINTS = [
    Point(name, size, 1e-4 * size**exponent, int(1e7 * size**0.5))
    for name, exponent in (("n", 1.0), ("p", 2.0))
    for size in CURVES[name].sizes
]


def test_every_curve_is_fitted_by_itself():
    laws = fitted(POINTS)
    assert laws["n"][0].exponent == pytest.approx(1)
    assert laws["p"][0].exponent == pytest.approx(2)
    assert laws["p"][1].exponent == pytest.approx(0.5, abs=1e-6)


def test_tables_show_exponents_and_points():
    text = curve_tables(POINTS)
    assert "| columns (n=2,000, m=5) | seconds of a later sweep | 2.00 ± 0.00 | 2.00 |" in text
    assert "| rows (p=10, m=5) | 1,000 | 100 ms | 0.32 GB |" in text


def test_rows_of_the_file_have_points_and_exponents():
    first = curve_rows(POINTS)[0]
    assert (first["curve"], first["size"], first["seconds_exponent"]) == ("n", 1_000, 1.0)
    assert first["bytes_exponent"] == 0.5


def test_the_picture_has_time_above_memory():
    figure = draw_curves(POINTS)
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title(loc="left") == "exponent 1.00 ± 0.00"
    line, points = figure.axes[1].lines
    assert points.get_ydata()[0] == pytest.approx(1000 * POINTS[5].seconds)
    assert line.get_ydata()[0] == pytest.approx(1000 * POINTS[5].seconds)


@pytest.mark.long
def test_a_curve_is_measured_from_its_smallest_size_on():
    curve = Curve("n", "rows", (50, 100, 200), lambda n: correlated(n, 3), lambda n: 2)
    told = []
    points = measure_curve(curve, 0.5, told.append)
    assert [point.size for point in points] == [50, 100]
    assert told == ["n = 50", "n = 100"]
    assert all(point.added_bytes > 0 for point in points)
