"""Import people and groups from a sheet: template, columns, every problem, all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from retorno import clock, intake
from retorno.errors import Fault, InputError
from retorno.intake import ImportOutcome, ImportPreview, casefile
from retorno.intake.columns import COLUMNS
from retorno.labels import plural
from ui import components, session
from ui.session import Visit, plain

SHOWN_PROBLEMS = 100


def show() -> None:
    """Template, file, columns, preview, problems, the one button."""
    here = session.visit()
    components.title(here, "view.import.title")
    st.markdown(plain(here.t("view.import.what")))
    session.file_link("import_template", "template", here.t("view.import.template"))
    count = session.recall("import.count", 0)
    file = st.file_uploader(here.t("view.import.file"), type=["xlsx", "csv"], key=f"import.file.{count}")
    if file is None:
        _earlier(here)
        return
    content = file.getvalue()
    preview = _read(here, content, file.name)
    if preview is None:
        return
    _columns(here, preview, hashlib.sha256(content).hexdigest())
    for note in preview.notes:
        st.info(plain(here.t(f"import.note.{note.code}", column=note.column, value=note.value)))
    _preview(here, preview)
    if preview.problems:
        _problems(here, preview.problems, preview.content_sha256)
        return
    if session.look(lambda db, actor: intake.is_registered(db, actor, preview)):
        st.success(here.t("view.import.unchanged"))
        return
    _duplicates(here, preview)

    def said(outcome: ImportOutcome) -> str:
        if outcome.is_unchanged:
            return here.t("view.import.unchanged")
        return here.t(
            "view.import.done",
            people=components.people_count(here, outcome.new_person_count),
            groups=plural("view.groups", here.language, outcome.new_group_count),
        )

    session.act_button(
        here.t("view.import.do", people=components.people_count(here, preview.person_count)),
        "intake.import",
        lambda db, actor: intake.apply_import(db, actor, preview),
        key="import.do",
        primary=True,
        said=said,
        after=lambda _: session.remember("import.count", count + 1),
    )


def _read(here: Visit, content: bytes, name: str) -> ImportPreview | None:
    """The file as read with the columns chosen; read once a file and choice."""
    digest = hashlib.sha256(content).hexdigest()
    mapping: dict[str, str] | None = session.recall(f"import.columns.{digest}")
    key = (digest, tuple(sorted((mapping or {}).items())))
    kept = session.recall("import.preview")
    if kept is not None and kept[0] == key:
        preview: ImportPreview = kept[1]
        return preview
    try:
        with st.spinner(here.t("view.import.reading")):
            preview = intake.read_import(content, name, mapping)
    except InputError as problem:
        _problems(here, problem.faults, digest)
        return None
    session.remember("import.preview", (key, preview))
    return preview


def _columns(here: Visit, preview: ImportPreview, digest: str) -> None:
    """Which column of the file is which field; guessed, and to be changed."""
    headers = sorted({*preview.mapping.values(), *preview.unused})
    with st.expander(here.t("view.import.columns"), expanded=bool(preview.problems and preview.unused)):
        chosen: dict[str, str] = {}
        places = st.columns(3)
        for number, column in enumerate(COLUMNS):
            guessed = preview.mapping.get(column.field)
            header = places[number % 3].selectbox(
                here.t(f"import.column.{column.field}"),
                headers,
                index=headers.index(guessed) if guessed in headers else None,
                placeholder=here.t("view.import.no_column"),
                key=f"import.{digest[:12]}.{column.field}",
            )
            if header is not None:
                chosen[column.field] = header
        if chosen != dict(preview.mapping) and st.button(here.t("view.import.read_again"), key="import.again"):
            session.remember(f"import.columns.{digest}", chosen)
            st.rerun()
    for key, names in (("view.import.unused", preview.unused), ("view.import.refused", preview.refused)):
        if names:
            st.info(plain(here.t(key, names=", ".join(names))))


def _preview(here: Visit, preview: ImportPreview) -> None:
    if not preview.shown:
        return
    headers = list(dict.fromkeys(header for row in preview.shown for header in row))
    with st.expander(here.t("view.import.preview", n=len(preview.shown)), expanded=not preview.problems):
        components.table(headers, [[row.get(header, "") for header in headers] for row in preview.shown])


def _problems(here: Visit, faults: Sequence[Fault], digest: str) -> None:
    st.error(plain(plural("error.import", here.language, len(faults))))
    st.markdown(plain(here.t("view.import.retry")))
    kept = session.recall("import.faults")
    now = (digest, len(faults), here.language)
    if kept != now:
        worded = [replace(each, what=session.fault_words(each, here.language)) for each in faults]
        done = session.do(
            "intake.import",
            lambda db, actor: casefile.keep_import_faults(db, actor, content_sha256=digest, faults=worded),
        )
        if done is not None:
            session.remember("import.faults", now)
    with st.container(horizontal=True):
        session.file_link("import_faults", digest, here.t("view.import.problems_file"))
        session.file_link("import_faults_csv", digest, here.t("view.import.problems_csv"))
    components.table(
        [
            here.t("import.fault.row"),
            here.t("import.fault.column"),
            here.t("import.fault.value"),
            here.t("import.fault.what"),
        ],
        [
            (each.row or "", each.column, each.value, session.fault_words(each, here.language))
            for each in faults[:SHOWN_PROBLEMS]
        ],
        numbers="n   ",
    )


def _duplicates(here: Visit, preview: ImportPreview) -> None:
    pairs = session.look(lambda db, actor: intake.preview_duplicates(db, actor, preview))
    if pairs:
        st.warning(plain(plural("view.import.likely", here.language, len(pairs))))
        components.table(
            [here.t("column.first"), here.t("column.second")],
            [(_who(here, preview, pair.first_ref), _who(here, preview, pair.second_ref)) for pair in pairs[:50]],
        )


def _who(here: Visit, preview: ImportPreview, reference: str) -> str:
    """A row by its number and name, in the visitor's language; a record by its reference."""
    for group in preview.groups:
        for row in group.rows:
            if reference == f"row {row.row}":
                return f"{here.t('view.row', n=row.row)}: {row.person.given_names} {row.person.family_names}".strip()
    return reference


def _earlier(here: Visit) -> None:
    runs = session.look(casefile.imports)
    if not runs:
        components.empty(here, "view.import.empty")
        return
    components.table(
        [here.t("column.when"), here.t("column.people"), here.t("column.groups")],
        [(here.time(run.imported_at), run.person_count, run.group_count) for run in runs],
        caption=here.t("view.import.earlier"),
        numbers=" nn",
    )
    today = clock.today(here.zone_name)
    for run in runs:
        if clock.local(run.imported_at, here.zone_name).date() != today:
            continue
        people = components.people_count(here, run.person_count)
        components.danger(
            here,
            f"{here.t('view.import.undo')}: {here.time(run.imported_at)} ({people})",
            here.t("view.import.undo_facts", people=people),
            here.t("view.import.undo"),
            "intake.import",
            lambda db, actor, run=run: intake.undo_import(db, actor, import_id=run.import_id),
            key=f"undo.{run.import_id}",
            said=here.t("view.import.undone"),
        )
    session.link_to("readiness", here.t("view.import.what_next"))
