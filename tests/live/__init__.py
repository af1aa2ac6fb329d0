"""Live mode: the adapter on a fake transport, and complete books over HTTP against our own server."""
