"""The linear mode (`--plain`): the same services and confirmations as the screens, line by line as text."""
