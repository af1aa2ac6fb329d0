"""Decisions, drift and plans of a whole book in NumPy arrays, with the same results as the exact form.

The exact form is `rebal_tui.engine`: one account at a time, in integers. In this package, floats decide for most
accounts, and the exact form decides for the accounts near a threshold. DESIGN.md shows why the results are the same. A
result in floats is called sure if it is beyond the threshold by more than the float error, so that the exact form would
give the same.
"""
