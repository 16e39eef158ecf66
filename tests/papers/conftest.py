"""Tests that look at a page with other programs are skipped, by name, where those are not installed."""

import shutil

import pytest

PROGRAMS = ("pdftotext", "pdftoppm", "pdffonts", "zbarimg")


@pytest.fixture(autouse=True)
def _needs_poppler(request):
    if request.node.get_closest_marker("poppler") is not None:
        missing = [program for program in PROGRAMS if shutil.which(program) is None]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)} (Debian: poppler-utils, zbar-tools)")
