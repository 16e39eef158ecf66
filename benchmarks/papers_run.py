"""Measures the papers: printing, sealing, checking, and spreadsheets. Run: ``python benchmarks/papers_run.py``.

Prints one line per figure: what, and seconds (elapsed, and on a processor; or one cold run in a fresh process).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from retorno.labels import labels_for  # noqa: E402
from retorno.papers.form import manifest_bytes  # noqa: E402
from retorno.papers.keys import new_signing_key  # noqa: E402
from retorno.papers.mrz import parse  # noqa: E402
from retorno.papers.pages import Foot, manifest_pdf, manifest_xlsx  # noqa: E402
from retorno.papers.seal import make_seal, verify_content  # noqa: E402
from retorno.papers.sheets import Sheet, csv_bytes, read_table, xlsx_bytes  # noqa: E402
from retorno.vocabulary import Language  # noqa: E402
from tests.papers.papers_builders import make_manifest  # noqa: E402

FOOT = Foot(
    audit_head="9f2c4e5a7b1d3f60",
    audit_day=date(2026, 3, 5),
    printed_by="U-1",
    printed_at=datetime(2026, 3, 6, 15, 9, tzinfo=UTC),
    zone="America/Guatemala",
    check_address="https://retorno.example.org/verify",
)
PASSPORT = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"


def print_sixty() -> None:
    """One manifest of sixty people in eleven scripts, from canonical bytes to signed PDF."""
    key = new_signing_key()
    content = manifest_bytes(make_manifest(60))
    labels = labels_for(Language("es"), "paper")
    manifest_pdf(content, make_seal(content, key), labels=labels, language="es", foot=FOOT, key=key)


def processor_seconds() -> float:
    """Time that this process and those it waited for have used of a processor."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def report(what: str, act: Callable[[], object], repetitions: int) -> None:
    """Print the median of the elapsed time, and the mean time on a processor, which other programs do not stretch."""
    times = []
    before = processor_seconds()
    for _ in range(repetitions):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    used = (processor_seconds() - before) / repetitions
    print(f"{what}: {statistics.median(times):.5f} s, of a processor {used:.5f} s", flush=True)


def main() -> None:
    code = (
        "import time; t = time.perf_counter(); import papers_run; a = time.perf_counter(); papers_run.print_sixty(); "
    )
    code += "b = time.perf_counter(); print(a - t, b - a)"
    here = Path(__file__).parent
    run = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True)
    imports, first = map(float, run.stdout.split())
    print(f"imports in a fresh process: {imports:.2f} s")
    print(f"manifest PDF of 60 people, first in a fresh process: {first:.2f} s")
    print_sixty()
    report("manifest PDF of 60 people, warm", print_sixty, 21)

    key = new_signing_key()
    public = {key.key_id: key.public_bytes}
    content = manifest_bytes(make_manifest(60))
    seal = make_seal(content, key)
    labels = labels_for(Language("es"), "paper")
    pdf = manifest_pdf(content, seal, labels=labels, language="es", foot=FOOT, key=key)
    report("check of that PDF", lambda: verify_content(pdf, public), 21)
    report("seal of its canonical bytes", lambda: make_seal(content, key), 21)

    def write_book() -> bytes:
        return manifest_xlsx(content, seal, labels=labels, language="es", zone="America/Guatemala", key=key)

    book = write_book()
    report("the same as workbook", write_book, 11)
    report("check of the workbook", lambda: verify_content(book, public), 5)

    header = [f"column {column}" for column in range(20)]
    rows = [[f"text {row} {column}" for column in range(20)] for row in range(5_000)]
    sheet = xlsx_bytes([Sheet(name="people", header=header, rows=rows)])
    table = csv_bytes(header, rows)
    report("write 5,000 x 20 XLSX", lambda: xlsx_bytes([Sheet(name="s", header=header, rows=rows)]), 3)
    report("write 5,000 x 20 CSV", lambda: csv_bytes(header, rows), 3)
    report("read 5,000 x 20 XLSX", lambda: read_table(sheet, file_name="a.xlsx", text_columns=header), 5)
    report("read 5,000 x 20 CSV", lambda: read_table(table, file_name="a.csv"), 5)
    report("read one machine-readable zone", lambda: parse(PASSPORT, reference_date=date(2026, 3, 9)), 201)
    report_memory(sheet)


def report_memory(sheet: bytes) -> None:
    """Highest memory of a fresh process that reads the workbook, and of the process that it starts for it."""
    code = "import re, resource, sys; from retorno.papers.sheets import read_table; "
    code += "read_table(sys.stdin.buffer.read(), file_name='a.xlsx'); "
    # The kernel's own high-water mark: that of getrusage is inherited from the process that started this one.
    code += "own = re.search('VmHWM:\\s+([0-9]+)', open('/proc/self/status').read())[1]; "
    code += "print(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, input=sheet, capture_output=True, check=True)
    own, child = (int(kilobytes) // 1024 for kilobytes in run.stdout.split())
    print(f"memory while reading 5,000 x 20 XLSX: {own} MB, of the reading process {child} MB")


if __name__ == "__main__":
    main()
