"""The places and their dialogs."""
