"""The form of a manifest: only known fields, one canonical form of bytes."""

import dataclasses
import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retorno.errors import InputError
from retorno.papers.form import (
    Manifest,
    Notice,
    Window,
    canonical_bytes,
    manifest_bytes,
    manifest_from_bytes,
    manifest_value,
    parse_canonical,
)
from tests.papers.papers_builders import make_manifest, make_row

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet="abcé", max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_canonical_form_is_sorted_dense_and_composed():
    assert canonical_bytes({"b": [1, True, None], "a": "Jose\u0301"}) == '{"a":"José","b":[1,true,null]}'.encode()


@pytest.mark.parametrize("value", [1.0, {"a": [2.5]}, {1: "a"}, b"x", {"é": 1, "e\u0301": 2}, "\ud800", {1, 2}])
def test_what_has_no_single_form_is_refused(value):
    with pytest.raises(InputError):
        canonical_bytes(value)


@given(values)
def test_canonical_bytes_read_and_written_again_are_the_same(value):
    content = canonical_bytes(value)

    assert canonical_bytes(parse_canonical(content)) == content


@pytest.mark.parametrize(
    "content",
    [
        *(b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1.0}', b'{"a":1e2}', b'"\\u0041"', b"{", b"\xff"),
        b"[" * 99_999,
        '"Jose\u0301"'.encode(),
    ],
)
def test_other_forms_of_the_same_value_are_refused(content):
    with pytest.raises(InputError):
        parse_canonical(content)


def test_a_manifest_comes_back_from_its_bytes():
    manifest = make_manifest(5)

    again = manifest_from_bytes(manifest_bytes(manifest))

    assert manifest_bytes(again) == manifest_bytes(manifest)
    assert again.window == manifest.window
    assert again.notice == manifest.notice
    assert [dict(row) for row in again.rows] == [dict(row) for row in manifest.rows]


def test_a_manifest_of_only_the_necessary_comes_back_too():
    manifest = make_manifest(
        1,
        columns=("no", "name"),
        window=None,
        notice=None,
        crew=(),
        contacts=(),
        counts={},
        posts=(),
        expected=(),
        agreement="",
        vehicle="",
        operator="",
        version=1,
        supersedes=None,
    )

    value = manifest_value(manifest)

    head = {"format", "issued_at", "is_demo", "movement", "recipient", "recipient_kind", "recipient_name", "version"}
    assert set(value) == head | {"columns", "rows"}
    assert manifest_bytes(manifest_from_bytes(manifest_bytes(manifest))) == manifest_bytes(manifest)


def test_rows_hold_exactly_the_columns_of_the_recipient():
    with pytest.raises(InputError, match="row 1: the row has other columns"):
        make_manifest(rows=[make_row(1) | {"diagnosis": "x"}])
    with pytest.raises(InputError, match="expected some of"):
        dataclasses.replace(make_manifest(), columns=("no", "name", "asylum"))
    with pytest.raises(InputError, match="in this order"):
        dataclasses.replace(make_manifest(), columns=("name", "no"))
    with pytest.raises(InputError, match="no head count"):
        make_manifest(counts={"claims": 1})


def test_no_field_of_a_manifest_can_hold_what_must_never_be_in_it():
    names = {part.name for part in dataclasses.fields(Manifest)}

    assert not names & {"asylum", "reason", "diagnosis", "detention", "trafficking", "biometrics", "address", "notes"}
    unknown = canonical_bytes(manifest_value(make_manifest()) | {"diagnosis": "x"})
    with pytest.raises(InputError, match="unknown fields diagnosis"):
        manifest_from_bytes(unknown)


@pytest.mark.parametrize(
    "change",
    [
        {"movement": "m 1"},
        {"recipient": ""},
        {"version": 0, "supersedes": None},
        {"version": 2, "supersedes": 2},
        {"issued_at": datetime(2026, 3, 6)},  # noqa: DTZ001 the missing offset is the point
    ],
)
def test_a_head_that_cannot_be_is_refused(change):
    with pytest.raises(InputError):
        make_manifest(**change)


def test_hours_without_offset_or_backwards_are_refused():
    window = make_manifest().window
    with pytest.raises(InputError):
        Window(start=window.end, end=window.start, zone=window.zone)
    with pytest.raises(InputError):
        Window(start=window.start.replace(tzinfo=None), end=window.end, zone=window.zone)


@pytest.mark.parametrize("change", [{"window": {"start": "x"}}, {"crew": [{"x": 1}]}, {"issued_at": 3}, {"rows": None}])
def test_a_manifest_of_another_shape_is_refused(change):
    with pytest.raises(InputError):
        manifest_from_bytes(canonical_bytes(manifest_value(make_manifest()) | change))


def test_a_notice_not_yet_acknowledged_is_kept_so():
    sent = make_manifest().notice.sent_at
    manifest = make_manifest(notice=Notice(sent_at=sent))

    assert json.loads(manifest_bytes(manifest))["notice"] == {"sent_at": "2026-03-06T15:05:00+00:00"}
