"""The table of manual runs that were started in the program's own screens.

Manual runs of earlier versions may have been requested in the screens or over the API, so they have no row.
"""

TERMINAL_RUNS = "CREATE TABLE terminal_runs (run TEXT PRIMARY KEY) STRICT, WITHOUT ROWID"
