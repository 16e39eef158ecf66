"""Registering a family as a list of steps: one short page a step, saved field by field, checked before it is sent."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from retorno import intake
from retorno.changes import at_desk
from retorno.errors import Fault
from retorno.intake import DraftSummary, Registration, Step, registration
from retorno.labels import plural
from retorno.vocabulary import StepState
from ui import components, session
from ui.forms import Form
from ui.session import Visit, plain
from ui.views import family_fields

FORM = registration.FORM
MOST_NAMED = 3
"""How many steps that come first are named before the rest is left to the list itself."""
_MARKS = {
    StepState.NOT_STARTED: "○",
    StepState.IN_PROGRESS: "◐",
    StepState.COMPLETE: "✔",
    StepState.BLOCKED: "—",
}


def start(here: Visit) -> None:
    """One's own half-filled families, each to go on with or to discard; and the way to a new one."""
    if st.button(
        here.t("view.intake.register"), key="register-new", type="primary", shortcut="Alt+N", on_click=_begin_new
    ):
        st.rerun()
    drafts = session.look(lambda db, actor: intake.own_drafts(db, actor, form=FORM))
    if not drafts:
        return
    st.header(here.t("view.intake.drafts"), anchor=False)
    for draft in drafts:
        text, go_on, drop = st.columns([5, 1.6, 3], vertical_alignment="center")
        text.markdown(plain(_about(here, draft)))
        go_on.button(
            here.t("view.intake.go_on"), key=f"draft-{draft.draft_id}", on_click=_go_on, args=(draft.draft_id,)
        )
        with drop:
            components.danger(
                here,
                here.t("view.intake.discard"),
                here.t("view.intake.discard_facts", about=_about(here, draft)),
                here.t("view.intake.discard_do"),
                "intake.draft",
                lambda db, actor, draft=draft: intake.drop_draft(db, actor, form=FORM, object_id=draft.draft_id),
                key=f"discard-{draft.draft_id}",
                said=here.t("view.intake.discarded"),
            )


def _begin_new() -> None:
    _go_on(secrets.token_hex(6))


def _go_on(draft_id: str, step_id: str = "") -> None:
    session.open_draft(FORM, draft_id)
    session.set_parameter("draft", draft_id)
    session.set_parameter("step", step_id or "journey")


def _leave() -> None:
    for name in ("draft", "step", "field"):
        session.set_parameter(name, "")


def _go_to(step_id: str, field: str = "") -> None:
    """Open a step; with ``field`` the keyboard goes to it."""
    session.set_parameter("step", step_id)
    session.set_parameter("field", field)


def _about(here: Visit, draft: DraftSummary) -> str:
    """A draft in a few words: the first person's name so far, how many people, since when."""
    values = session.draft_values(FORM, draft.draft_id)
    keys = registration.person_keys(values)
    name = next((name for key in keys if (name := registration.family_name(values, key))), "")
    return here.t(
        "view.intake.draft",
        name=components.isolated(name) if name else here.t("view.intake.nameless"),
        people=components.people_count(here, len(keys)),
        time=here.time(draft.saved_at),
    )


# ---- the list of steps and one step ------------------------------------------------------------------------


def show(here: Visit, draft_id: str, step_id: str) -> None:
    """One step of a draft, or the list of steps; a draft of before is asked for first."""
    form = Form(here, FORM, draft_id=draft_id)
    if not session.is_draft_open(FORM, draft_id):
        _ask_before_restoring(here, form)
        return
    made = session.look(lambda db, actor: intake.check_draft(db, actor, values=form.values))
    step = made.step(step_id)
    if step is None or (step.state is StepState.BLOCKED and step.kind != "check"):
        _list(here, form, made)
    elif step.kind == "check":
        _check(here, form, made)
    else:
        _step(here, form, made, step)


def _ask_before_restoring(here: Visit, form: Form) -> None:
    if not form.values:
        components.title(here, "view.intake.register")
        components.empty(here, "view.intake.no_draft")
        st.button(here.t("view.intake.to_start"), key="register-start", on_click=_leave, type="primary")
        return
    saved = session.look(lambda db, actor: intake.own_drafts(db, actor, form=FORM))
    mine = next((draft for draft in saved if draft.draft_id == form.draft_id), None)
    st.title(here.t("view.intake.register"), anchor=False)
    st.info(plain(here.t("view.intake.began", about=_about(here, mine) if mine else "")))
    step_id = session.parameter("step")
    yes, new, start_page = st.columns([2, 2, 4])
    yes.button(
        here.t("view.intake.go_on"),
        key="register-go-on",
        type="primary",
        on_click=_go_on,
        args=(form.draft_id, step_id),
    )
    new.button(here.t("view.intake.start_anew"), key="register-anew", on_click=_begin_new)
    start_page.button(here.t("view.intake.to_start"), key="register-start", on_click=_leave)


