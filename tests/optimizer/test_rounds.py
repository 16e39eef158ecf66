"""Local rounds: the rules, the judge, the exact schedule, the search, the files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retorno.__main__ import main
from retorno.errors import InputError
from retorno.optimizer.rounds import Act, LeftOutReason, RoundsSettings, Route, Seats
from retorno.optimizer.rounds_check import RoundsCode, judge_rounds, value_of
from retorno.optimizer.rounds_choice import Routes, best_choice
from retorno.optimizer.rounds_files import (
    node_lines,
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
    public_problem,
    read_rounds,
)
from retorno.optimizer.rounds_kernels import least_times
from retorno.optimizer.rounds_search import scratch_of, setting_of, solve_rounds
from retorno.optimizer.rounds_times import timetable

from .rounds_problems import least_value, make_problem, make_request, make_vehicle, random_problem

SHORT = RoundsSettings(seconds=60, seed=1, max_rounds=200)
BOTH = [("R1", Act.PICKUP), ("R1", Act.DROP)]
NESTED = [("R1", Act.PICKUP), ("R2", Act.PICKUP), ("R2", Act.DROP), ("R1", Act.DROP)]


def codes(problem, *routes: Route) -> list[RoundsCode]:
    return [violation.code for violation in judge_rounds(problem, routes)]


def only_route(problem) -> Route:
    route = timetable(problem, problem.vehicles[0], BOTH)
    assert route is not None
    return route


def test_one_request_gets_a_route_with_its_times():
    problem = make_problem(requests=(make_request(pickup_from_min=100),))

    result = solve_rounds(problem, SHORT)

    # Leaves at 93 to be at the shelter at 100; 5 minutes of boarding, 17 of driving, 3 of alighting, 20 home.
    route = result.routes[0]
    assert [(stop.act, stop.begin_min, stop.leave_min) for stop in route.stops] == [
        (Act.PICKUP, 100, 105),
        (Act.DROP, 122, 125),
    ]
    assert (route.depart_min, route.return_min) == (93, 145)
    assert (result.value, route.distance_m) == (44, 440)
    assert judge_rounds(problem, result.routes) == []


@pytest.mark.parametrize(("most", "fits"), [(16, False), (17, True), (18, True)])
def test_the_longest_ride_counts_from_end_of_boarding_to_beginning_of_alighting(most: int, fits: bool):
    problem = make_problem(requests=(make_request(max_ride_min=most),))

    assert (timetable(problem, problem.vehicles[0], BOTH) is not None) is fits


@pytest.mark.parametrize(("limit", "fits"), [(16, False), (17, True)])
def test_children_ride_no_longer_than_their_own_limit(limit: int, fits: bool):
    problem = make_problem(requests=(make_request(children=1),), max_ride_children_min=limit)

    assert (timetable(problem, problem.vehicles[0], BOTH) is not None) is fits


def test_the_childrens_limit_does_not_bind_a_request_without_children():
    problem = make_problem(max_ride_children_min=3)

    assert timetable(problem, problem.vehicles[0], BOTH) is not None


@pytest.mark.parametrize(("most", "fits"), [(51, False), (52, True)])
def test_the_longest_route_counts_from_leaving_to_return(most: int, fits: bool):
    # 7 + 5 + 17 + 3 + 20 minutes.
    problem = make_problem(vehicles=(make_vehicle(max_route_min=most),))

    assert (timetable(problem, problem.vehicles[0], BOTH) is not None) is fits


@pytest.mark.parametrize(
    ("needs", "fits"),
    [
        (Seats(seat=7), True),
        (Seats(seat=8), False),
        (Seats(seat=6, escort=2), True),  # one escort on an ordinary seat
        (Seats(seat=7, escort=2), False),
        (Seats(seat=7, wheelchair=1, escort=1), True),
        (Seats(wheelchair=2), False),  # a seat is no wheelchair place
        (Seats(seat=8, wheelchair=0), False),  # nor a wheelchair place a seat
        (Seats(stretcher=1), False),
    ],
)
def test_places_are_kept_by_kind(needs: Seats, fits: bool):
    problem = make_problem(requests=(make_request(seats=needs),))

    result = solve_rounds(problem, SHORT)

    assert bool(result.routes) is fits
    assert [each.reason for each in result.left_out] == ([] if fits else [LeftOutReason.NO_SUCH_SEATS])


def test_a_vehicle_keeps_one_set_up_for_its_round():
    setups = (Seats(seat=6), Seats(seat=1, wheelchair=1))
    requests = (
        make_request("R1", seats=Seats(seat=5)),
        make_request("R2", seats=Seats(wheelchair=1), pickup="T", drop="S", pickup_from_min=90, left_out_price=500),
    )
    problem = make_problem(requests=requests, vehicles=(make_vehicle(configurations=setups),))

    result = solve_rounds(problem, SHORT)

    assert [route.request_ids for route in result.routes] == [("R1",)]
    assert [(each.request_id, each.reason) for each in result.left_out] == [("R2", LeftOutReason.NO_ROOM)]
    assert result.value == 44 + 500


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"max_ride_min": 16}, LeftOutReason.RIDE_TOO_LONG),
        ({"drop_until_min": 20}, LeftOutReason.NO_TIME),
        ({"left_out_price": 43}, LeftOutReason.DEARER_THAN_PRICE),
        ({"seats": Seats(seat=11)}, LeftOutReason.NO_SUCH_SEATS),
    ],
)
def test_whoever_is_left_out_gets_the_reason(changes, reason):
    problem = make_problem(requests=(make_request(**changes),))

    result = solve_rounds(problem, SHORT)

    assert [(each.request_id, each.reason) for each in result.left_out] == [("R1", reason)]


def test_conflicting_requests_take_two_vehicles():
    requests = (make_request("R1"), make_request("R2"))
    vans = (make_vehicle("V1"), make_vehicle("V2"))

    together = solve_rounds(make_problem(requests=requests, vehicles=vans), SHORT)
    apart = solve_rounds(make_problem(requests=requests, vehicles=vans, conflicts=(("R1", "R2"),)), SHORT)

    assert (together.value, apart.value) == (44, 88)


PLANTED = [
    (RoundsCode.UNKNOWN, lambda route: [replace(route, vehicle_id="V9")]),
    (RoundsCode.UNKNOWN, lambda route: [replace(route, configuration=1)]),
    (RoundsCode.VEHICLE_TWICE, lambda route: [route, replace(route, stops=(), drive_min=0, distance_m=0)]),
    (RoundsCode.TAKEN_TWICE, lambda route: [route, replace(route, vehicle_id="V2")]),
    (RoundsCode.LEFT_OUT, lambda route: []),
    (RoundsCode.FIGURES, lambda route: [replace(route, drive_min=43)]),
    (RoundsCode.ROUTE_TIME, lambda route: [replace(route, return_min=route.depart_min + 201)]),
    (RoundsCode.SHIFT, lambda route: [replace(route, depart_min=-1)]),
    (RoundsCode.TRAVEL_TIME, lambda route: [replace(route, depart_min=route.depart_min + 1)]),
]


@pytest.mark.parametrize(("code", "plant"), PLANTED)
def test_the_judge_finds_a_planted_fault_of_a_route(code, plant):
    problem = make_problem(vehicles=(make_vehicle("V1"), make_vehicle("V2")))
    route = only_route(problem)

    assert codes(problem, route) == []
    assert code in codes(problem, *plant(route))


PLANTED_AT_STOPS = [
    (RoundsCode.ORDER, 0, {"place": "C"}),
    (RoundsCode.ORDER, 1, {"act": Act.PICKUP}),
    (RoundsCode.ABOARD, 0, {"aboard": Seats(seat=2)}),
    (RoundsCode.SERVICE_TIME, 0, {"leave_min": 11}),
    (RoundsCode.WINDOW, 1, {"begin_min": 301, "leave_min": 304}),
    (RoundsCode.RIDE_TIME, 1, {"begin_min": 58, "leave_min": 61}),
    (RoundsCode.TRAVEL_TIME, 1, {"arrive_min": 28}),
    (RoundsCode.UNKNOWN, 1, {"request_id": "R9"}),
]


@pytest.mark.parametrize(("code", "position", "changes"), PLANTED_AT_STOPS)
def test_the_judge_finds_a_planted_fault_of_a_stop(code, position, changes):
    problem = make_problem()
    route = only_route(problem)
    stops = list(route.stops)
    stops[position] = replace(stops[position], **changes)

    assert code in codes(problem, replace(route, stops=tuple(stops)))


def test_the_judge_counts_seats_and_conflicts_of_those_on_board_together():
    requests = (make_request("R1", seats=Seats(seat=5)), make_request("R2", seats=Seats(seat=3)))
    problem = make_problem(requests=requests)
    roomy = make_problem(requests=requests, vehicles=(make_vehicle(configurations=(Seats(seat=8),)),))
    route = timetable(roomy, roomy.vehicles[0], NESTED)

    assert codes(roomy, route) == []
    assert codes(problem, route) == [RoundsCode.SEATS]
    assert codes(replace(roomy, conflicts=(("R1", "R2"),)), route) == [RoundsCode.CONFLICT]


def random_way(draw, names: list[str]) -> list[tuple[str, Act]]:
    """Every pick-up before its drop, else any order."""
    seen: set[str] = set()
    way = []
    for name in draw.permutation(names * 2):
        way.append((str(name), Act.DROP if name in seen else Act.PICKUP))
        seen.add(name)
    return way


def test_the_compiled_schedule_is_that_of_its_plain_twin():
    draw = np.random.default_rng(7)
    legal = 0
    for seed in range(150):
        problem = random_problem(seed, requests=5, vehicles=1)
        # Only times are compared: room for everybody.
        vehicle = replace(problem.vehicles[0], configurations=(Seats(seat=99, wheelchair=99, escort=99),))
        requests = tuple(replace(each, pickup_until_min=each.pickup_from_min + 200) for each in problem.requests)
        problem = replace(problem, requests=requests, vehicles=(vehicle,))
        setting = setting_of(problem, 1)
        scratch = scratch_of(setting.streets, 1)
        for _ in range(4):
            names = [f"R{number}" for number in draw.permutation(5)[: draw.integers(1, 4)]]
            way = random_way(draw, names)
            nodes = [int(name[1:]) + (0 if act is Act.PICKUP else 5) for name, act in way]
            row = np.array([10, *nodes, 11])
            times = np.zeros(len(row))
            found = least_times(setting.streets, row, len(row), vehicle.max_route_min, times, scratch.at, scratch.sums)
            route = timetable(problem, vehicle, way)
            assert found is (route is not None)
            if route is not None:
                legal += 1
                assert route.return_min == times[-1]
                assert set(codes(replace(problem, conflicts=()), route)) <= {RoundsCode.LEFT_OUT}
    assert 100 < legal < 500


def test_small_problems_are_solved_to_the_best_value():
    for seed in range(40):
        problem = random_problem(seed)

        result = solve_rounds(problem, SHORT)

        missed = [each for each in result.left_out if made_to_go(problem, each.request_id)]
        assert result.value + 1e6 * len(missed) == least_value(problem, missed=1e6), seed
        assert set(codes(problem, *result.routes)) <= {RoundsCode.LEFT_OUT}
        assert value_of(problem, result.routes) == result.value
        on_board = {name for route in result.routes for name in route.request_ids}
        assert {each.request_id for each in result.left_out} == {each.id for each in problem.requests} - on_board


def test_two_vehicles_change_rounds_where_that_is_cheaper():
    # R0 and R1 may not share a van, so the rounds can only change as wholes.
    problem = random_problem(1341, requests=4)

    result = solve_rounds(problem, SHORT)

    # The other way round they cost 190.
    assert result.value == 182
    assert [route.request_ids for route in result.routes] == [("R1", "R3", "R2"), ("R0",)]


@pytest.mark.long
def test_many_small_problems_are_solved_to_the_best_value():
    for seed in range(1_000, 1_400):
        problem = random_problem(seed, requests=4)

        result = solve_rounds(problem, RoundsSettings(seconds=60, max_rounds=1_000))

        missed = [each for each in result.left_out if made_to_go(problem, each.request_id)]
        assert result.value + 1e6 * len(missed) == least_value(problem, missed=1e6), seed


def made_to_go(problem, request_id: str) -> bool:
    return any(each.id == request_id and each.left_out_price is None for each in problem.requests)


def test_the_same_seed_and_rounds_give_the_same_plan():
    problem = random_problem(11, requests=9, vehicles=3)

    first, second = (solve_rounds(problem, RoundsSettings(seconds=60, seed=5, max_rounds=700)) for _ in range(2))

    assert (first.routes, first.rounds, first.stop_reason) == (second.routes, 700, "rounds")


def test_a_search_stops_when_asked_and_keeps_its_plan():
    problem = make_problem()

    result = solve_rounds(problem, RoundsSettings(seconds=60), should_stop=lambda: True)

    assert (result.stop_reason, result.rounds) == ("stopped", 0)
    assert [each.reason for each in result.left_out] == [LeftOutReason.NO_ROOM]


def test_nothing_to_plan_is_a_plan():
    result = solve_rounds(make_problem(requests=()), SHORT)

    assert (result.routes, result.left_out, result.value, result.stop_reason) == ((), (), 0, "nothing to plan")


def test_the_best_choice_takes_routes_that_fit_together():
    # Routes of requests 0 1 2: {0 1} for 10, {2} for 9, {0} for 4, {1 2} for 7; two vehicles; 0 may stay for 3.
    routes = Routes(
        cost=np.array([10.0, 9.0, 4.0, 7.0]),
        kind=np.zeros(4, dtype=np.int64),
        first=np.array([0, 2, 3, 4, 6]),
        member=np.array([0, 1, 2, 0, 1, 2]),
    )
    incumbent = np.array([0, 1])

    with_place = best_choice(
        routes, np.array([50.0, 50, 50]), np.array([2]), incumbent=incumbent, value=19.0, seconds=5
    )
    with_price = best_choice(routes, np.array([3.0, 50, 50]), np.array([2]), incumbent=incumbent, value=19.0, seconds=5)
    nothing_better = best_choice(
        routes, np.array([50.0, 50, 50]), np.array([2]), incumbent=np.array([2, 3]), value=11.0, seconds=5
    )

    assert sorted(with_place) == [2, 3]
    assert sorted(with_price) == [3]
    assert nothing_better is None


# ---- files --------------------------------------------------------------------------------------------


def test_a_problem_comes_back_from_its_file_unchanged():
    problem = random_problem(3, requests=5)

    assert problem_from_json(problem_to_json(problem)) == problem


def test_a_plan_comes_back_from_its_file_unchanged():
    problem = random_problem(3, requests=5)
    result = solve_rounds(problem, SHORT)

    assert plan_from_json(plan_to_json(problem, result)) == (result.routes, result.left_out)


def test_all_faults_of_a_problem_are_told_at_once():
    document = problem_to_json(make_problem())
    document["requests"][0]["pickup_window"] = [300, 200]
    document["requests"][0]["drop"] = "X"
    document["vehicles"][0]["configurations"] = []

    with pytest.raises(InputError) as refused:
        problem_from_json(document)

    assert [fault.column for fault in refused.value.faults] == [
        "requests[0].pickup_from_min",
        "requests[0].drop",
        "vehicles[0].configurations",
    ]


def test_wrong_types_of_a_problem_are_told_at_once():
    document = problem_to_json(make_problem())
    document["objective"] = "beauty"
    document["drive_min"][1][2] = 1.5
    document["requests"][0]["seats"] = {"sofa": 2}

    with pytest.raises(InputError) as refused:
        problem_from_json(document)

    assert [fault.column for fault in refused.value.faults] == ["objective", "drive_min[1]", "requests[0].seats"]


PUBLIC = """1 {count} 200 3 30
0 0.0 0.0 0 0 0 480
1 3.0 4.0 2 1 0 480
2 0.0 8.5 2 2 0 480
3 6.0 8.0 2 -1 100 115
4 0.0 2.5 2 -2 0 480
{depot}""".format


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("depot", ["", "5 0.0 0.0 0 0 0 480\n"])
def test_the_public_format_is_read_whatever_its_header_counts(count: int, depot: str):
    problem = public_problem(PUBLIC(count=count, depot=depot).splitlines(), name="public")

    assert [(each.id, each.seats.seat, each.drop_until_min) for each in problem.requests] == [
        ("1", 1, 115),
        ("2", 2, 480),
    ]
    assert problem.drive_min[0][1] == 5.0
    assert problem.vehicles[0].max_route_min == 200
    assert problem.vehicles[0].end == ("5" if depot else "0")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("1 2 200 3 30", "1 3 200 3 30", "says 3 nodes"),
        ("3 6.0 8.0 2 -1", "3 6.0 8.0 2 -2", "its drop -2"),
        ("0 480", "0 x", "is not 7 numbers"),
        ("100 115", "120 115", "has a window from 120 to 115"),
    ],
)
def test_a_damaged_public_file_is_refused(old: str, new: str, what: str):
    with pytest.raises(InputError, match=what):
        public_problem(PUBLIC(count=2, depot="").replace(old, new).splitlines(), name="public")


def test_the_command_writes_one_route_a_line_without_the_depot(tmp_path, capsys):
    file, out = tmp_path / "public.txt", tmp_path / "plan.txt"
    file.write_text(PUBLIC(count=2, depot=""), encoding="utf-8")

    status = main(["rounds", str(file), "--rounds", "100", "--seconds", "60", "--seed", "1", "--out", str(out)])

    problem = read_rounds(file)
    assert status == 0
    assert sorted(out.read_text("utf-8").split()) == ["1", "2", "3", "4"]
    assert "left out: 0 of 2 requests" in capsys.readouterr().out
    result = solve_rounds(problem, RoundsSettings(seconds=60, seed=1, max_rounds=100))
    assert out.read_text("utf-8").splitlines() == node_lines(problem, result.routes)


def test_the_command_ends_with_1_if_somebody_who_must_be_taken_is_left_out(tmp_path, capsys):
    file, out = tmp_path / "public.txt", tmp_path / "plan.json"
    file.write_text(PUBLIC(count=2, depot="").replace("100 115", "0 1"), encoding="utf-8")

    status = main(["rounds", str(file), "--rounds", "50", "--seconds", "60", "--out", str(out)])

    assert status == 1
    assert "LEFT OUT 1 NO_TIME" in capsys.readouterr().out
