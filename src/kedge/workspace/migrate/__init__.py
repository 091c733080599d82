"""Source of SDK V1 rewritten for V2, and skeletons for tools of the older engine SDK (``AlteryxPythonSDK``).

Rewriting keeps formatting and comments. What cannot be decided from the source alone is left as it was, under a comment
``# TODO(kedge migrate): …`` that says why.
"""

from __future__ import annotations

from kedge.workspace.migrate.files import migrate
from kedge.workspace.migrate.report import FileMigration, Migration, Outcome, Remark

__all__ = ["FileMigration", "Migration", "Outcome", "Remark", "migrate"]
