"""Makes the files of this folder from Debian's font packages; needed only when the fonts are renewed.

Needs fonttools (development list) and Debian's fonts-noto-core and fonts-noto-cjk: ``python data/fonts/prepare.py``.
"""

import hashlib
import shutil
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
CORE = Path("/usr/share/fonts/truetype/noto")
CJK = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
SCRIPTS = ("", "Arabic", "Bengali", "Devanagari", "Ethiopic", "Gujarati", "Gurmukhi", "Hebrew", "Sinhala", "Tamil")
# Ideographs with Extensions A and B, their punctuation, kana and full-width forms: what names are written with.
CJK_RANGES = "U+00B7,U+3000-303F,U+3041-30FF,U+3400-4DBF,U+4E00-9FFF,U+F900-FAFF,U+FF00-FFEF,U+20000-2A6DF"
SIMPLIFIED_CHINESE = 2


def cut_cjk() -> None:
    subset.main(
        [
            str(CJK),
            f"--font-number={SIMPLIFIED_CHINESE}",
            f"--unicodes={CJK_RANGES}",
            "--layout-features=locl,ccmp",
            "--name-IDs=*",
            "--no-hinting",
            f"--output-file={HERE / 'NotoSansCJKsc-Regular.otf'}",
        ]
    )


def font_files() -> list[Path]:
    return sorted(path for path in HERE.iterdir() if path.suffix in (".ttf", ".otf"))


def coverage() -> str:
    """Ranges of code points that some font of the folder has a glyph for, one ``first-last`` a line, hexadecimal."""
    codes: set[int] = set()
    for path in font_files():
        codes |= set(TTFont(path, lazy=True).getBestCmap())
    lines = []
    for code in sorted(codes):
        if code - 1 not in codes:
            first = code
        if code + 1 not in codes:
            lines.append(f"{first:X}-{code:X}")
    return "\n".join(lines) + "\n"


def main() -> None:
    for script in SCRIPTS:
        for weight in ("Regular", "Bold"):
            shutil.copy(CORE / f"NotoSans{script}-{weight}.ttf", HERE)
    cut_cjk()
    (HERE / "coverage.txt").write_text(coverage())
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in font_files())
    (HERE / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()
