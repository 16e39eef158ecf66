"""What a manifest holds, as signed: the only fields there are, and the one way to write them as bytes.

Purpose limitation starts here (R25): a field that is not in this module cannot reach paper, spreadsheet or signature.
Everything is text or whole numbers; nothing here reads the database.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from retorno.errors import Fault, InputError

FORMAT = "retorno-manifest-1"

COLUMNS = (
    "no",
    "ref",
    "name",
    "latin_name",
    "sex",
    "birth_date",
    "nationality",
    "document_type",
    "document_number",
    "document_expiry",
    "group",
    "assistance",
    "onward",
)
"""Every column a list of people may have, in the order of the page. Which recipient gets which: the manifest stage."""

COUNTS = ("total", "female", "male", "unspecified", "accompanied_children", "unaccompanied_children")
"""Head counts that may stand in a head; a consulate's has none."""

_REFERENCE = re.compile(r"[A-Z0-9][A-Z0-9-]*")


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Someone to call: ``side`` is "sending" or "receiving"."""

    side: str
    name: str
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class CrewMember:
    """Who travels on duty: ``role`` is "driver" or "escort"."""

    role: str
    name: str
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The planned hours at one place: local times with their offset from UTC, and the zone's name."""

    start: datetime
    end: datetime
    zone: str

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise InputError("planned hours: a time without its offset from UTC, expected a local time with it")
        if self.end < self.start:
            raise InputError(f"planned hours: end {self.end.isoformat()} before start {self.start.isoformat()}")


@dataclass(frozen=True, kw_only=True)
class ExpectedPost:
    """A post on the way, and when the vehicle is expected there: a local time with its offset from UTC."""

    name: str
    at: datetime
    zone: str

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise InputError(f"post {self.name}: a time without its offset from UTC, expected a local time with it")