def _title(here: Visit, values: Mapping[str, Any], step: Step) -> str:
    """What a step is called: with the person's name, as soon as there is one."""
    if step.kind == "check":
        return here.t("step.check")
    keys = registration.person_keys(values)
    if not step.key:
        return here.t(f"step.{step.kind}")
    name = registration.family_name(values, step.key)
    number = keys.index(step.key) + 1
    return here.t(f"step.{step.kind}", person=_person_title(here, number, name))


def _person_title(here: Visit, number: int, name: str) -> str:
    person = here.t("view.intake.person", n=number)
    return f"{person}: {components.isolated(name)}" if name else person


def _list(here: Visit, form: Form, made: Registration) -> None:
    st.title(here.t("view.intake.register"), anchor=False)
    done = sum(step.state is StepState.COMPLETE for step in made.steps)
    st.markdown(plain(here.t("view.intake.steps_done", done=done, all=len(made.steps))))
    titles = {step.step_id: _title(here, form.values, step) for step in made.steps}
    for step in made.steps:
        name, state = st.columns([5, 5], vertical_alignment="center")
        is_open = step.state is not StepState.BLOCKED
        name.button(
            titles[step.step_id],
            key=f"step-{step.step_id}",
            type="tertiary",
            disabled=not is_open,
            on_click=_go_to,
            args=(step.step_id,),
        )
        words = f"{_MARKS[step.state]} {here.t(f'step_state.{step.state.value}')}"
        if step.waits_for:
            first = [titles.get(each, each) for each in step.waits_for]
            more = " …" if len(first) > MOST_NAMED else ""
            words += ": " + here.t("step.first", steps=", ".join(first[:MOST_NAMED]) + more)
        state.markdown(plain(words))
    name, state = st.columns([5, 5])
    name.markdown(plain(here.t("step.consents")))
    state.markdown(
        plain(f"{_MARKS[StepState.BLOCKED]} {here.t('step_state.blocked')}: {here.t('step.consents_first')}")
    )
    go_on, add, out = st.columns([2.4, 2.4, 5])
    first = made.after("")
    go_on.button(here.t("view.intake.go_on"), key="list-go-on", type="primary", on_click=_go_to, args=(first.step_id,))
    _add_button(here, form, add)
    out.button(here.t("view.intake.to_start"), key="list-out", on_click=_leave)
    form.saved_line()


def _add_button(here: Visit, form: Form, place: Any) -> None:
    keys = registration.person_keys(form.values)
    place.button(
        here.t("view.intake.add_person"),
        key="register-more",
        disabled=len(keys) >= registration.MOST_PERSONS,
        on_click=_add_person,
        args=(form.draft_id, keys),
    )


def _add_person(draft_id: str, keys: Sequence[str]) -> None:
    values = session.draft_values(FORM, draft_id)
    used = [int(field.partition(".")[0]) for field in values if field.partition(".")[0].isdigit()]
    new = str(max([*used, *map(int, keys)]) + 1)
    copied = {f"{new}.{field}": values.get(f"{keys[0]}.{field}") for field in registration.SAME_AS_FIRST}
    session.set_draft(
        FORM,
        draft_id,
        {"persons": ";".join([*registration.person_keys(values), new])}
        | {field: value for field, value in copied.items() if value},
    )
    session.set_parameter("step", f"person-{new}")


def _remove_person(draft_id: str, key: str) -> None:
    """Take a person off the draft; who was to be cared for by them is asked again."""
    values = session.draft_values(FORM, draft_id)
    keys = [each for each in registration.person_keys(values) if each != key]
    gone = {field: None for field in values if field.startswith(f"{key}.")}
    gone |= {f"{each}.caregiver": None for each in keys if values.get(f"{each}.caregiver") == key}
    session.set_draft(FORM, draft_id, gone | {"persons": ";".join(keys)})
    for field in gone:
        session.clear_fields(f"{FORM}-{draft_id}.{field}")
    session.set_parameter("step", "list")


