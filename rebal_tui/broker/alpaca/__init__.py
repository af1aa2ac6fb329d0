"""Alpaca's Broker API as a `Broker`: HTTP client, wire format, event streams."""