@dataclass(frozen=True, kw_only=True)
class Notice:
    """When the list was sent and when the other side said that it has it; instants with offset, None if not yet."""

    sent_at: datetime | None = None
    acknowledged_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One version of one recipient's list, in plain values; what ``seal`` signs and ``pages`` prints.

    Parameters
    ----------
    movement
        Reference of the movement as this recipient knows it; capitals, digits, hyphens.
    recipient, recipient_name, recipient_kind
        Reference, name as printed, and kind (a ``PartyKind`` value).
    version, supersedes
        Number of this paper for this recipient, from 1, and the one it replaces; None for the first.
    issued_at
        Instant of issue with offset.
    agreement, posts, vehicle, operator
        As printed; empty to leave out. ``vehicle`` is a plate or flight number.
    expected
        The posts in the order of the way, each with the hour expected there; printed in place of ``posts``.
    window, crew, contacts, notice
        None or empty to leave out.
    counts
        Head counts by the names in ``COUNTS``; empty for a recipient that may not know totals.
    columns
        Those of ``COLUMNS`` that this recipient may see, in that order.
    rows
        One mapping per person with exactly these columns, all text, empty where there is nothing to say. Members of
        one travel group stand together and share ``group``.
    is_demo
        Whether the people are invented: printed across every page and part of the signed bytes.
    """

    movement: str
    recipient: str
    recipient_name: str
    recipient_kind: str
    version: int
    supersedes: int | None = None
    issued_at: datetime
    agreement: str = ""
    posts: Sequence[str] = ()
    expected: Sequence[ExpectedPost] = ()
    window: Window | None = None
    vehicle: str = ""
    operator: str = ""
    crew: Sequence[CrewMember] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    notice: Notice | None = None
    contacts: Sequence[Contact] = ()
    columns: Sequence[str]
    rows: Sequence[Mapping[str, str]]
    is_demo: bool = False

    def __post_init__(self) -> None:
        faults = [*self._head_faults(), *self._row_faults()]
        if faults:
            raise InputError(faults)

    def _head_faults(self) -> list[Fault]:
        faults = []
        for name, reference in (("movement", self.movement), ("recipient", self.recipient)):
            if not _REFERENCE.fullmatch(reference):
                what = f'"{reference}" is no reference; expected capitals, digits and hyphens'
                faults.append(Fault(column=name, code="MANIFEST", what=what))
        if self.version < 1 or (self.supersedes is not None and not 1 <= self.supersedes < self.version):
            what = f"version {self.version} cannot supersede {self.supersedes}; expected an earlier version or none"
            faults.append(Fault(column="version", code="MANIFEST", what=what))
        if self.issued_at.tzinfo is None:
            faults.append(Fault(column="issued_at", code="MANIFEST", what="the time of issue has no offset from UTC"))
        for name in self.counts:
            if name not in COUNTS:
                what = f'"{name}" is no head count; expected one of {", ".join(COUNTS)}'
                faults.append(Fault(column="counts", code="MANIFEST", what=what))
        return faults

    def _row_faults(self) -> list[Fault]:
        allowed = [column for column in COLUMNS if column in self.columns]
        if list(self.columns) != allowed:
            what = f"columns {', '.join(self.columns)}; expected some of {', '.join(COLUMNS)}, in this order"
            return [Fault(column="columns", code="MANIFEST", what=what)]
        return [
            Fault(row=number, code="MANIFEST", what=f"the row has other columns than {', '.join(self.columns)}")
            for number, row in enumerate(self.rows, 1)
            if set(row) != set(self.columns)
        ]


def canonical_bytes(value: Any) -> bytes:
    """The one form of a value that is hashed and signed: JSON, keys sorted, no spaces, UTF-8, text in NFC.

    Raises
    ------
    InputError
        For anything that has no single form: decimal numbers, keys that are not text, broken characters.
    """
    try:
        return json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InputError("canonical form: half of a broken character in a text") from error


def _canonical(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        pairs = {_key(key): _canonical(entry) for key, entry in value.items()}
        if len(pairs) != len(value):
            raise InputError("canonical form: two keys are the same text")
        return pairs
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_canonical(entry) for entry in value]
    raise InputError(f"canonical form: a value of type {type(value).__name__}, expected text or whole numbers")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise InputError(f"canonical form: a key of type {type(key).__name__}, expected text")
    return unicodedata.normalize("NFC", key)


def parse_canonical(content: bytes) -> Any:
    """The value of canonical bytes; ``InputError`` unless writing it again gives exactly these bytes."""
    try:
        value = json.loads(content.decode())
        again = canonical_bytes(value)
    except (ValueError, RecursionError) as error:
        raise InputError("not the canonical form of a manifest: it cannot be read as JSON") from error
    if again != content:
        raise InputError("not the canonical form of a manifest: spaces, order or numbers differ")
    return value


def manifest_value(manifest: Manifest) -> dict[str, Any]:
    """The manifest as plain values for ``canonical_bytes``; what is empty is left out."""
    value = {name: entry for name, entry in asdict(manifest).items() if entry not in ("", None, (), [], {})}
    value |= {"rows": [dict(row) for row in manifest.rows], "columns": list(manifest.columns), "format": FORMAT}
    return {name: _plain(entry) for name, entry in value.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items() if entry is not None}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def manifest_bytes(manifest: Manifest) -> bytes:
    """The canonical bytes of a manifest: these are hashed, signed and kept."""
    return canonical_bytes(manifest_value(manifest))


def manifest_from_bytes(content: bytes) -> Manifest:
    """The manifest that canonical bytes hold.

    Raises
    ------
    InputError
        If the bytes are not canonical, of another format, or hold a field that no manifest has.
    """
    value = parse_canonical(content)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise InputError(f'not a manifest: the format is not "{FORMAT}"')
    value = {name: entry for name, entry in value.items() if name != "format"}
    unknown = sorted(set(value) - {part.name for part in fields(Manifest)})
    if unknown:
        raise InputError(f"not a manifest: unknown fields {', '.join(unknown)}")
    try:
        if "window" in value:
            hours = value["window"]
            start, end = (datetime.fromisoformat(hours.pop(name)) for name in ("start", "end"))
            value["window"] = Window(start=start, end=end, **hours)
        if "notice" in value:
            value["notice"] = Notice(**{name: datetime.fromisoformat(at) for name, at in value["notice"].items()})
        value["issued_at"] = datetime.fromisoformat(value["issued_at"])
        value["crew"] = tuple(CrewMember(**member) for member in value.get("crew", ()))
        value["columns"], value["rows"] = tuple(value["columns"]), tuple(value["rows"])
        value["posts"] = tuple(value.get("posts", ()))
        value["expected"] = tuple(
            ExpectedPost(at=datetime.fromisoformat(post.pop("at")), **post) for post in value.get("expected", ())
        )
        value["contacts"] = tuple(Contact(**contact) for contact in value.get("contacts", ()))
        return Manifest(**value)
    except InputError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InputError("not a manifest: a field is missing or has another shape") from error
