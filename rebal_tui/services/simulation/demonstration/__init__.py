"""The demonstration: a believable book, and a script of what happens in it."""
