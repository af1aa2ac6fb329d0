"""What several sections use: list screen, dialog, form, picker, export, lines."""
