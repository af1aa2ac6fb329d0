"""The data of the screens: immutable, complete, and ready to draw.

Amounts keep their exact types; screens only format them.
"""
