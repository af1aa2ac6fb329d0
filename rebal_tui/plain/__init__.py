"""The linear mode (`--plain`): the same services and confirmations as the screens, line by line as text.

A command is a function of a `Session` and the text typed after the command's name. Commands that list accounts, runs
and the like number the rows; later commands accept these numbers. The last list is the newest of its kind.
"""
