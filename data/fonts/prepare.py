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
SCRIPTS = (
    "", "Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Hebrew",
    "Khmer", "Myanmar", "Sinhala", "Tamil", "Thai",
)  # fmt: skip
# Ideographs with Extensions A and B, their punctuation, kana and full-width forms: what names are written with.
CJK_RANGES = "U+00B7,U+3000-303F,U+3041-30FF,U+3400-4DBF,U+4E00-9FFF,U+F900-FAFF,U+FF00-FFEF,U+20000-2A6DF"
# The 2,350 Hangul syllables of KS X 1001, which names are written with, and the letters they are made of.
HANGUL = [chr(code) for code in range(0xAC00, 0xD7A4) if len(chr(code).encode("euc_kr")) == 2]
HANGUL_RANGES = ",".join(("U+3131-318E", *(f"U+{ord(syllable):X}" for syllable in HANGUL)))
KOREAN, SIMPLIFIED_CHINESE = 1, 2


def cut_cjk(number: int, ranges: str, features: str, name: str) -> None:
    subset.main(
        [
            str(CJK),
            f"--font-number={number}",
            f"--unicodes={ranges}",
            f"--layout-features={features}",
            "--name-IDs=*",
            "--no-hinting",
            f"--output-file={HERE / name}",
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
    cut_cjk(SIMPLIFIED_CHINESE, CJK_RANGES, "locl,ccmp", "NotoSansCJKsc-Regular.otf")
    cut_cjk(KOREAN, HANGUL_RANGES, "ccmp", "NotoSansCJKkr-Regular.otf")
    (HERE / "coverage.txt").write_text(coverage())
    sums = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in font_files())
    (HERE / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()
