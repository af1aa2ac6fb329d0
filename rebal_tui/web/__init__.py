"""The screens in a browser on this machine, with the package textual-serve (extra `web`)."""
