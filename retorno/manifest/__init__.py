"""Stage 5: issue, supersede, void and release a manifest; what each recipient reads is in ``copies``.

Two people sign a version that adds or changes a row; a version that only loses people is issued at once by the act
that takes them off. Every rule is asked again, on every person, at that moment.
"""

from __future__ import annotations

from retorno.manifest.issue import recipients, supersede_after_removal, void
from retorno.manifest.lists import (
    Incoming,
    acknowledge,
    acknowledgements,
    copy_for,
    current_version,
    incoming,
    is_superseded,
    latest_copy,
    list_stands,
    seal_of,
)
from retorno.manifest.signatures import (
    NEVER_ABOARD,
    Preview,
    check_departure,
    content_digest,
    is_without_list,
    needs_protection_signature,
    preview,
    propose,
    release,
    second_role,
    sign,
    signers,
    to_list,
    vulnerable_riders,
)
from retorno.papers.form import manifest_from_bytes

__all__ = [
    "NEVER_ABOARD",
    "Incoming",
    "Preview",
    "acknowledge",
    "acknowledgements",
    "check_departure",
    "content_digest",
    "copy_for",
    "current_version",
    "incoming",
    "is_superseded",
    "is_without_list",
    "latest_copy",
    "list_stands",
    "manifest_from_bytes",
    "needs_protection_signature",
    "preview",
    "propose",
    "recipients",
    "release",
    "seal_of",
    "second_role",
    "sign",
    "signers",
    "supersede_after_removal",
    "to_list",
    "void",
    "vulnerable_riders",
]
