"""What comes in from outside: read exactly, checked whole, every fault named with its place."""
