"""The page that checks a paper without network: one HTML file with the offices' public keys inside, for a USB stick.

It asks no host and holds no secret. Whether a newer version exists only the office can know; the page says so.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import date

from retorno.errors import InputError
from retorno.labels import labels_for
from retorno.papers.pages import TEMPLATES, short_day
from retorno.vocabulary import Language


def offline_page(public_keys: Mapping[str, bytes], *, made_on: date) -> bytes:
    """The page as a file.

    Parameters
    ----------
    public_keys
        Public keys of 32 bytes by ``key_id``; papers signed with any other key are "unknown key".
    made_on
        Day on which the keys were read; printed on the page.

    Raises
    ------
    InputError
        If there is no key: such a page could find nothing genuine.
    """
    if not public_keys:
        raise InputError("no public key: open the office once, so that it has one")
    keys = {name: base64.b64encode(public).decode() for name, public in sorted(public_keys.items())}
    words = {language.value: labels_for(language, "offline") for language in Language}
    script = (TEMPLATES / "check.js").read_text("utf-8")
    for mark, value in (("@KEYS@", _inside(keys)), ("@WORDS@", _inside(words))):
        script = script.replace(mark, value)
    script = script.replace("@MADE_ON@", short_day(made_on, Language.ES.value))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = (TEMPLATES / "check.html").read_text("utf-8")
    return page.replace("@HASH@", digest).replace("@SCRIPT@", script).encode()


def _inside(value: Mapping[str, object]) -> str:
    """A value as it may stand inside a script of a page: nothing in it can end the script."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")
