"""Smaller PDFs: what is no stream is packed into object streams (ISO 32000-1, 7.5.7), without changing what it says.

A tagged page has one small object a table cell; packed together and compressed they take a fifth.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from retorno.errors import InputError

IN_ONE = 250
"""Objects packed into one stream."""

_ENTRY = re.compile(rb"([0-9]{10}) [0-9]{5} ([nf])")
_TABLE = re.compile(rb"xref\n0 ([0-9]+)\r?\n(.*?)trailer\n?<<(.*?)>>\n?startxref\n([0-9]+)\n%%EOF\s*\Z", re.DOTALL)
_HEAD = re.compile(rb"([0-9]+) 0 obj\s+")
_STREAM = re.compile(rb">>\s*stream\r?\n")
_KEPT_KEYS = re.compile(rb"/(?:Root|Info) [0-9]+ 0 R|/ID\s*\[[^\]]*\]")
_LAST_TABLE = re.compile(rb"<</Type/XRef/Size ([0-9]+)/W\[1 4 2\]([^>]*(?:<[0-9A-Fa-f]*>[^>]*)*)>>stream\n")
_END = re.compile(rb"startxref\n([0-9]+)\n%%EOF\s*\Z")


@dataclass(frozen=True, kw_only=True)
class Trailer:
    """What an addition at the end of a packed PDF has to know: count of objects, place of the table, its other keys."""

    size: int
    start: int
    keys: bytes


def packed(pdf: bytes) -> bytes:
    """The PDF with its small objects packed; ``InputError`` if it does not end with a plain table of objects."""
    found = _TABLE.search(pdf)
    if found is None:
        raise InputError("this PDF has no plain table of objects at its end")
    offsets = [int(entry[1]) for entry in _ENTRY.finditer(found[2]) if entry[2] == b"n"]
    bounds = [*sorted(offsets), found.start()]
    kept: dict[int, bytes] = {}
    small: dict[int, bytes] = {}
    for start, end in pairwise(bounds):
        whole = pdf[start:end]
        head = _HEAD.match(whole)
        if head is None:
            raise InputError(f"this PDF has no object at byte {start}")
        if _STREAM.search(whole):
            kept[int(head[1])] = whole
        else:
            small[int(head[1])] = whole[head.end() : whole.rindex(b"endobj")].strip()
    return _written(pdf[: bounds[0]], kept, small, int(found[1]), b"".join(_KEPT_KEYS.findall(found[3])))


def _written(head: bytes, kept: Mapping[int, bytes], small: Mapping[int, bytes], size: int, keys: bytes) -> bytes:
    out = bytearray(head)
    entries: dict[int, tuple[int, int, int]] = {0: (0, 0, 65535)}
    for number, whole in sorted(kept.items()):
        entries[number] = (1, len(out), 0)
        out += whole
    numbers = sorted(small)
    for at in range(0, len(numbers), IN_ONE):
        chosen, holder = numbers[at : at + IN_ONE], size
        size += 1
        entries |= {number: (2, holder, index) for index, number in enumerate(chosen)}
        entries[holder] = (1, len(out), 0)
        out += _object_stream(holder, {number: small[number] for number in chosen})
    entries[size] = (1, len(out), 0)
    start = len(out)
    out += _cross_reference(size, size + 1, entries, keys)
    out += b"startxref\n%d\n%%%%EOF" % start
    return bytes(out)


def _object_stream(holder: int, objects: Mapping[int, bytes]) -> bytes:
    index, body = [], bytearray()
    for number, content in objects.items():
        index.append(b"%d %d" % (number, len(body)))
        body += content + b"\n"
    first = b" ".join(index) + b"\n"
    data = zlib.compress(first + bytes(body), 9)
    head = b"/N %d/First %d/Length %d/Filter/FlateDecode" % (len(objects), len(first), len(data))
    return b"%d 0 obj\n<</Type/ObjStm%s>>stream\n%s\nendstream\nendobj\n" % (holder, head, data)


def _cross_reference(
    number: int, size: int, entries: Mapping[int, tuple[int, int, int]], keys: bytes, *, is_packed: bool = True
) -> bytes:
    """A table of objects as a stream: kind, place or holder, generation or index, for each number in ``entries``."""
    numbers = sorted(entries)
    data = b"".join(
        kind.to_bytes(1, "big") + place.to_bytes(4, "big") + rest.to_bytes(2, "big")
        for kind, place, rest in (entries[entry] for entry in numbers)
    )
    sections = b"".join(b"%d %d " % (first, count) for first, count in _runs(numbers)).strip()
    data = zlib.compress(data, 9) if is_packed else data
    more = b"/Index[%s]%s/Length %d%s" % (sections, keys, len(data), b"/Filter/FlateDecode" if is_packed else b"")
    return b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]%s>>stream\n%s\nendstream\nendobj\n" % (number, size, more, data)


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][0] + runs[-1][1] == number:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((number, 1))
    return runs


def trailer_of(pdf: bytes) -> Trailer | None:
    """What the last table of a packed PDF says, or None if the PDF is not packed."""
    end = _END.search(pdf)
    if end is None:
        return None
    start = int(end[1])
    table = _LAST_TABLE.search(pdf, start, start + 2000)
    if table is None or _HEAD.match(pdf, start) is None:
        return None
    return Trailer(size=int(table[1]), start=start, keys=b"".join(_KEPT_KEYS.findall(table[2])))


def addition(pdf: bytes, trailer: Trailer, content: bytes) -> bytes:
    """What to append to a packed PDF so that it holds one more object, by the way PDF allows for later additions."""
    number = trailer.size
    added = b"\n%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(pdf) + len(added)
    entries = {number: (1, len(pdf) + 1, 0), number + 1: (1, start, 0)}
    keys = trailer.keys + b"/Prev %d" % trailer.start
    # Not packed: the page that checks without this program writes the same bytes anew (templates/check.js).
    table = _cross_reference(number + 1, number + 2, entries, keys, is_packed=False)
    return added + table + b"startxref\n%d\n%%%%EOF" % start
