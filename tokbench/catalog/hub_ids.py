"""Names of repositories and revisions on the Hugging Face hub."""

from __future__ import annotations

import re

_REVISION = re.compile(r"[\w][\w./-]{0,254}")


def is_hub_id(repository: str, revision: str | None = None) -> bool:
    """Return whether the names of a repository and a revision are valid on the hub."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repository)
    except HFValidationError:
        return False
    return revision is None or (_REVISION.fullmatch(revision) is not None and ".." not in revision)
