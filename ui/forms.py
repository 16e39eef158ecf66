"""Forms that are saved field by field on the server: a reload or a cut line loses nothing.

Every field has a help line and, where it asks about a person, says why (labels ``field_help.*`` and ``field_why.*``).
What is wrong with a field stands below it as soon as it is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from retorno.situation import ground
from ui import session
from ui.session import Visit, plain


class Form:
    """A form whose fields are saved on the server as they are left.

    Parameters
    ----------
    name
        Name of the draft.
    draft_id
        Which draft of this name; empty where there is one at most.
    faults
        What is wrong, in words, by field; shown below the field.
    """

    def __init__(self, here: Visit, name: str, *, draft_id: str = "", faults: Mapping[str, str] | None = None) -> None:
        self.here = here
        self.name = name
        self.draft_id = draft_id
        self.faults = dict(faults or {})
        self.prefix = f"{name}-{draft_id}." if draft_id else f"{name}."
        session.save_missed(self.prefix)
        self.values = session.draft_values(name, draft_id)
        self._whys: list[str] = []

    def key(self, field: str) -> str:
        """Key of a field on the page."""
        return f"{self.prefix}{field}"

    def _saving(self, field: str) -> dict[str, Any]:
        key = self.key(field)
        session.show_field(key, self.values.get(field))
        session.note_field(self.name, self.draft_id, field, key)
        return {"key": key, "on_change": session.save_field, "args": (self.name, self.draft_id, field, key)}

    def _label(self, field: str) -> str:
        return self.here.t(f"field.{field.rpartition('.')[2]}")

    def _below(self, field: str, help_key: str = "") -> None:
        """What is wrong with the field, and its help line: in sight, so that no key is spent on a question mark."""
        if self.faults.get(field):
            st.markdown(f":red[**✖** {plain(self.faults[field])}]")
        name = field.rpartition(".")[2]
        key = help_key or f"field_help.{name}"
        if session.has_words(key):
            st.caption(plain(self.here.t(key)))
        if session.has_words(f"field_why.{name}") and name not in self._whys:
            self._whys.append(name)

    def why(self) -> None:
        """Why the fields drawn so far are asked, for who wants to know."""
        if self._whys:
            with st.expander(self.here.t("view.why_asked")):
                lines = [
                    f"- **{plain(self.here.t(f'field.{name}'))}**: {plain(self.here.t(f'field_why.{name}'))}"
                    for name in self._whys
                ]
                st.markdown("\n".join(lines))

    def text(self, field: str, *, help_key: str = "", placeholder: str = "", text: str = "") -> str:
        """A line of text."""
        value = st.text_input(
            text or self._label(field),
            placeholder=placeholder or None,
            **self._saving(field),
        )
        self._below(field, help_key)
        return str(value or "")

    def area(self, field: str, *, help_key: str = "") -> str:
        """Several lines of text."""
        value = st.text_area(self._label(field), height=90, **self._saving(field))
        self._below(field, help_key)
        return str(value or "")

    def day(self, field: str) -> str:
        """A date, day first."""
        return self.text(field, placeholder=self.here.t("view.date_format"))

    def choose(
        self, field: str, codes: Sequence[str], words: Callable[[str], str], *, help_key: str = "", text: str = ""
    ) -> str | None:
        """One of a list; nothing is chosen beforehand."""
        self._only(field, codes)
        chosen = st.selectbox(
            text or self._label(field),
            codes,
            index=None,
            format_func=words,
            placeholder=self.here.t("view.choose"),
            **self._saving(field),
        )
        self._below(field, help_key)
        return None if chosen is None else str(chosen)

    def several(self, field: str, codes: Sequence[str], words: Callable[[str], str]) -> list[str]:
        """Any number of a list."""
        kept = [code for code in self.values.get(field) or [] if code in codes]
        self.values[field] = kept or None
        chosen = st.multiselect(
            self._label(field),
            codes,
            format_func=words,
            placeholder=self.here.t("view.choose"),
            **self._saving(field),
        )
        self._below(field)
        return list(chosen)

    def ask(self, field: str, codes: Sequence[str], words: Callable[[str], str], *, text: str = "") -> str | None:
        """A question with its few answers in sight; none is chosen beforehand."""
        self._only(field, codes)
        chosen = st.radio(
            text or self._label(field),
            codes,
            index=None,
            horizontal=True,
            format_func=words,
            **self._saving(field),
        )
        self._below(field)
        return None if chosen is None else str(chosen)

    def _only(self, field: str, codes: Sequence[str]) -> None:
        """Leave out a saved choice that the list no longer holds."""
        if self.values.get(field) not in codes:
            self.values[field] = None
        if session.field_value(self.key(field)) not in (None, *codes):
            session.set_field(self.key(field), None)

    def country(self, field: str, *, first: Sequence[str] = ()) -> str | None:
        """A country by its name or its two letters; ``first`` are those most likely here."""
        language = self.here.language
        codes = sorted(ground().countries, key=lambda code: session.named(code, language))
        known = [code for code in dict.fromkeys(first) if code in codes]
        return self.choose(
            field,
            [*known, *(code for code in codes if code not in known)],
            lambda code: f"{session.named(code, language)} ({code})",
        )

    def tick(self, field: str, *, help_key: str = "", text: str = "") -> bool:
        """Yes or no."""
        value = st.checkbox(text or self._label(field), **self._saving(field))
        self._below(field, help_key)
        return bool(value)

    def number(self, field: str, low: int, high: int) -> int | None:
        """A whole number; empty for none."""
        value = st.number_input(self._label(field), low, high, value=None, step=1, **self._saving(field))
        self._below(field)
        return None if value is None else int(value)

    # ---- drafts ----

    def restore(self) -> None:
        """Ask whether a half-filled form of before shall come back; while that is open nothing else is drawn."""
        if session.is_draft_open(self.name, self.draft_id):
            return
        if not self.values:
            session.open_draft(self.name, self.draft_id)
            return
        st.info(self.here.t("view.draft_found"))
        yes, no, _ = st.columns([2, 2, 4])
        if yes.button(self.here.t("view.draft_restore"), type="primary", key=f"{self.name}-restore"):
            session.open_draft(self.name, self.draft_id)
            st.rerun()
        if no.button(self.here.t("view.draft_drop"), key=f"{self.name}-drop"):
            session.drop_draft(self.name, self.draft_id, key=self.prefix.rstrip("."))
            st.rerun()
        st.stop()

    def saved_line(self) -> None:
        """What could not be saved, if anything; when it was saved stands in the frame."""
        unsaved = session.unsaved_fields()
        if unsaved:
            names = ", ".join(dict.fromkeys(self._label(field) for field in unsaved))
            st.error(plain(self.here.t("view.not_saved", fields=names)))

    def clashes(self, words: Callable[[str, Any], str]) -> None:
        """Fields that another window of the user changed meanwhile: both values, and the choice."""
        for key, other in session.clashes(self.prefix).items():
            field = key.removeprefix(self.prefix)
            mine = session.field_value(key)
            with st.container(border=True):
                st.warning(
                    plain(
                        self.here.t(
                            "view.clash", field=self._label(field), mine=words(field, mine), other=words(field, other)
                        )
                    )
                )
                left, right, _ = st.columns([2, 2, 4])
                for column, keep, text in ((left, True, "view.clash_mine"), (right, False, "view.clash_other")):
                    column.button(
                        self.here.t(text),
                        key=f"{key}-clash-{keep}",
                        on_click=session.settle_clash,
                        args=(self.name, self.draft_id, field, key),
                        kwargs={"keep_mine": keep},
                    )
