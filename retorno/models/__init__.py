"""The tables. Importing this package registers every one of them."""

from enum import StrEnum
from typing import cast

from sqlalchemy import CheckConstraint, Enum
from sqlmodel import SQLModel

from retorno.models import movements, office, people, protection
from retorno.models.base import EnumText

__all__ = ["movements", "office", "people", "protection"]


def _store_enums_as_text() -> None:
    """Enumerations are stored by value as text with a CHECK, alike on both databases.

    SQLModel would store member names, in a native type on PostgreSQL that is awkward to extend.
    """
    for table in SQLModel.metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, Enum) and column.type.enum_class is not None:
                values = [member.value for member in column.type.enum_class]
                column.type = EnumText(cast("type[StrEnum]", column.type.enum_class))
                allowed = ", ".join(f"'{value}'" for value in values)
                table.append_constraint(CheckConstraint(f"{column.name} IN ({allowed})", name=f"{column.name}_known"))


_store_enums_as_text()