def _step(here: Visit, form: Form, made: Registration, step: Step) -> None:
    is_tried = session.recall(f"tried.{form.draft_id}.{step.step_id}", False)
    form.faults = _below_fields(here, form, step, is_tried=is_tried)
    number = [each.step_id for each in made.steps].index(step.step_id) + 1
    back, where = st.columns([3, 7], vertical_alignment="center")
    back.button(here.t("view.intake.all_steps"), key="step-list", on_click=_go_to, args=("list",), type="tertiary")
    where.caption(here.t("view.intake.step_of", n=number, all=len(made.steps)))
    st.title(_title(here, form.values, step), anchor=False)
    if is_tried and step.faults:
        st.error(plain(plural("view.intake.lacks", here.language, len(step.faults))))
        for number, fault in enumerate(step.faults):
            _fault_door(here, form, step, fault, key=f"to-{step.step_id}-{number}")
    form.clashes(lambda field, value: _value_text(here, form.values, field, value))
    field = session.parameter("field")
    with st.container(key=f"focus-{step.step_id}" + (f"-at-{field}" if field else "")):
        family_fields.DRAW[step.kind](here, form, step)
        form.why()
    target = made.after(step.step_id)
    save, later, more, off = st.columns([2.2, 2.2, 2.2, 3])
    save.button(
        here.t("view.intake.next"),
        key=f"next-{form.draft_id}-{step.step_id}",
        type="primary",
        shortcut="Alt+G",
        on_click=_next,
        args=(form.draft_id, step.step_id),
    )
    if is_tried and step.faults:
        later.button(here.t("view.intake.later"), key=f"later-{step.step_id}", on_click=_go_to, args=(target.step_id,))
    if step.kind == "person":
        keys = registration.person_keys(form.values)
        if step.key == keys[-1]:
            _add_button(here, form, more)
        if len(keys) > 1:
            off.button(
                here.t("view.intake.remove_person"),
                key=f"remove-{step.key}",
                on_click=_remove_person,
                args=(form.draft_id, step.key),
            )
    _fear(here, form, step)
    form.saved_line()


def _fear(here: Visit, form: Form, step: Step) -> None:
    """Somebody here is afraid to return: protection is told now, before anybody is registered; write-only (R6)."""
    keys = registration.person_keys(form.values)
    asked = [step.key] if step.key else keys
    place = st.container() if step.key else st.expander(here.t("view.intake.fear"))
    with place:
        for key in asked:
            name = _person_title(here, keys.index(key) + 1, registration.family_name(form.values, key))
            components.danger(
                here,
                here.t("view.case.afraid") if step.key else here.t("view.intake.afraid", name=name),
                here.t("view.intake.afraid_facts", name=name),
                here.t("view.intake.afraid_do"),
                "intake.call",
                lambda db, actor, key=key: at_desk.call_protection(db, actor, draft_id=form.draft_id, key=key),
                key=f"afraid.{form.draft_id}.{key}",
                said=here.t("view.intake.afraid_done"),
            )


def _next(draft_id: str, step_id: str) -> None:
    """On to the next step that is open, or, with faults, stay and say them."""
    values = session.draft_values(FORM, draft_id)
    made = session.look(lambda db, actor: intake.check_draft(db, actor, values=values))
    step = made.step(step_id)
    session.remember(f"tried.{draft_id}.{step_id}", True)
    if step is not None and not step.faults and not session.unsaved_fields():
        _go_to(made.after(step_id).step_id)


def _below_fields(here: Visit, form: Form, step: Step, *, is_tried: bool) -> dict[str, str]:
    """What stands below each field: what is wrong with a value at once, what is empty once the step was sent."""
    keys = registration.person_keys(form.values)
    found: dict[str, str] = {}
    for fault in step.faults:
        field = f"{keys[fault.row - 1]}.{fault.column}" if fault.row else fault.column
        if is_tried or form.values.get(field) not in (None, "", []):
            found.setdefault(field, session.fault_words(fault, here.language))
    return found


def _fault_door(here: Visit, form: Form, step: Step, fault: Fault, *, key: str) -> None:
    """What is wrong, as the way to the field where it is mended."""
    keys = registration.person_keys(form.values)
    field = f"{keys[fault.row - 1]}.{fault.column}" if fault.row else fault.column
    st.button(
        f"→ {_fault_line(here, form.values, step, fault)}",
        key=key,
        type="tertiary",
        on_click=_go_to,
        args=(step.step_id, field.replace(".", "-")),
    )


def _fault_line(here: Visit, values: Mapping[str, Any], step: Step, fault: Fault) -> str:
    """Field, and what would be right; the person by name where the step is about several."""
    words = session.fault_words(fault, here.language)
    key = f"field.{fault.column}"
    line = f"{here.t(key)}: {words}" if session.has_words(key) else words
    if fault.row is None or step.key:
        return line
    name = registration.family_name(values, registration.person_keys(values)[fault.row - 1])
    return f"{_person_title(here, fault.row, name)}: {line}"


