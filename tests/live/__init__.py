"""The live half: the adapter over a fake transport, and whole books over HTTP against our own server."""
