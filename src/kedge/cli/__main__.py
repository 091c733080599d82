"""``python -m kedge.cli``."""

from __future__ import annotations

from kedge.cli.start import main

if __name__ == "__main__":
    main()
