"""The linear mode (`--plain`): the same services and confirmations as the screens, line by line as text.

A command is a function of a `Session` and the text typed after its name. The last list is the one that a command wrote
last; commands accept the numbers of its rows.
"""
