"""Which countries a group may pass through: unknown counts as required, a recorded visa opens."""

from __future__ import annotations

from datetime import date

import pytest

from retorno.errors import InputError
from retorno.routes.overlay import AgreementConfirmation
from retorno.routes.tables import Ground, load_ground
from retorno.routes.transit import (
    TransitBar,
    TransitGrant,
    agreed_countries,
    barred_countries,
    transit_bars,
)

LAST = date(2026, 3, 20)


@pytest.fixture(scope="module")
def ground() -> Ground:
    return load_ground()


def visa(country: str, **other: object) -> TransitGrant:
    return TransitGrant(country=country, valid_until=date(2026, 3, 20), **other)  # type: ignore[arg-type]


def test_unknown_and_conditional_count_as_required(ground: Ground) -> None:
    # Rows of the table: HN through PA unknown, HN through CO no, IN through TR conditional, IN through CO yes.
    honduran = barred_countries(ground, {"P1": "HN"}, (), last_day=LAST)
    indian = transit_bars(ground, {"P1": "IN"}, (), last_day=LAST)

    assert "PA" in honduran
    assert "CO" not in honduran
    assert indian["TR"] == (TransitBar(country="TR", nationality="IN", person_ids=("P1",), required="conditional"),)
    assert indian["CO"][0].required == "yes"


def test_a_rule_for_the_way_home_is_the_one_that_counts(ground: Ground) -> None:
    # CU through PA: conditional in general, but none needed for someone going home.
    assert "PA" not in barred_countries(ground, {"P1": "CU"}, (), last_day=LAST)


def test_a_country_that_is_not_in_the_table_is_barred(ground: Ground) -> None:
    bars = transit_bars(ground, {"P1": "HN"}, (), last_day=LAST)

    assert bars["SV"] == (TransitBar(country="SV", nationality="HN", person_ids=("P1",), required=""),)


def test_nobody_is_barred_from_the_own_country_nor_from_the_ends(ground: Ground) -> None:
    assert "HN" not in barred_countries(ground, {"P1": "HN"}, (), last_day=LAST)
    assert not {"MX", "GT"} & barred_countries(ground, {"P1": "HN"}, (), last_day=LAST, ends=("MX", "GT"))


def test_a_recorded_visa_opens_only_for_its_person_and_until_its_last_day(ground: Ground) -> None:
    people = {"P1": "HN", "P2": "HN", "P3": "HN"}
    held = [visa("PA", person_id="P1"), visa("PA", person_id="P3")]

    assert transit_bars(ground, people, held, last_day=LAST)["PA"][0].person_ids == ("P2",)
    complete = [*held, visa("PA", person_id="P2")]
    assert "PA" not in transit_bars(ground, people, complete, last_day=LAST)
    assert "PA" in transit_bars(ground, people, complete, last_day=date(2026, 3, 21))
    assert "MX" in transit_bars(ground, people, complete, last_day=LAST)


def test_a_waiver_opens_for_a_nationality_or_for_the_whole_group(ground: Ground) -> None:
    people = {"P1": "HN", "P2": "IN"}

    of_hondurans = transit_bars(ground, people, [visa("PA", nationality="HN")], last_day=LAST)
    assert [(bar.nationality, bar.person_ids) for bar in of_hondurans["PA"]] == [("IN", ("P2",))]
    assert "PA" not in transit_bars(ground, people, [visa("PA")], last_day=LAST)


def test_one_member_who_may_not_pass_bars_the_group(ground: Ground) -> None:
    bars = transit_bars(ground, {"P1": "HN", "P2": "IN"}, (), last_day=LAST)

    assert [(bar.nationality, bar.person_ids) for bar in bars["CO"]] == [("IN", ("P2",))]


def corridor(nationality_row: str = "", **other: object) -> AgreementConfirmation:
    terms: dict[str, object] = {
        "confirmation_id": "A1",
        "agreement_id": nationality_row,
        "confirmed_by": "coordinator",
        "confirmed_with": "liaison officer",
        "valid_from": date(2026, 3, 1),
        "valid_until": date(2026, 3, 31),
    }
    return AgreementConfirmation(**(terms | other))  # type: ignore[arg-type]


def test_an_agreement_in_force_carries_through_countries_without_a_row(ground: Ground) -> None:
    # MX-HN-PRACTICE-2019: from MX to HN through GT, nationals of HN.
    days = {"first_day": date(2026, 3, 2), "last_day": LAST}
    held = [corridor("MX-HN-PRACTICE-2019")]

    agreed = agreed_countries(ground, held, ["HN"], **days)

    assert agreed == {"MX", "GT", "HN"}
    assert "GT" not in barred_countries(ground, {"P1": "HN"}, (), last_day=LAST, agreed=agreed)
    # The visa that the table asks of Hondurans in Mexico it does not replace.
    assert "MX" in barred_countries(ground, {"P1": "HN"}, (), last_day=LAST, agreed=agreed)


def test_an_agreement_is_for_its_nationals_and_its_days(ground: Ground) -> None:
    held = [corridor("MX-HN-PRACTICE-2019")]

    assert agreed_countries(ground, held, ["HN", "CU"], first_day=date(2026, 3, 2), last_day=LAST) == frozenset()
    assert agreed_countries(ground, held, ["HN"], first_day=date(2026, 2, 28), last_day=LAST) == frozenset()
    assert agreed_countries(ground, held, ["HN"], first_day=date(2026, 3, 2), last_day=date(2026, 4, 1)) == frozenset()
    assert agreed_countries(ground, (), ["HN"], first_day=LAST, last_day=LAST) == frozenset()


def test_an_arrangement_of_its_own_is_for_everybody(ground: Ground) -> None:
    own = corridor(
        from_countries=frozenset({"PA"}), transit_countries=frozenset({"CR"}), to_countries=frozenset({"NI"})
    )

    assert agreed_countries(ground, [own], ["NI", "VE"], first_day=LAST, last_day=LAST) == {"PA", "CR", "NI"}


def test_unknown_nationalities_and_nobody_are_refused(ground: Ground) -> None:
    with pytest.raises(InputError, match='nationality "HND" is not a country'):
        transit_bars(ground, {"P1": "HND"}, (), last_day=LAST)
    with pytest.raises(InputError, match="nobody travels"):
        transit_bars(ground, {}, (), last_day=LAST)
