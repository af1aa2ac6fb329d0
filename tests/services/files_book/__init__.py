"""Tests of the use cases of a files book."""
