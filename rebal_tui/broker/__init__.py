"""The `Broker` protocol and its implementations."""
