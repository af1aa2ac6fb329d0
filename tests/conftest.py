"""What every test starts from: no animation, and none of the developer's own terminal settings."""

from __future__ import annotations

import os

os.environ["TEXTUAL_ANIMATIONS"] = "none"
for name in ("NO_COLOR", "TEXTUAL_THEME"):
    os.environ.pop(name, None)
