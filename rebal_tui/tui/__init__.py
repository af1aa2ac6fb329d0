"""The full-screen terminal application. It depends only on the services layer."""

import os

# Textual reads its maximum frame rate when it is first imported. At the default of 60, a key pressed just after a frame
# waits 16 ms for the next one. The higher rate adds no repaints while nothing changes.
os.environ.setdefault("TEXTUAL_FPS", "120")
