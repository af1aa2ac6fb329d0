"""The broker's books against ours: at the start, and when an advisor lets a paused account go on."""
