"""The full-screen application. It knows the services only."""

import os

# Textual paints at most so often a second, and reads it when it is first imported. At its own 60 a key that comes just
# after a paint waits 16 ms for the next; nothing more is painted when nothing changes.
os.environ.setdefault("TEXTUAL_FPS", "120")
