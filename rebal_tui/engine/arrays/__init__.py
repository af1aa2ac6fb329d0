"""A whole book in arrays: the same decisions, drift and plans as the exact forms, for every account at once.

Floats only screen; whatever lies near a threshold is confirmed with exact integers, so both forms always agree.
"""
