"""Tests of custodians' files."""
