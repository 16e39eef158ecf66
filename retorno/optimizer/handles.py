"""One pointer instead of fifty arrays: compiled functions take a handle of ``Ground``, ``Load`` and the like.

A handle has the same attributes as the tuple of arrays it is made from, and shares its arrays.  Passing the
tuples themselves makes compilation ten times longer and every call slower.
"""

from __future__ import annotations

from typing import Any

from numba import njit
from numba.core import types
from numba.experimental import structref


class _HandleType(types.StructRef):  # type: ignore[misc, name-defined]
    """A structure whose fields have plain (not literal) types."""

    def preprocess_fields(self, fields: Any) -> Any:
        return tuple((name, types.unliteral(kind)) for name, kind in fields)  # type: ignore[attr-defined]


@structref.register
class GroundType(_HandleType):
    """Compiled type of a ``Ground`` handle."""


@structref.register
class LoadType(_HandleType):
    """Compiled type of a ``Load`` handle."""


@structref.register
class PricesType(_HandleType):
    """Compiled type of a ``Prices`` handle."""


@structref.register
class ScratchType(_HandleType):
    """Compiled type of a ``Scratch`` handle."""


@structref.register
class MemoryType(_HandleType):
    """Compiled type of a ``Memory`` handle."""


class MemoryHandle(structref.StructRefProxy):  # type: ignore[misc]
    """Handle of a ``Memory``."""


class GroundHandle(structref.StructRefProxy):  # type: ignore[misc]
    """Handle of a ``Ground``."""


class LoadHandle(structref.StructRefProxy):  # type: ignore[misc]
    """Handle of a ``Load``."""


class PricesHandle(structref.StructRefProxy):  # type: ignore[misc]
    """Handle of ``Prices``."""


class ScratchHandle(structref.StructRefProxy):  # type: ignore[misc]
    """Handle of a ``Scratch``."""


structref.define_constructor(
    GroundHandle,
    GroundType,
    [
        "day_count",
        "now",
        "site_count",
        "slot_count",
        "overnight_count",
        "longest_gap",
        "return_days",
        "bed_cents",
        "escort_cents",
        "change_cents",
        "ride",
        "site_start",
        "flight_end",
        "cross_ids",
        "allowed",
        "ahead",
        "ahead_least",
        "land_of",
        "is_depot",
        "depots",
        "trip_start",
        "trip_end",
        "trip_segments",
        "trip_cost",
        "type_seats",
        "type_wheelchairs",
        "type_start",
        "reach",
        "leave",
        "tail",
        "away_cents",
        "vehicle_type",
        "vehicle_site",
        "vehicle_hire",
        "vehicle_is_past",
        "vehicle_class",
        "charter_seats",
        "charter_minimum",
        "charter_cents",
        "charter_demand",
        "aircraft_max",
        "group",
        "old_legs",
        "old_count",
        "conflict_start",
        "conflict_ids",
        "service_count",
        "type_unaccompanied",
        "keeps_seats",
        "rest_most",
        "rest_window",
        "rest_night",
        "drove_before",
        "free_from_min",
        "trip_first_min",
        "trip_last_min",
        "edge_start",
        "edge_from",
        "edge_to",
        "edge_cost",
        "edge_trip",
    ],
)
structref.define_boxing(GroundType, GroundHandle)


@njit(cache=True)  # type: ignore[untyped-decorator]
def ground_handle(arrays: Any) -> Any:
    """A handle that shares the arrays of a ``Ground``."""
    return GroundHandle(
        arrays.day_count,
        arrays.now,
        arrays.site_count,
        arrays.slot_count,
        arrays.overnight_count,
        arrays.longest_gap,
        arrays.return_days,
        arrays.bed_cents,
        arrays.escort_cents,
        arrays.change_cents,
        arrays.ride,
        arrays.site_start,
        arrays.flight_end,
        arrays.cross_ids,
        arrays.allowed,
        arrays.ahead,
        arrays.ahead_least,
        arrays.land_of,
        arrays.is_depot,
        arrays.depots,
        arrays.trip_start,
        arrays.trip_end,
        arrays.trip_segments,
        arrays.trip_cost,
        arrays.type_seats,
        arrays.type_wheelchairs,
        arrays.type_start,
        arrays.reach,
        arrays.leave,
        arrays.tail,
        arrays.away_cents,
        arrays.vehicle_type,
        arrays.vehicle_site,
        arrays.vehicle_hire,
        arrays.vehicle_is_past,
        arrays.vehicle_class,
        arrays.charter_seats,
        arrays.charter_minimum,
        arrays.charter_cents,
        arrays.charter_demand,
        arrays.aircraft_max,
        arrays.group,
        arrays.old_legs,
        arrays.old_count,
        arrays.conflict_start,
        arrays.conflict_ids,
        arrays.service_count,
        arrays.type_unaccompanied,
        arrays.keeps_seats,
        arrays.rest_most,
        arrays.rest_window,
        arrays.rest_night,
        arrays.drove_before,
        arrays.free_from_min,
        arrays.trip_first_min,
        arrays.trip_last_min,
        arrays.edge_start,
        arrays.edge_from,
        arrays.edge_to,
        arrays.edge_cost,
        arrays.edge_trip,
    )


