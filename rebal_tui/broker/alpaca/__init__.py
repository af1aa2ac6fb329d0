"""Alpaca's Broker API as a `Broker`: HTTP, its wire format, its event streams."""
