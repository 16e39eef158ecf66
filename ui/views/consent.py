"""One person's consent, in their language: never several people at once, no answer chosen beforehand (R2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

import streamlit as st
from babel import Locale
from sqlmodel import Session

from retorno import changes, clock, intake
from retorno.errors import Fault, InputError
from retorno.intake import casefile
from retorno.intake.casefile import CaseFile
from retorno.models.people import Consent, ConsentCreate, Person
from retorno.office.access import Actor
from retorno.papers.words import is_right_to_left, person_languages, words
from retorno.vocabulary import ConsentPurpose, Language
from ui import components, session
from ui.forms import Form
from ui.session import Visit, plain
from ui.views import case

FORM = "consent"
_TALK = ("language", "interpreter", "counselled_by", "counselled_at", "counselled_time")
"""What was said by whom in which language: facts of a talk that several people may have shared, never an answer."""


def show(here: Visit, person_id: str) -> None:
    """One person, in their language; no default answer, never for several at once (R2)."""
    file = session.persons(
        "intake.read",
        lambda db, actor: casefile.case_of_person(db, actor, person_id=person_id),
        lambda _: [person_id],
    )
    person = next(each for each in file.persons if each.person_id == person_id)
    back, afraid = st.columns([7, 3], vertical_alignment="center")
    back.button(here.t("view.back_to_case"), key="consent.back", on_click=_leave, args=(file.case.case_id,))
    with afraid:
        case.afraid_button(here, person, key=f"consent.{person_id}")
    st.title(here.t("view.consent.title", name=components.isolated(components.full_name(person))), anchor=False)
    given = [each for each in file.consents.get(person_id, ()) if each.withdrawn_at is None]
    if given:
        _in_force(here, given)
    _next_person(here, file, person, is_primary=bool(given))
    if given:
        with st.expander(here.t("view.consent.again")):
            _talk(here, file, person, given)
    else:
        _talk(here, file, person, given)


def _leave(case_id: str) -> None:
    session.set_parameter("person", "")
    session.set_parameter("part", "")
    session.set_parameter("case", case_id)


def _in_force(here: Visit, given: Sequence[Consent]) -> None:
    """What the person agreed to, each with the copy to print."""
    for each in given:
        text, copy = st.columns([6, 3], vertical_alignment="center")
        text.markdown(
            plain(
                here.t(
                    "view.consent.given",
                    purpose=here.t(f"purpose.{each.purpose.value}"),
                    country=session.named(each.destination_country, here.language),
                    time=here.time(each.given_at),
                )
            )
        )
        with copy:
            session.file_link("consent_pdf", each.consent_id, here.t("view.consent.print"))


def _next_person(here: Visit, file: CaseFile, person: Person, *, is_primary: bool) -> None:
    others = [each for each in case.pending_consent(file) if each.person_id != person.person_id]
    if others:
        st.button(
            here.t("view.consent.next", name=components.isolated(components.full_name(others[0]))),
            key=f"consent.next.{others[0].person_id}",
            type="primary" if is_primary else "secondary",
            on_click=case.open_consent,
            args=(others[0].person_id,),
        )


def _talk(here: Visit, file: CaseFile, person: Person, given: Sequence[Consent]) -> None:
    """The text in the person's language, then what was said."""
    spoken = [person.contact_language, *(code for code in person.speaks.split(";") if code)]
    readable = next((base for code in spoken if (base := code.split("-")[0].lower()) in person_languages()), None)
    shown = readable or here.language.value
    if person.contact_language.split("-")[0].lower() != shown:
        st.warning(
            plain(
                here.t(
                    "view.consent.interpret" if readable is None else "view.consent.second_language",
                    language=components.language_name(person.contact_language, here.language),
                    other=components.language_name(shown, here.language),
                )
            )
        )
    with st.container(border=True):
        _text(shown)
        if shown not in set(Language):
            st.caption(plain(here.t("view.consent.not_reviewed")))
    if shown != here.language:
        with st.expander(here.t("view.consent.own_text")):
            _text(here.language.value)
    form = Form(here, FORM, draft_id=person.person_id)
    form.restore()
    _same_talk(here, form)
    _form(here, file, person, given, form, spoken, shown)


def _text(language: str) -> None:
    """What is read to the person, in their language and its direction."""
    own = words(language, "consent")
    direction = "rtl" if is_right_to_left(language) else "ltr"
    lines = "".join(f"<p><strong>{escape(own[f'text.{number}'])}</strong></p>" for number in (1, 2, 3, 4))
    st.html(f'<div class="rt-read" lang="{escape(language)}" dir="{direction}">{lines}</div>')


def _same_talk(here: Visit, form: Form) -> None:
    """The facts of the talk before, where several people were counselled together; the answers are each one's own."""
    last: dict[str, str] | None = session.recall("consent.talk")
    if last and not form.values.get("counselled_at"):
        st.button(
            here.t("view.consent.same_talk", day=last["counselled_at"], time=last["counselled_time"]),
            key=f"same.{form.draft_id}",
            on_click=session.set_draft,
            args=(FORM, form.draft_id, last),
        )


def _questions(here: Visit, file: CaseFile, person: Person) -> dict[ConsentPurpose, str]:
    """What is asked, with the country it is about; a split only where somebody wants one."""
    country = file.group_of(person).destination_country
    asked = {ConsentPurpose.RETURN: country, ConsentPurpose.CONSULAR_CONTACT: person.nationality}
    if session.parameter("part") == "split" or len(file.groups) > 1:
        asked[ConsentPurpose.GROUP_SPLIT] = country
    return asked


