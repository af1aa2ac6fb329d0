"""Where orders go: the `Broker` protocol and the brokers behind it."""
