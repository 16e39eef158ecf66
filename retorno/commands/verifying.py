"""Commands that tell whether a paper, a report or the audit log is what it claims to be."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from retorno import clock, keyring, manifest
from retorno.commands.offices import office_to_read
from retorno.commands.registry import INVALID, OK, argument, command, expect_writable, printable
from retorno.downloads import reports
from retorno.office import audit
from retorno.papers.offline import offline_page
from retorno.papers.seal import Seal, Verdict, public_keys_from, verify_file, verify_seal


@command(
    "verify",
    "check a manifest (PDF, attached JSON, spreadsheet, QR text) or an audit report; status 0 only if it is valid",
    argument("file", metavar="FILE", help="the file as received, or the text of the QR code (R1. ...)"),
    argument("--keys", type=Path, help="public keys (JSON), to check without the office's database"),
)
def verify(arguments: argparse.Namespace) -> int:
    is_code = arguments.file.startswith("R1.") and not Path(arguments.file).exists()
    checked = arguments.file if is_code else Path(arguments.file)
    if isinstance(checked, Path) and checked.is_file() and reports.is_report(checked.read_bytes()):
        return verify_audit_report(checked.read_bytes(), arguments.keys)
    if arguments.keys is not None:
        keys = public_keys_from(json.loads(arguments.keys.read_text(encoding="utf-8")))
        outcome = verify_seal(checked, keys) if isinstance(checked, str) else verify_file(checked, keys)
    else:
        with office_to_read().reading() as session:
            keys = keyring.public_keys(session)

            def asked(seal: Seal) -> bool:
                return manifest.is_superseded(session, seal)

            if isinstance(checked, str):
                outcome = verify_seal(checked, keys, is_superseded=asked)
            else:
                outcome = verify_file(checked, keys, is_superseded=asked)
    if outcome.seal is not None:
        print(
            printable(f"movement {outcome.seal.movement}, for {outcome.seal.recipient}, number {outcome.seal.version}")
        )
    if outcome.manifest is not None:
        print(f"people on the list: {len(outcome.manifest.rows)}")
    print(printable(f"{outcome.verdict.value}: {outcome.reason}"))
    if arguments.keys is not None and outcome.verdict is Verdict.VALID:
        print("whether a newer version exists only the office can tell")
    return OK if outcome.verdict is Verdict.VALID else INVALID


def verify_audit_report(content: bytes, key_file: Path | None) -> int:
    """Say whose report it is, what the log was when it was made, and whether a byte of it was changed since."""
    if key_file is not None:
        keys = public_keys_from(json.loads(key_file.read_text(encoding="utf-8")))
    else:
        with office_to_read().reading() as session:
            keys = keyring.public_keys(session)
    report = reports.read_report(content)
    log = report["log"]
    print(
        printable(f"audit report of office {report['office_id']}, made at {report['made_at']} by {report['made_by']}")
    )
    whole = "whole" if log["broken_at"] is None else f"BROKEN at entry {log['broken_at']}"
    print(printable(f"the log then: {log['entries']:,} entries, {whole}, last hash {log['last_hash']}"))
    print(f"lists {len(report['lists']):,}, plans {len(report['plans']):,}")
    if not reports.verify_report(content, keys):
        print("altered: the signature does not fit what the report says")
        return INVALID
    print("valid: signed by this office, nothing changed since")
    return OK


@command(
    "verify-page",
    "write a page that checks manifests in any browser without network, with this office's public keys inside",
    argument("--out", metavar="FILE", type=Path, required=True, help="HTML file to write, such as on a USB stick"),
    argument("--keys", type=Path, help="public keys (JSON) instead of those of the office's database"),
)
def write_verify_page(arguments: argparse.Namespace) -> int:
    expect_writable(arguments.out)
    if arguments.keys is not None:
        keys = public_keys_from(json.loads(arguments.keys.read_text(encoding="utf-8")))
    else:
        with office_to_read().reading() as session:
            keys = keyring.public_keys(session)
    arguments.out.write_bytes(offline_page(keys, made_on=clock.now().date()))
    print(printable(f"page written to {arguments.out}, with keys: {', '.join(sorted(keys))}"))
    return OK


@command(
    "verify-audit",
    "walk the whole audit chain; status 0 only if it is unbroken",
    argument("--anchor", metavar="HASH", help="a head printed earlier, such as on a manifest's foot"),
)
def verify_audit(arguments: argparse.Namespace) -> int:
    with office_to_read().reading() as session:
        state = audit.verify_chain(session, anchor=arguments.anchor)
    if state.broken_at is not None:
        print(f"BROKEN at entry {state.broken_at}: {state.what}")
        return INVALID
    print(f"UNBROKEN: {state.count:,} entries, head {state.head}")
    return OK