structref.define_constructor(
    LoadHandle,
    LoadType,
    [
        "task",
        "aboard",
        "seats",
        "wheelchairs",
        "first",
        "next",
        "gap",
        "task_count",
        "quota",
        "beds",
        "arrivals",
        "service",
        "aircraft",
        "aircraft_groups",
        "escorts",
        "leg_ride",
        "leg_vehicle",
        "leg_count",
        "cost",
        "value",
        "changes",
        "recent",
        "open_cost",
        "open_vehicle",
        "open_seen",
        "children",
        "linked_children",
        "linked_escorts",
        "women",
        "men",
        "returning",
        "route",
    ],
)
structref.define_boxing(LoadType, LoadHandle)


@njit(cache=True)  # type: ignore[untyped-decorator]
def load_handle(arrays: Any) -> Any:
    """A handle that shares the arrays of a ``Load``."""
    return LoadHandle(
        arrays.task,
        arrays.aboard,
        arrays.seats,
        arrays.wheelchairs,
        arrays.first,
        arrays.next,
        arrays.gap,
        arrays.task_count,
        arrays.quota,
        arrays.beds,
        arrays.arrivals,
        arrays.service,
        arrays.aircraft,
        arrays.aircraft_groups,
        arrays.escorts,
        arrays.leg_ride,
        arrays.leg_vehicle,
        arrays.leg_count,
        arrays.cost,
        arrays.value,
        arrays.changes,
        arrays.recent,
        arrays.open_cost,
        arrays.open_vehicle,
        arrays.open_seen,
        arrays.children,
        arrays.linked_children,
        arrays.linked_escorts,
        arrays.women,
        arrays.men,
        arrays.returning,
        arrays.route,
    )


structref.define_constructor(PricesHandle, PricesType, ["expected", "aircraft_expected", "noise", "dial", "barred"])
structref.define_boxing(PricesType, PricesHandle)


@njit(cache=True)  # type: ignore[untyped-decorator]
def prices_handle(arrays: Any) -> Any:
    """A handle that shares the arrays of a ``Prices``."""
    return PricesHandle(arrays.expected, arrays.aircraft_expected, arrays.noise, arrays.dial, arrays.barred)


structref.define_constructor(
    ScratchHandle,
    ScratchType,
    ["cost", "start", "came_from", "came_by", "stamp", "way", "vehicle", "leg_count", "moved", "hint"],
)
structref.define_boxing(ScratchType, ScratchHandle)


@njit(cache=True)  # type: ignore[untyped-decorator]
def scratch_handle(arrays: Any) -> Any:
    """A handle that shares the arrays of a ``Scratch``."""
    return ScratchHandle(
        arrays.cost,
        arrays.start,
        arrays.came_from,
        arrays.came_by,
        arrays.stamp,
        arrays.way,
        arrays.vehicle,
        arrays.leg_count,
        arrays.moved,
        arrays.hint,
    )


structref.define_constructor(
    MemoryHandle,
    MemoryType,
    [
        "random",
        "taken",
        "mark",
        "group",
        "order",
        "key",
        "leg_count",
        "leg_ride",
        "leg_vehicle",
        "chosen",
        "left_out",
        "left_out_count",
        "barred",
        "barred_count",
        "tasks",
        "instead",
        "new_vehicle",
    ],
)
structref.define_boxing(MemoryType, MemoryHandle)


@njit(cache=True)  # type: ignore[untyped-decorator]
def memory_handle(arrays: Any) -> Any:
    """A handle that shares the arrays of a ``Memory``."""
    return MemoryHandle(
        arrays.random,
        arrays.taken,
        arrays.mark,
        arrays.group,
        arrays.order,
        arrays.key,
        arrays.leg_count,
        arrays.leg_ride,
        arrays.leg_vehicle,
        arrays.chosen,
        arrays.left_out,
        arrays.left_out_count,
        arrays.barred,
        arrays.barred_count,
        arrays.tasks,
        arrays.instead,
        arrays.new_vehicle,
    )
