"""A movement's list: what the rules say, what each recipient will read, the two signatures, the release, the papers."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from sqlmodel import Session

from retorno import clock, manifest
from retorno.confirmations.confirmation import Party
from retorno.errors import Fault, InputError
from retorno.manifest import Preview
from retorno.models.movements import Acknowledgement, ManifestCopy, ManifestVersion
from retorno.movements.movement_report import MovementReport
from retorno.office.access import Actor
from retorno.under_way import arrival
from retorno.vocabulary import Answer, ManifestStatus, MovementStatus, PartyKind
from ui import components, session
from ui.session import Visit, plain
from ui.views.confirmation import WAYS, named_party

SIGNABLE = (MovementStatus.CONFIRMED, MovementStatus.ISSUED, MovementStatus.RELEASED)


def next_step(here: Visit, found: MovementReport, *, is_coordinator: bool) -> None:
    """What the rules say about the next step, what everyone would read, and the button for it."""
    if found.is_without_list:
        st.warning(plain(here.t("view.movement.without_list")))
    verdict = found.verdict
    if verdict is not None:
        stage = here.t(f"status.movement.{verdict.stage.value}")
        names = {rider.person.person_id: components.full_name(rider.person) for rider in found.riders}
        if verdict.stopping:
            st.warning(plain(here.t("view.movement.stopped", stage=stage, n=len(verdict.stopping))))
            components.findings(here, verdict.stopping, names)
        else:
            st.success(plain(here.t("view.movement.rules_pass", stage=stage)))
        if verdict.noted:
            st.info(plain(here.t("view.movement.noted")))
            components.findings(here, verdict.noted, names)
        with st.expander(here.t("view.movement.rules")):
            components.table(
                [here.t("column.rule"), here.t("column.what"), here.t("column.result")],
                [
                    (
                        outcome.rule.value,
                        here.t(f"rule.{outcome.rule.value}"),
                        here.t("view.movement.pass" if outcome.is_passed else "view.movement.fail"),
                    )
                    for outcome in verdict.outcomes
                ],
            )
    if found.movement.status is MovementStatus.ACCEPTED and found.riders:
        missing = sum(each.answer is not Answer.CONFIRMED for each in found.questions)
        asked = "view.movement.answers_missing" if found.questions else "view.movement.not_asked"
        st.info(plain(here.t(asked, n=missing)))
        session.link_to("confirmation", here.t("view.movement.to_confirmations"))
    is_signable = found.movement.status in SIGNABLE or found.is_without_list
    if is_signable and found.riders:
        _previews(here, found)
    if is_coordinator:
        _release(here, found)
    if is_signable:
        _signatures(here, found, is_coordinator=is_coordinator)


# ---- the preview ----------------------------------------------------------------------------------------------------


def _previews(here: Visit, found: MovementReport) -> None:
    """Exactly what each recipient will read of the next version; made only when it is asked for."""
    movement_id = found.movement.movement_id
    version = found.movement.manifest_version + 1
    if not st.toggle(here.t("view.movement.preview", n=version), key=f"preview.{movement_id}"):
        return
    previews = session.persons(
        "manifest.read",
        lambda db, actor: manifest.preview(db, actor, movement_id=movement_id),
        lambda _: [rider.person.person_id for rider in found.riders],
    )
    by_party = {f"{each.party.kind.value}/{each.party.party_id}": each for each in previews}
    chosen = st.selectbox(
        here.t("view.movement.preview_of"),
        list(by_party),
        format_func=lambda each: named_party(
            here, by_party[each].party.kind, by_party[each].party.party_id, found.names
        ),
        key=f"preview.of.{movement_id}",
    )
    if chosen is not None:
        _preview(here, by_party[chosen])


def _preview(here: Visit, one: Preview) -> None:
    paper = one.manifest
    facts = [
        (here.t("view.movement.vehicle"), paper.vehicle),
        (here.t("column.operator"), paper.operator),
        (here.t("view.movement.crew"), "\n".join(member.name for member in paper.crew)),
        (here.t("column.crossing"), "\n".join(paper.posts)),
        (
            here.t("column.people"),
            "\n".join(f"{here.t(f'paper.count.{name}')}: {number}" for name, number in paper.counts.items()),
        ),
    ]
    components.table(
        [here.t("column.what"), here.t("view.movement.reads")],
        [(name, text or here.t("view.movement.not_told")) for name, text in facts],
    )
    if not paper.rows:
        st.markdown(plain(here.t("paper.note_counts_only" if paper.counts else "paper.note_empty")))
        return
    components.table(
        [here.t(f"paper.column.{column}") for column in paper.columns],
        [[_cell(here, column, row[column]) for column in paper.columns] for row in paper.rows],
        caption=here.t("view.movement.preview_about"),
    )


def _cell(here: Visit, column: str, value: str) -> str:
    if column == "document_type" and value:
        return here.t(f"document_type.{value}")
    if column == "assistance":
        return ", ".join(
            here.t(f"need.{code}") if session.has_words(f"need.{code}") else code for code in value.split(";") if code
        )
    return value


# ---- the two signatures ---------------------------------------------------------------------------------------------


def _signatures(here: Visit, found: MovementReport, *, is_coordinator: bool) -> None:
    movement = found.movement
    version = movement.manifest_version + 1
    if found.vulnerable:
        names = ", ".join(components.full_name(rider.person) for rider in found.vulnerable)
        st.caption(plain(here.t("view.movement.protection_signs", names=names)))
    if found.proposal is None:
        if is_coordinator:
            _propose(here, found, version)
        return
    who = here.t(f"role.{found.second_role.value}")
    able = ", ".join(found.signers) or here.t("view.movement.nobody_signs")
    if found.proposal.proposed_by == here.actor.user_id:
        st.info(plain(here.t("view.movement.second_not_you", who=who, names=able)))
        return
    if not components.is_role(here, found.second_role):
        st.info(plain(here.t("view.movement.second", who=who, names=able)))
        return
    components.danger(
        here,
        here.t("view.movement.sign", n=version),
        here.t(
            "view.movement.sign_facts",
            people=components.people_count(here, len(found.riders)),
            recipients=found.recipient_count,
            first=found.name_of(found.proposal.proposed_by),
            time=here.time(found.proposal.proposed_at),
            void=here.t("view.movement.sign_void", n=version - 1) if version > 1 else "",
        ),
        here.t("view.movement.sign", n=version),
        "manifest.sign",
        lambda db, actor: manifest.sign(db, actor, movement_id=movement.movement_id),
        key=f"sign.{movement.movement_id}",
        said=lambda made: here.t("view.movement.signed", n=made.version),
        primary=True,
    )


def _propose(here: Visit, found: MovementReport, version: int) -> None:
    movement = found.movement
    is_first = movement.status is MovementStatus.CONFIRMED
    word = "view.movement.propose_again" if found.is_without_list else "view.movement.propose"
    if not is_first and not found.is_without_list:
        word = "view.movement.propose_next"
    session.act_button(
        here.t(word, n=version),
        "manifest.propose",
        lambda db, actor: manifest.propose(db, actor, movement_id=movement.movement_id),
        key=f"propose.{movement.movement_id}",
        primary=is_first or found.is_without_list,
        disabled=bool(found.verdict and found.verdict.stopping and (is_first or found.is_without_list)),
        said=here.t("view.movement.proposed"),
    )
    if found.verdict and found.verdict.stopping and is_first:
        st.caption(here.t("view.movement.propose_blocked"))
    elif not found.signers:
        who = here.t(f"role.{found.second_role.value}")
        st.caption(plain(here.t("view.movement.no_second", who=who)))


def _release(here: Visit, found: MovementReport) -> None:
    movement = found.movement
    if movement.status is MovementStatus.ISSUED:
        session.act_button(
            here.t("view.movement.release"),
            "manifest.release",
            lambda db, actor: manifest.release(db, actor, movement_id=movement.movement_id),
            key=f"release.{movement.movement_id}",
            primary=True,
            disabled=bool(found.verdict and found.verdict.stopping),
            said=here.t("view.movement.released"),
        )
        if found.verdict and found.verdict.stopping:
            st.caption(here.t("view.movement.release_blocked"))
    elif movement.status is MovementStatus.RELEASED:
        session.act_button(
            here.t("view.movement.depart"),
            "arrival.record",
            lambda db, actor: arrival.depart(db, actor, movement_id=movement.movement_id),
            key=f"depart.{movement.movement_id}",
            primary=True,
            said=here.t("view.movement.departed"),
        )


# ---- the papers -----------------------------------------------------------------------------------------------------


def papers(here: Visit, found: MovementReport) -> None:
    """Every version with its signatures; the papers in force to print again."""
    if not found.versions:
        components.empty(here, "view.movement.no_version")
        return
    components.table(
        [
            here.t("column.version"),
            here.t("column.state"),
            here.t("column.people"),
            here.t("column.when"),
            here.t("column.signatures"),
        ],
        [
            (
                each.version,
                here.t(f"status.manifest.{each.status.value}"),
                each.person_count,
                here.time(each.issued_at),
                _signed_by(here, found, each),
            )
            for each in found.versions
        ],
        numbers="n n  ",
    )
    if found.versions[0].status is not ManifestStatus.CURRENT:
        st.warning(plain(here.t("view.movement.void_now")))
        return
    st.markdown(f"**{plain(here.t('view.movement.print_again'))}**")
    for copy in found.copies:
        _copy(here, found, copy)


def _signed_by(here: Visit, found: MovementReport, version: ManifestVersion) -> str:
    if version.is_removal_only:
        return here.t("view.movement.removal")
    return ", ".join(found.name_of(user_id) for user_id in (version.proposed_by, version.signed_by) if user_id)


def _copy(here: Visit, found: MovementReport, copy: ManifestCopy) -> None:
    name, pdf, sheet = st.columns([5, 1.5, 1.5], vertical_alignment="center")
    party = named_party(here, copy.recipient_kind, copy.recipient_id, found.names)
    name.markdown(plain(f"{party} · {here.t('paper.version', n=copy.number)}"))
    if copy.visible_from > clock.now():
        pdf.markdown(plain(here.t("view.movement.from_batch", time=here.time(copy.visible_from))))
        return
    object_id = f"{copy.movement_id}/{copy.recipient_kind.value}/{copy.recipient_id}"
    with pdf:
        session.file_link("manifest_pdf", object_id, "PDF")
    if copy.recipient_kind is not PartyKind.CONSULATE:
        with sheet:
            session.file_link("manifest_xlsx", object_id, "XLSX")


# ---- who has which version ------------------------------------------------------------------------------------------


def acknowledgements(here: Visit, found: MovementReport, *, is_coordinator: bool) -> None:
    """Who has acknowledged which version; what a party says by telephone is written down here."""
    rows = [*found.acknowledgements, *found.earlier_acknowledgements]
    if not rows:
        return
    components.table(
        [
            here.t("column.party"),
            here.t("column.version"),
            here.t("column.state"),
            here.t("column.by"),
            here.t("column.way"),
        ],
        [
            (
                named_party(here, each.party_kind, each.party_id, found.names),
                each.manifest_version,
                here.t("view.movement.acknowledged", time=here.time(each.acknowledged_at))
                if each.acknowledged_at
                else here.t("view.movement.not_acknowledged"),
                found.name_of(each.acknowledged_by),
                here.t(f"way.{each.way}") if each.way else "",
            )
            for each in rows
        ],
        caption=here.t("view.movement.acknowledgements"),
        numbers=" n   ",
    )
    waiting = [each for each in found.acknowledgements if each.acknowledged_at is None]
    if is_coordinator and waiting:
        with st.expander(here.t("view.movement.acknowledge_by_phone", n=len(waiting))):
            _acknowledge(here, found, waiting)


def _acknowledge(here: Visit, found: MovementReport, waiting: Sequence[Acknowledgement]) -> None:
    """Write down that a party without an account has the list."""
    key = found.movement.movement_id
    by_party = {f"{each.party_kind.value}/{each.party_id}": each for each in waiting}
    first, second, third = st.columns(3)
    chosen = first.selectbox(
        here.t("field.party"),
        list(by_party),
        index=None,
        format_func=lambda each: named_party(here, by_party[each].party_kind, by_party[each].party_id, found.names),
        placeholder=here.t("view.choose"),
        key=f"ack.{key}",
    )
    by = second.text_input(here.t("field.answered_by"), key=f"ack.by.{key}", help=here.t("help.answered_by"))
    with third:
        way = components.choice(here, here.t("field.way"), WAYS, "way", key=f"ack.way.{key}")
    if chosen is None:
        return
    row = by_party[chosen]

    def acknowledge(db: Session, actor: Actor) -> object:
        if not by.strip():
            raise InputError([Fault(column="answered_by", code="EMPTY", what="empty, expected who answered")])
        return manifest.acknowledge(
            db,
            actor,
            movement_id=key,
            party=Party(kind=row.party_kind, party_id=row.party_id),
            version=row.manifest_version,
            answered_by=by,
            way=way,
        )

    session.act_button(
        here.t("view.movement.acknowledge"),
        "confirmation.record",
        acknowledge,
        key=f"ack.do.{key}",
        primary=True,
        said=here.t("view.confirmation.recorded"),
    )
