"""The benchmarks of the project, and the documents that show their results.

`python -m tests.benchmarks.NAME` runs one benchmark and prints its tables; `--help` lists its options. No benchmark
fails because of a time: an assertion on a shared machine proves nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from datetime import date

from tests.benchmarks import results


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns 1 when a benchmark failed, whose section then keeps its text."""
    listed = "\n".join(f"  {name:<16}{results.summary(name)}" for name in results.TITLES)
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog=f"benchmarks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser(
        "results",
        help="run the benchmarks; write RESULTS.md and the table of README.md",
        description="Run the benchmarks with their standard sizes; write RESULTS.md and the table of README.md.",
    )
    one.add_argument("--only", action="append", choices=results.TITLES, metavar="NAME", help="renew only this section")
    one.add_argument("--accounts", type=int, metavar="N", help="a trial with N accounts: print, write nothing")
    options = parser.parse_args(arguments)
    return renew(options.only or list(results.TITLES), options.accounts)


def renew(names: list[str], accounts: int | None) -> int:
    """Run benchmarks one after the other and write each section as soon as it is measured."""
    failed = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        size = () if accounts is None else ("--accounts", str(accounts))
        done = subprocess.run(
            [sys.executable, "-m", f"tests.benchmarks.{name}", *size], stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            failed.append(name)
            continue
        body = results.section(name, done.stdout, date.today(), results.machine())  # noqa: DTZ011
        if accounts is not None:
            print(f"## {results.TITLES[name]}\n\n{body}\n", flush=True)
            continue
        document = results.RESULTS.read_text(encoding="utf-8") if results.RESULTS.exists() else ""
        results.RESULTS.write_text(results.replace_section(document, name, body), encoding="utf-8")
    if accounts is None:
        table = results.readme_table(results.RESULTS.read_text(encoding="utf-8"))
        readme = results.replace_table(results.README.read_text(encoding="utf-8"), table)
        results.README.write_text(readme, encoding="utf-8")
    if failed:
        print(f"failed, section unchanged: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
