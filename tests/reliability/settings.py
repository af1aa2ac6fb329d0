"""Size of the reliability tests: small by default, larger through environment variables.

SIMULATION_SEEDS       simulated lifetimes of a book (8; 66: over 500 account-years; 1500: 10,000)
SIMULATION_FIRST_SEED  the first of them (0)
CRASH_POINTS           kill points per scenario of the crash tests, evenly spaced (12; 0: every one)
CRASH_KILLS            of these, how many kill a real process (1 per scenario)
DISK_POINTS            disk calls per fault and scenario at which the fault is tried, evenly spaced (1; 0: every one)
SAME_SEEDS             seeds that must give the same trace in every process (1; 50 for the goal)
SAME_PYTHONS           other interpreters, with the test dependencies, that must give it too (none; separated by colons)
FAULT_SEEDS            lifetimes in which each planted fault must show (40), of FAULT_DAYS days (28) each
"""

from __future__ import annotations

import os

LONG_SEEDS = 66
"""Seeds of the long run, which covers over 500 account-years."""
SEEDS = int(os.environ.get("SIMULATION_SEEDS", "8"))
FIRST_SEED = int(os.environ.get("SIMULATION_FIRST_SEED", "0"))
BATCHES = min(SEEDS, 12)
CRASH_POINTS = int(os.environ.get("CRASH_POINTS", "12"))
CRASH_KILLS = int(os.environ.get("CRASH_KILLS", "1"))
SAME_SEEDS = int(os.environ.get("SAME_SEEDS", "1"))
SAME_PYTHONS = [path for path in os.environ.get("SAME_PYTHONS", "").split(":") if path]
FAULT_SEEDS = int(os.environ.get("FAULT_SEEDS", "40"))
FAULT_DAYS = int(os.environ.get("FAULT_DAYS", "28"))
DISK_POINTS = int(os.environ.get("DISK_POINTS", "1"))