def _form(
    here: Visit,
    file: CaseFile,
    person: Person,
    given: Sequence[Consent],
    form: Form,
    spoken: Sequence[str],
    shown: str,
) -> None:
    form.values.setdefault("counselled_by", here.actor.display_name)
    form.values.setdefault("language", spoken[0])
    st.header(here.t("view.consent.explained"), anchor=False)
    left, right = st.columns(2)
    with left:
        form.choose(
            "language",
            list(dict.fromkeys([*spoken, *components.CONTACT_LANGUAGES])),
            lambda code: components.language_name(code, here.language),
            text=here.t("field.consent_language"),
        )
        form.text("counselled_by")
        form.text("interpreter")
    with right:
        form.day("counselled_at")
        form.text("counselled_time", placeholder="14:05")
        if person.is_detained:
            form.text("witness")
    _reflection(here, form)
    st.header(here.t("view.consent.said"), anchor=False)
    is_child = intake.is_child_person(person, today=clock.now().date())
    form.ask(
        "spoken_by",
        ["own", "other"],
        lambda code: here.t(f"view.consent.{'child' if is_child else 'adult'}_{code}"),
        text=here.t("view.consent.spoken_child" if is_child else "view.consent.spoken_adult"),
    )
    if person.is_unaccompanied:
        st.caption(here.t("view.consent.guardian"))
    questions = _questions(here, file, person)
    for purpose, country in questions.items():
        form.ask(
            f"answer_{purpose.value}",
            ["yes", "no", "later"],
            lambda code: _answer(here, shown, code),
            text=_question(here, shown, purpose, country),
        )
    form.why()
    with st.expander(here.t("view.intake.rare"), expanded=bool(form.values.get("is_reflection_waived"))):
        form.tick("is_reflection_waived")

    def save(db: Session, actor: Actor) -> int:
        return _record(db, actor, here, person, form, questions, given)

    def after(_: int) -> None:
        session.remember("consent.talk", {name: form.values.get(name) for name in _TALK})
        session.drop_draft(FORM, form.draft_id, key=form.prefix.rstrip("."))
        session.set_parameter("part", "")

    session.act_button(
        here.t("view.consent.save"),
        "intake.consent",
        save,
        key=f"consent.{person.person_id}.save",
        primary=True,
        shortcut="Alt+G",
        said=lambda count: here.t("view.consent.saved" if count else "view.consent.said_no"),
        after=after,
    )
    form.saved_line()


def _question(here: Visit, shown: str, purpose: ConsentPurpose, country: str) -> str:
    """A question in the person's language, with the one of who asks it behind."""
    own = here.t(f"consent.question.{purpose.value}", country=session.named(country, here.language))
    if shown == here.language:
        return own
    name = Locale(shown).territories.get(country, country)
    asked = words(shown, "consent")[f"question.{purpose.value}"].format(country=name)
    return f"{components.isolated(asked)} ({own})"


def _answer(here: Visit, shown: str, code: str) -> str:
    """An answer in both languages; "later" is a word of the office, not of the text that is read."""
    own = here.t(f"view.consent.{code}")
    theirs = words(shown, "consent").get(f"answer.{code}", own)
    return own if theirs == own else f"{components.isolated(theirs)} ({own})"


def _reflection(here: Visit, form: Form) -> None:
    """From when an answer counts, where the talk was too short ago; it is written down all the same (R4)."""
    try:
        counselled = _counselled_at(here, form)
    except InputError:
        return  # Not typed yet; what is wrong with it is said when the answers are recorded.
    counts = session.look(lambda db, actor: intake.answer_counts_from(db, actor, counselled_at=counselled))
    if counts > clock.now():
        st.info(plain(here.t("view.consent.reflection", time=here.time(counts))))


def _counselled_at(here: Visit, form: Form) -> datetime:
    day, at = str(form.values.get("counselled_at") or ""), str(form.values.get("counselled_time") or "")
    return components.parse_instant(day, at, here.zone_name, field="counselled_at")


def _record(
    db: Session,
    actor: Actor,
    here: Visit,
    person: Person,
    form: Form,
    questions: Mapping[ConsentPurpose, str],
    given: Sequence[Consent],
) -> int:
    """Write down each yes; a no to what was agreed before withdraws it. Gives how many were agreed to."""
    values = form.values
    answers = {purpose: values.get(f"answer_{purpose.value}") for purpose in questions}
    needed = ["counselled_at", "counselled_time", "counselled_by", "spoken_by"]
    needed += [f"answer_{purpose.value}" for purpose in questions]
    if values.get("language") not in set(Language):
        needed.append("interpreter")
    faults = [
        Fault(column=field, code="EMPTY", what="empty, expected a value") for field in needed if not values.get(field)
    ]
    if faults:
        raise InputError(faults)
    counselled = _counselled_at(here, form)
    for purpose, answer in answers.items():
        if answer == "no" and any(each.purpose is purpose for each in given):
            changes.withdraw(db, actor, person_id=person.person_id, purpose=purpose)
        if answer != "yes":
            continue
        consent = {
            "purpose": purpose,
            "destination_country": questions[purpose],
            "text_version": casefile.CONSENT_TEXT_VERSION,
            "language": values["language"],
            "interpreter": values.get("interpreter") or "",
            "counselled_at": counselled,
            "counselled_by": values["counselled_by"],
            "given_at": clock.now(),
            "is_own_act": values["spoken_by"] == "own",
            "is_reflection_waived": bool(values.get("is_reflection_waived")),
            "witness": (values.get("witness") or "") if purpose is ConsentPurpose.RETURN else "",
        }
        intake.record_consent(db, actor, person_id=person.person_id, consent=intake.read_form(ConsentCreate, consent))
    return sum(answer == "yes" for answer in answers.values())
