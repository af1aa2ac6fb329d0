"""Section screens and their dialogs."""
