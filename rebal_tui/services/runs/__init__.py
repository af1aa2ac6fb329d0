"""The life of a run: queued, started, sent, finished."""
