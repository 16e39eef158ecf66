"""Distances on the globe and positions against country outlines."""

from __future__ import annotations

import pytest

from retorno.routes.cells import SHIPPED
from retorno.routes.outlines import Outlines, great_circle_km, load_outlines


@pytest.fixture(scope="module")
def outlines() -> Outlines:
    return load_outlines(SHIPPED)


def test_a_degree_of_latitude_is_a_360th_of_the_globe():
    # 2 pi 6371.0088 km / 360 = 111.195 km
    assert great_circle_km(14.0, -90.0, 15.0, -90.0) == pytest.approx(111.195, abs=0.001)
    assert great_circle_km(60.0, 10.0, 60.0, 10.0) == 0


def test_a_city_lies_inside_its_own_country_only(outlines: Outlines):
    # Guatemala City, about 110 km from Honduras.
    assert outlines.km_outside("GT", 14.64, -90.51) == (0.0, 6.0)
    outside = outlines.km_outside("HN", 14.64, -90.51)
    assert outside is not None
    assert 90 < outside[0] < 150


def test_swapped_coordinates_lie_thousands_of_kilometres_away(outlines: Outlines):
    found = outlines.km_outside("GT", -90.51, 14.64)

    assert found is not None
    assert found[0] > 1000


def test_a_country_outside_the_americas_uses_the_coarse_outline(outlines: Outlines):
    assert outlines.km_outside("IN", 28.61, 77.21) == (0.0, 60.0)  # Delhi


def test_a_country_without_an_outline_is_not_judged(outlines: Outlines):
    assert outlines.km_outside("XX", 0.0, 0.0) is None
