"""Long lists: one shelf of several with its count, and a search by words that stays on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from retorno.text import comparison_key
from ui import session
from ui.session import Visit

T = TypeVar("T")


def shelf(here: Visit, name: str, counts: Mapping[str, int], prefix: str) -> str:
    """One list of several, each with how many it holds; the choice is kept in the address.

    Without a choice the first list that holds anything is shown.

    Parameters
    ----------
    counts
        Name of each list to its length; a negative length is not shown.
    prefix
        Where the words of the names stand, such as ``view.protection.tab``.
    """
    names = list(counts)
    wanted = session.parameter(name)
    first = next((key for key in names if counts[key] > 0), names[0])

    def words(key: str) -> str:
        return here.t(f"{prefix}.{key}") + (f" ({counts[key]})" if counts[key] >= 0 else "")

    # The browser tells lists apart by their words: where a number in them changed, the old choice fits none of them.
    chosen = st.radio(
        here.t("lists.which"),
        names,
        index=names.index(wanted if wanted in names else first),
        format_func=words,
        horizontal=True,
        key=f"shelf.{name}.{'.'.join(str(counts[key]) for key in names)}",
        label_visibility="collapsed",
    )
    if chosen != wanted:
        session.set_parameter(name, chosen)
    return str(chosen)


def search(here: Visit, rows: Sequence[T], text_of: Callable[[T], str], *, key: str, least: int = 10) -> Sequence[T]:
    """The rows in which every typed word occurs; a list shorter than ``least`` has no search field.

    What is typed stays on the page: a name never stands in the address.
    """
    if len(rows) < least:
        return rows
    typed = st.text_input(here.t("lists.search"), key=f"search.{key}", placeholder=here.t("lists.search_hint"))
    words = comparison_key(typed).split()
    return [row for row in rows if all(word in comparison_key(text_of(row)) for word in words)] if words else rows
