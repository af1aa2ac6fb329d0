"""Entry point of `python -m rebal_tui`; the same program as `rebal-tui`."""

from rebal_tui.cli import main

if __name__ == "__main__":
    main()
