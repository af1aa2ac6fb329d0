"""What every test starts from: no animation, and none of the developer's own terminal settings."""

from __future__ import annotations

import gc
import os

from hypothesis import Phase, settings

os.environ["TEXTUAL_ANIMATIONS"] = "none"
for name in ("NO_COLOR", "TEXTUAL_THEME"):
    os.environ.pop(name, None)

# A screen is tens of thousands of small objects that live; looking at them this seldom saves a seventh of the suite.
gc.set_threshold(200_000, 20, 100)

# The same examples each time: a failure is of the change. HYPOTHESIS_PROFILE=search looks for others.
settings.register_profile("same", derandomize=True, database=None)
settings.register_profile("search", derandomize=False)
few = (Phase.explicit, Phase.generate)
settings.register_profile("few", derandomize=True, database=None, max_examples=4, phases=few)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
