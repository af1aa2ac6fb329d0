"""What the screens are given: frozen snapshots, complete in themselves, ready to be drawn.

Amounts keep their exact types; a screen only formats them.
"""
