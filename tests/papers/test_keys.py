"""Keys: private, made once, never overwritten; references that cannot be joined."""

import json
import stat
import subprocess
import sys

import pytest

from retorno.errors import InputError
from retorno.papers.keys import KeyFileWarning, load_keys, reference


def test_key_file_is_private_made_once_and_never_changed(tmp_path):
    path = tmp_path / "secret" / "keys.json"

    keys = load_keys(path, office_ids=("NORTE",), create=True)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    assert load_keys(path, office_ids=("NORTE",), create=True).offices["NORTE"].signing.key_id == (
        keys.offices["NORTE"].signing.key_id
    )
    assert path.read_bytes() == content
    both = load_keys(path, office_ids=("NORTE", "SUR"), create=True)
    assert both.offices["NORTE"].reference_key == keys.offices["NORTE"].reference_key
    assert both.commitment_key == keys.commitment_key
    assert len({both.commitment_key, both.wrapping_key, *(o.reference_key for o in both.offices.values())}) == 4


def test_key_file_readable_by_others_warns(tmp_path):
    path = tmp_path / "keys.json"
    load_keys(path, create=True)
    path.chmod(0o640)

    with pytest.warns(KeyFileWarning, match="chmod 600"):
        load_keys(path)


def test_key_file_missing_damaged_or_without_the_office(tmp_path):
    path = tmp_path / "keys.json"
    with pytest.raises(InputError, match="missing"):
        load_keys(path)
    load_keys(path, create=True)
    with pytest.raises(InputError, match="no keys for office NORTE"):
        load_keys(path, office_ids=("NORTE",))
    for content in (
        "{",
        "[]",
        '{"format":"x"}',
        json.dumps({"format": "retorno-keys-1", "offices": {}, "commitment": "eA=="}),
    ):
        path.write_text(content)
        with pytest.raises(InputError, match="restore it from its safe copy"):
            load_keys(path, office_ids=("NORTE",), create=True)
        assert path.read_text() == content


def test_secrets_do_not_show_when_keys_are_printed(tmp_path):
    keys = load_keys(tmp_path / "keys.json", office_ids=("NORTE",), create=True)

    held = json.loads((tmp_path / "keys.json").read_text())
    shown = f"{keys} {keys!r} {keys.offices['NORTE']!r} {keys.offices['NORTE'].signing!r}"
    for secret in (held["commitment"], held["offices"]["NORTE"]["signing"], repr(keys.commitment_key)):
        assert secret not in shown


def test_references_are_short_stable_and_differ_by_recipient():
    key = bytes(32)
    first = reference(key, "P-1", "GT-HN-CRN-B")

    assert first == reference(key, "P-1", "GT-HN-CRN-B")
    assert len(first) == 11
    assert set(first) <= set("34679CDFGHJKMNPQRTVWXY-")
    assert first != reference(key, "P-1", "HN-CONSULATE")
    assert first != reference(bytes([1] * 32), "P-1", "GT-HN-CRN-B")
    assert len({reference(key, f"P-{number}", "X") for number in range(5_000)}) == 5_000
    assert reference(key, "P-1", "2X") != reference(key, "P-12", "X")


def test_processes_that_start_together_get_the_same_keys(tmp_path):
    code = "import sys; from pathlib import Path; from retorno.papers.keys import load_keys; "
    code += (
        "print(load_keys(Path(sys.argv[1]), office_ids=('A', sys.argv[2]), create=True).offices['A'].signing.key_id)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "keys.json"), name], stdout=subprocess.PIPE)
        for name in ("B", "C", "D")
    ]

    answers = {process.communicate()[0] for process in started}

    assert len(answers) == 1
    assert set(load_keys(tmp_path / "keys.json").offices) == {"A", "B", "C", "D"}
