"""What is missing for a group, member by member: finding, what would change it, who can, and the way there."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from retorno.readiness import GroupReadiness
from retorno.rules import Finding, WhatNow
from retorno.rules.findings import RuleCode
from retorno.vocabulary import Role
from ui import components, session
from ui.session import Visit, plain

_CONSENT = {
    WhatNow.RECORD_CONSENT,
    WhatNow.RECORD_CHILD_VIEW,
    WhatNow.COUNSEL_AGAIN,
    WhatNow.WAIT_REFLECTION,
    WhatNow.RESPECT_WITHDRAWAL,
    WhatNow.CONFIRM_IN_PRIVATE,
}
_PART = {
    WhatNow.RECORD_RIGHT_TO_ENTER: "correct",
    WhatNow.NAME_CAREGIVER: "correct",
    WhatNow.ARRANGE_ONWARD: "correct",
    WhatNow.GET_DOCUMENT: "document",
    WhatNow.CHECK_DOCUMENT: "document",
    WhatNow.RECORD_SPLIT: "split",
}
_PAGE = {WhatNow.WAIT_REOPENING: "closures", WhatNow.ASK_HEALTH: "health"}
_PROTECTION = {WhatNow.SCREEN, WhatNow.ASK_PROTECTION, WhatNow.COMPLETE_CHILD_FILE}


def show(here: Visit, group: GroupReadiness, names: Mapping[str, str], *, key: str) -> None:
    """The findings of a group by member, each with a button to the place where it is done."""
    order = ["", *names]
    found = {each.person_id or "" for each in group.findings}
    for person_id in sorted(found, key=lambda each: (order.index(each) if each in order else len(order), each)):
        about = names.get(person_id or "", "") if person_id else here.t("view.readiness.whole_group")
        st.markdown(f"**{plain(components.isolated(about or person_id))}**")
        shown = dict.fromkeys(each for each in group.findings if (each.person_id or "") == person_id)
        for number, finding in enumerate(shown):
            what, now, who = session.finding_text(finding, here.language)
            for reference, name in names.items():
                what = what.replace(reference, components.isolated(name))
            text, by, door = st.columns([6, 2, 2], vertical_alignment="center")
            text.markdown(f"{plain(what)}  \n{plain(now)}")
            by.markdown(plain(who))
            target = _target(here, group, finding)
            if target is not None and door.button(
                here.t(f"view.readiness.do.{target[0]}"), key=f"{key}.{group.group_id}.{person_id}.{number}"
            ):
                session.go_to(target[1], **target[2])


def _target(here: Visit, group: GroupReadiness, finding: Finding) -> tuple[str, str, dict[str, str]] | None:
    """Word of the button, page and record; none where this visitor can do nothing about it."""
    now, person_id = finding.what_now, finding.person_id or ""
    is_coordinator = components.is_role(here, Role.COORDINATOR)
    if finding.code is RuleCode.NOT_AVAILABLE:
        return None
    if is_coordinator and now in _CONSENT and person_id:
        return "consent", "intake", {"person": person_id}
    if is_coordinator and now in _PART:
        part = "visa" if finding.code is RuleCode.TRANSIT_DOCUMENT else _PART[now]
        return part, "intake", {"case": group.case_id, "of": person_id, "part": part}
    if components.is_role(here, Role.PROTECTION) and (now in _PROTECTION or finding.who is Role.PROTECTION):
        return "protection", "protection", {"person": person_id}
    page = _PAGE.get(now, "")
    return (page, page, {}) if page and session.page(page) is not None else None
