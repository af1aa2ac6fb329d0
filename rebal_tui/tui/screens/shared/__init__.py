"""Components shared by several sections: list screen, dialog, form, picker, export, lines."""
