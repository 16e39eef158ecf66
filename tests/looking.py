"""What a test run leaves for people to look at: ``artifacts/``, with one page that shows all of it.

Tests that draw keep pictures there (``artifacts/papers``, ``artifacts/screens``); ``index.html`` is written when a run
ends. The folder is not part of the repository.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "artifacts"
SCREENS = FOLDER / "screens"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>To look at</title>
<style>
body {{ font: 16px sans-serif; margin: 1rem; }}
div {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }}
figure {{ margin: 0; }} figcaption {{ overflow-wrap: anywhere; }}
img {{ width: 100%; height: 22rem; object-fit: cover; object-position: top; border: 1px solid #666; }}
</style></head><body><main><h1>To look at</h1>
<p>Pages of the screens by role, and sample papers, as the last test run drew them. A picture opens in full.</p>
{body}</main></body></html>
"""


def write_index(folder: Path = FOLDER) -> Path | None:
    """One page with every picture below the folder; None where there is no picture."""
    sections = []
    for part in sorted(path for path in folder.glob("*") if path.is_dir()):
        pictures = sorted(part.glob("*.png"))
        if pictures:
            sections.append(f"<h2>{escape(part.name)}</h2><div>{''.join(map(_figure, pictures))}</div>")
    if not sections:
        return None
    file = folder / "index.html"
    file.write_text(_PAGE.format(body="".join(sections)), "utf-8")
    return file


def _figure(picture: Path) -> str:
    address, name = escape(f"{picture.parent.name}/{picture.name}"), escape(picture.stem)
    paper = next(iter(picture.parent.glob(f"{picture.stem.rpartition('-')[0]}.pdf")), None)
    more = f' · <a href="{escape(f"{paper.parent.name}/{paper.name}")}">PDF</a>' if paper else ""
    return (
        f'<figure><a href="{address}"><img src="{address}" alt="{name}" loading="lazy"></a>'
        f"<figcaption>{name}{more}</figcaption></figure>"
    )