# ---- check your answers ------------------------------------------------------------------------------------


def _check(here: Visit, form: Form, made: Registration) -> None:
    """Everything that will be registered, each part with its faults and the way back to it."""
    st.button(here.t("view.intake.all_steps"), key="step-list", on_click=_go_to, args=("list",), type="tertiary")
    st.title(here.t("step.check"), anchor=False)
    steps = [step for step in made.steps if step.kind != "check"]
    if made.faults:
        st.error(plain(plural("view.intake.lacks", here.language, len(made.faults))))
    for step in steps:
        words, change = st.columns([8, 2], vertical_alignment="top")
        with words:
            st.markdown(f"**{_MARKS[step.state]} {plain(_title(here, form.values, step))}**")
            answers = _answers(here, form.values, step)
            if answers:
                st.markdown(plain(" · ".join(answers)))
            for number, fault in enumerate(step.faults):
                _fault_door(here, form, step, fault, key=f"to-{step.step_id}-{number}")
        change.button(
            here.t("view.intake.change"),
            key=f"change-{step.step_id}",
            on_click=_go_to,
            args=(step.step_id,),
            disabled=step.state is StepState.BLOCKED,
        )

    def after(made: intake.Registered) -> None:
        session.forget_fields(form.prefix)
        _leave()
        session.set_parameter("case", made.case_id)

    session.act_button(
        here.t("view.intake.save", people=components.people_count(here, len(registration.person_keys(form.values)))),
        "intake.register",
        lambda db, actor: at_desk.register_draft(db, actor, draft_id=form.draft_id),
        key=f"register-save-{form.draft_id}",
        primary=True,
        disabled=bool(made.faults),
        shortcut="Alt+G",
        said=lambda made: here.t("view.intake.saved", case=made.reference),
        after=after,
    )
    form.saved_line()


_ANSWERS = {
    "journey": (
        *("place_id", "stranded_since", "is_held", "destination_place_id"),
        *("destination_municipality", "onward_means", "latest_date"),
    ),
    "person": (
        *("birth_date", "declared_age", "is_age_in_doubt", "sex", "nationality", "contact_language"),
        *("speaks", "phone", "document_type", "entry_basis", "permit_number", "permit_valid_until"),
        "is_third_state_choice_written",
    ),
    "document": ("number", "issuing_country", "expires_on", "safe_conduct_hours"),
    "needs": ("needs_help",),
}


def _answers(here: Visit, values: Mapping[str, Any], step: Step) -> list[str]:
    keys = registration.person_keys(values)
    if step.kind in ("together", "detention"):
        names = ("relation", "caregiver") if step.kind == "together" else ("is_detained",)
        return [
            f"{components.isolated(registration.family_name(values, key))}: "
            + ", ".join(_value_text(here, values, f"{key}.{name}", values.get(f"{key}.{name}")) for name in shown)
            for key in keys
            if (shown := [name for name in names if values.get(f"{key}.{name}")])
        ]
    fields = [f"{step.key}.{name}" if step.key else name for name in _ANSWERS[step.kind]]
    answers = [
        f"{here.t('field.' + field.rpartition('.')[2])}: {_value_text(here, values, field, values[field])}"
        for field in fields
        if values.get(field) not in (None, "", [], False)
    ]
    if step.kind == "needs":
        answers += [registration.family_name(values, key) for key in keys if values.get(f"{key}.needs_wheelchair")]
    return answers


def _value_text(here: Visit, values: Mapping[str, Any], field: str, value: Any) -> str:
    """A typed or chosen value as the page shows it."""
    if value in (None, "", []):
        return "–"
    name = field.rpartition(".")[2]
    match name:
        case "nationality" | "issuing_country" | "place_id":
            return session.named(str(value), here.language)
        case "destination_place_id":
            return components.destination_name(str(value), here.language)
        case "contact_language":
            return components.language_name(str(value), here.language)
        case "speaks":
            return ", ".join(components.language_name(code, here.language) for code in value)
        case "sex" | "relation" | "onward_means" | "entry_basis" | "document_type":
            return here.t(f"{name}.{value}")
        case "caregiver":
            if value == registration.NOBODY:
                return here.t("view.intake.no_caregiver")
            return here.t(
                "view.intake.cared_by", name=components.isolated(registration.family_name(values, str(value)))
            )
        case "is_held" | "is_detained" | "needs_help" | "is_third_state_choice_written":
            return here.t(f"view.consent.{value}")
        case _ if isinstance(value, bool):
            return here.t("view.consent.yes" if value else "view.consent.no")
        case _:
            return components.isolated(str(value))
