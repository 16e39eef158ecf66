"""Invented manifests for the tests of papers: every field defaulted, every default legal."""

import re
import subprocess
import zlib
from datetime import UTC, datetime, timedelta, timezone

from retorno.papers.form import COLUMNS, Contact, CrewMember, ExpectedPost, Manifest, Notice, Window

GUATEMALA = timezone(timedelta(hours=-6))

NAMES = (
    ("María José Ñúñez Güell", ""),
    ("محمد عبد الله الحسن", "MOHAMED ABDULLAH ALHASAN"),
    ("שָׁרָה לֵוִי", "SARA LEVI"),
    ("ሀብታሙ ገብረ መስቀል", "HABTAMU GEBREMESKEL"),
    ("রহিমা খাতুন", "RAHIMA KHATUN"),
    ("अर्जुन क्षेत्री", "ARJUN CHHETRI"),
    ("王小明", "WANG XIAOMING"),
    ("Jean-Baptiste Désir", ""),
    ("ਗੁਰਪ੍ਰੀਤ ਕੌਰ", "GURPREET KAUR"),
    ("Nguyễn Thị Hường", ""),
    ("தமிழ்செல்வி", "TAMILSELVI"),
    ("สมชาย ใจดี", "SOMCHAI CHAIDI"),
    ("Արմեն Պետրոսյան", "ARMEN PETROSYAN"),
    ("გიორგი ბერიძე", "GIORGI BERIDZE"),
    ("សុខ ចាន់ថា", "SOK CHANTHA"),
    ("အောင်ဆန်း", "AUNG SAN"),
    ("김민수", "KIM MINSU"),
    ("Иван Петров", "IVAN PETROV"),
    ("Γιώργος Παππάς", "GIORGOS PAPPAS"),
    ("ગીતા પટેલ", "GITA PATEL"),
    ("නිමල් පෙරේරා", "NIMAL PERERA"),
    ("Ana አበበ 王 محمد", "ANA ABEBE WANG MOHAMED"),
)


def make_row(number: int = 1, columns=COLUMNS, **changes: str) -> dict[str, str]:
    name, latin = NAMES[(number - 1) % len(NAMES)]
    cells = {
        "no": str(number),
        "ref": f"K7C-9WM-{number:03d}".replace("0", "X"),
        "name": name,
        "latin_name": latin,
        "sex": "FMX"[number % 3],
        "birth_date": f"19{70 + number % 30}-03-{1 + number % 28:02d}",
        "nationality": ("HN", "SV", "ET", "BD", "CN")[number % 5],
        "document_type": "passport",
        "document_number": f"00{number:05d}",
        "document_expiry": "2029-11-30",
        "group": chr(65 + (number - 1) // 4 % 26),
        "assistance": "wheelchair" if number % 11 == 0 else "",
        "onward": "Comayagua",
    } | changes
    return {column: cells[column] for column in columns}


def make_manifest(row_count: int = 3, columns=COLUMNS, **changes) -> Manifest:
    values = {
        "movement": "M-7KQ2M9XRT4",
        "recipient": "GT-HN-CRN-B",
        "recipient_name": "Corinto, Honduras",
        "recipient_kind": "border_post",
        "version": 2,
        "supersedes": 1,
        "issued_at": datetime(2026, 3, 6, 15, 4, tzinfo=UTC),
        "agreement": "Memorando de 2006, retorno terrestre",
        "posts": ("Corinto (GT)", "Corinto (HN)"),
        "expected": (
            ExpectedPost(
                name="Corinto (GT)", at=datetime(2026, 3, 9, 9, 50, tzinfo=GUATEMALA), zone="America/Guatemala"
            ),
            ExpectedPost(
                name="Corinto (HN)", at=datetime(2026, 3, 9, 10, 20, tzinfo=GUATEMALA), zone="America/Tegucigalpa"
            ),
        ),
        "window": Window(
            start=datetime(2026, 3, 9, 9, 30, tzinfo=GUATEMALA),
            end=datetime(2026, 3, 9, 11, 0, tzinfo=GUATEMALA),
            zone="America/Tegucigalpa",
        ),
        "vehicle": "C-123 BXY",
        "operator": "Transportes Imaginarios S. A.",
        "crew": (
            CrewMember(role="driver", name="Óscar Invento", phone="+502 5550 0101"),
            CrewMember(role="driver", name="Iris Supuesta", phone="+502 5550 0102"),
            CrewMember(role="escort", name="Nora Ficticia", phone="+502 5550 0103"),
        ),
        "counts": {
            "total": row_count,
            "female": row_count // 3,
            "male": row_count - row_count // 3,
            "unspecified": 0,
            "accompanied_children": 0,
            "unaccompanied_children": 0,
        },
        "notice": Notice(sent_at=datetime(2026, 3, 6, 15, 5, tzinfo=UTC)),
        "contacts": (
            Contact(side="sending", name="Oficina de retorno, turno", phone="+502 5550 0199"),
            Contact(side="receiving", name="Puesto de Corinto", phone="+504 5550 0201"),
        ),
        "columns": columns,
        "rows": [make_row(number, columns) for number in range(1, row_count + 1)],
        "is_demo": False,
    } | changes
    return Manifest(**values)


def objects_of(pdf: bytes) -> bytes:
    """The small objects of a page, unpacked."""
    streams = re.finditer(rb"/Type/ObjStm[^>]*?/Length ([0-9]+)[^>]*>>stream\n", pdf)
    return b"\n".join(zlib.decompress(pdf[found.end() : found.end() + int(found[1])]) for found in streams)


def page_count(pdf: bytes) -> int:
    return len(re.findall(rb"/Type/Page[/\s>]", objects_of(pdf)))


def text_of(pdf: bytes, *options: str) -> str:
    command = ["pdftotext", "-layout", *options, "-", "-"]
    return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()
