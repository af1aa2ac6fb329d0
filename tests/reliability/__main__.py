"""Run one or many simulated lifetimes: `python -m tests.reliability --seed N [--trace]`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter

from tests.reliability.market import DENSE
from tests.reliability.simulation import simulate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds, run one after the other")
    parser.add_argument("--days", type=int, help="end after this number of days")
    parser.add_argument("--dense", action="store_true", help="lifetimes with many faults")
    parser.add_argument("--trace", action="store_true", help="print everything that happened")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    years, injected, failed, started_at = 0.0, 0, [], time.process_time()
    for seed in range(options.seed, options.seed + options.seeds):
        trace: list[str] | None = [] if options.trace else None
        try:
            result = simulate(seed, days=options.days, trace=trace, needed=DENSE if options.dense else ())
            years, injected = years + result.account_years, injected + result.injected
            counts.update(result.counts)
            print(
                result if options.seeds == 1 else f"seed {seed}: {result.account_years:.1f} account-years", flush=True
            )
        except Exception:
            failed.append(seed)
            print("\n".join(trace or ()))
            print(f"seed {seed}:\n{''.join(traceback.format_exc(limit=-6))}", flush=True)
    spent = time.process_time() - started_at
    print(f"{options.seeds} seeds, {years:.1f} account-years, {injected:,} connection faults, {spent:.1f} s of CPU")
    print(dict(counts), f"failed: {failed}" if failed else "none failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
