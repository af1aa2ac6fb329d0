"""The table of all actions: source of key bindings, footer, help and command palette."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.tui.sections import EVERYWHERE, LISTS, REVIEW, Section


@dataclass(frozen=True, slots=True)
class Action:
    """One user action.

    `keys` are Textual key names, separated by commas. `method` is the name of the `action_…` method, with arguments if
    any. `scope` is a section, `REVIEW`, `LISTS` or `EVERYWHERE`. `footer` shows the action in the footer. `priority`
    makes the key work in dialogs and while an input has the focus.
    """

    id: str
    keys: str
    label: str
    help: str
    scope: str
    method: str
    footer: bool = True
    priority: bool = False

    @property
    def writes(self) -> bool:
        """Whether the action changes the book."""
        return self.id in WRITES


_GO = tuple(
    Action(
        f"go.{section}",
        section.key,
        section.label,
        f"Go to {section.label}.",
        EVERYWHERE,
        f"go('{section}')",
        footer=False,
    )
    for section in Section
)

ACTIONS: tuple[Action, ...] = (
    Action(
        "desk.preview", "p", "Preview", "Show the run that would be made now. Nothing is sent.", Section.DESK, "preview"
    ),
    Action("desk.runs", "r", "Runs", "Show the runs of this account.", Section.DESK, "account_runs"),
    Action("desk.tile", "t", "Tile", "Filter by the next tile.", Section.DESK, "tile(1)"),
    Action("desk.tile_back", "T", "Tile back", "Filter by the tile before.", Section.DESK, "tile(-1)", footer=False),
    Action("desk.evaluate", "v", "Evaluate", "Evaluate every account now, after asking.", Section.DESK, "evaluate"),
    Action("portfolios.new", "n", "New", "Write a new portfolio.", Section.PORTFOLIOS, "new"),
    Action(
        "portfolios.edit", "e", "Edit", "Change this portfolio, its impact shown first.", Section.PORTFOLIOS, "edit"
    ),
    Action(
        "portfolios.impact",
        "p",
        "Impact",
        "Count what its subscribers would do now. Nothing is sent.",
        Section.PORTFOLIOS,
        "impact",
    ),
    Action("portfolios.duplicate", "d", "Duplicate", "Copy it under another name.", Section.PORTFOLIOS, "duplicate"),
    Action(
        "portfolios.inactivate",
        "i",
        "Inactivate",
        "Take it out of use, after asking.",
        Section.PORTFOLIOS,
        "inactivate",
    ),
    Action(
        "portfolios.reactivate",
        "r",
        "Reactivate",
        "Make it active again, if every asset is eligible.",
        Section.PORTFOLIOS,
        "reactivate",
    ),
    Action("portfolios.json", "J", "JSON", "Show it in the API's shape.", Section.PORTFOLIOS, "json"),
    Action("portfolios.paste", "P", "Paste JSON", "Make a portfolio from JSON.", Section.PORTFOLIOS, "paste_json"),
    Action("portfolios.accounts", "a", "Subscribers", "Show them on the Desk.", Section.PORTFOLIOS, "subscribers"),
    Action("portfolios.tile", "t", "Status", "Filter by the next status.", Section.PORTFOLIOS, "tile(1)"),
    Action(
        "portfolios.tile_back",
        "T",
        "Status back",
        "Filter by the status before.",
        Section.PORTFOLIOS,
        "tile(-1)",
        footer=False,
    ),
    Action("runs.cancel", "c", "Cancel run", "Cancel this run, after asking.", Section.RUNS, "cancel_run"),
    Action(
        "runs.approve",
        "A",
        "Approve",
        "Approve a run that awaits review, after asking.",
        Section.RUNS,
        "approve",
        footer=False,
    ),
    Action(
        "runs.reject",
        "R",
        "Reject",
        "Turn down a run that awaits review, with a note.",
        Section.RUNS,
        "reject",
        footer=False,
    ),
    Action("runs.json", "J", "JSON", "Show this run in the API's shape.", Section.RUNS, "json"),
    Action("runs.tile", "t", "Status", "Filter by the next status.", Section.RUNS, "tile(1)"),
    Action(
        "runs.tile_back", "T", "Status back", "Filter by the status before.", Section.RUNS, "tile(-1)", footer=False
    ),
    Action("runs.type", "f", "Type", "Filter by the next type of run.", Section.RUNS, "cycle_type"),
    Action("runs.account", "a", "On the Desk", "Go to this run's account on the Desk.", Section.RUNS, "account"),
    Action(
        "log.pause", "p", "Pause", "Stop the scheduler from starting anything new, after asking.", Section.LOG, "pause"
    ),
    Action("log.resume", "r", "Resume", "Let the scheduler start jobs again.", Section.LOG, "resume", footer=False),
    Action("log.run", "v", "Run", "Run this job now, after asking.", Section.LOG, "run_now"),
    Action("log.tab", "t", "Tab", "Show the next of jobs, alerts and audit trail.", Section.LOG, "tab(1)"),
    Action("log.tab_back", "T", "Tab back", "Show the one before.", Section.LOG, "tab(-1)", footer=False),
    Action(
        "log.acknowledge", "a", "Acknowledge", "Take note of this alert, or all marked.", Section.LOG, "acknowledge"
    ),
    Action("log.go", "g", "Go to it", "Go to what this alert is about.", Section.LOG, "go_to", footer=False),
    Action("log.verify", "V", "Verify", "Verify the audit trail from its first entry on.", Section.LOG, "verify"),
    Action("market.shock", "o", "Shock", "Move this price, or all, by a percentage.", Section.MARKET, "shock"),
    Action("market.halt", "h", "Halt", "Halt trading in it, or let it go on; asks.", Section.MARKET, "halt_asset"),
    Action(
        "market.tradable",
        "u",
        "Untradable",
        "Make this asset untradable, or tradable again; asks.",
        Section.MARKET,
        "set_tradable",
    ),
    Action("review.approve", "A", "Approve", "Approve this run, or all marked, after asking.", REVIEW, "approve"),
    Action("review.reject", "R", "Reject", "Turn down this run, or all marked, with a note.", REVIEW, "reject"),
    Action("review.run", "g", "In Runs", "Go to this run in Runs.", REVIEW, "run"),
    Action("review.account", "a", "On the Desk", "Go to this run's account on the Desk.", REVIEW, "account"),
    Action(
        "accounts.subscribe",
        "n",
        "Subscribe",
        "Subscribe this account, or all marked, to a portfolio; shows the first runs and asks.",
        Section.ACCOUNTS,
        "subscribe",
    ),
    Action(
        "accounts.move",
        "m",
        "Move",
        "Move this account, or all marked, to another portfolio; shows the first runs and asks.",
        Section.ACCOUNTS,
        "move_accounts",
    ),
    Action(
        "accounts.unsubscribe",
        "u",
        "Unsubscribe",
        "End the subscription of this account, or of all marked, after asking.",
        Section.ACCOUNTS,
        "unsubscribe",
    ),
    Action(
        "accounts.preview",
        "p",
        "Preview",
        "Show the run that would be made now. Nothing is sent.",
        Section.ACCOUNTS,
        "preview",
    ),
    Action("accounts.run", "v", "Run", "Make a run by hand, after showing its plan.", Section.ACCOUNTS, "run_by_hand"),
    Action("accounts.deposit", "d", "Deposit", "Let cash arrive in the simulator.", Section.ACCOUNTS, "deposit"),
    Action("accounts.withdraw", "w", "Withdraw", "Withdraw cash from this account.", Section.ACCOUNTS, "withdraw"),
    Action(
        "accounts.release",
        "l",
        "Release",
        "Give cash set aside back to the portfolio, after asking.",
        Section.ACCOUNTS,
        "release",
        footer=False,
    ),
    Action(
        "accounts.reconcile",
        "c",
        "Reconcile",
        "Look at what the broker's figures differ in, and let a paused account go on with them; asks.",
        Section.ACCOUNTS,
        "reconcile",
        footer=False,
    ),
    Action(
        "accounts.simulate",
        "i",
        "Simulate",
        "Restrictions, status, an ACH return or a holding brought in, in the simulator.",
        Section.ACCOUNTS,
        "simulate",
        footer=False,
    ),
    Action(
        "accounts.mark_shown",
        "M",
        "Mark all",
        "Mark all rows shown, or lift all marks.",
        Section.ACCOUNTS,
        "mark_shown",
        footer=False,
    ),
    Action(
        "accounts.runs", "r", "Runs", "Show the runs of this account.", Section.ACCOUNTS, "account_runs", footer=False
    ),
    Action(
        "accounts.desk",
        "a",
        "On the Desk",
        "Go to this account on the Desk.",
        Section.ACCOUNTS,
        "on_desk",
        footer=False,
    ),
    Action(
        "accounts.portfolio",
        "o",
        "Portfolio",
        "Go to this account's portfolio.",
        Section.ACCOUNTS,
        "portfolio",
        footer=False,
    ),
    Action("accounts.tile", "t", "Group", "Filter by the next group.", Section.ACCOUNTS, "tile(1)", footer=False),
    Action(
        "accounts.tile_back",
        "T",
        "Group back",
        "Filter by the group before.",
        Section.ACCOUNTS,
        "tile(-1)",
        footer=False,
    ),
    Action(
        "cash.withdraw",
        "n",
        "New withdrawal",
        "Withdraw cash: one form that shows what is sold and when the money can leave.",
        Section.CASH,
        "withdraw",
    ),
    Action("cash.cancel", "c", "Cancel", "Cancel this withdrawal, after asking.", Section.CASH, "cancel_withdrawal"),
    Action(
        "cash.retry",
        "v",
        "Try again",
        "Let a withdrawal that stopped try its step again, after asking.",
        Section.CASH,
        "retry",
    ),
    Action(
        "cash.journal_in",
        "i",
        "Journal in",
        "Move cash from the firm account to a client.",
        Section.CASH,
        "journal(True)",
    ),
    Action(
        "cash.journal_out",
        "o",
        "Journal out",
        "Move cash from a client to the firm account.",
        Section.CASH,
        "journal(False)",
    ),
    Action("cash.account", "a", "Account", "Go to this account.", Section.CASH, "account", footer=False),
    Action("cash.runs", "r", "Runs", "Show the runs of this account.", Section.CASH, "account_runs", footer=False),
    Action("cash.tile", "t", "Group", "Filter by the next group.", Section.CASH, "tile(1)"),
    Action("cash.tile_back", "T", "Group back", "Filter by the group before.", Section.CASH, "tile(-1)", footer=False),
    Action("list.filter", "slash", "Filter", "Filter by text as you type; escape clears it.", LISTS, "filter"),
    Action("list.sort", "s", "Sort", "Order by the next column.", LISTS, "sort"),
    Action("list.reverse", "S", "Turn order", "Turn the order round.", LISTS, "reverse", footer=False),
    Action("list.copy", "y", "Copy id", "Copy the whole id of this row.", LISTS, "copy_id", footer=False),
    Action("list.export", "x", "Export", "Write this list to a CSV or JSON file.", LISTS, "export"),
    Action("list.back", "escape", "Back", "Clear the filter, or go back.", LISTS, "back", footer=False),
    *_GO,
    Action(
        "market.pause",
        "z",
        "Pause market",
        "Stop or start the simulated market.",
        EVERYWHERE,
        "market_pause",
        footer=False,
    ),
    Action(
        "market.faster",
        "greater_than_sign",
        "Faster",
        "Let simulated time run faster.",
        EVERYWHERE,
        "market_speed(1)",
        footer=False,
    ),
    Action(
        "market.slower",
        "less_than_sign",
        "Slower",
        "Let simulated time run slower.",
        EVERYWHERE,
        "market_speed(-1)",
        footer=False,
    ),
    Action(
        "market.step",
        "D",
        "Step a day",
        "Take the simulated market to the next day.",
        EVERYWHERE,
        "market_step",
        footer=False,
    ),
    Action(
        "app.review",
        "9",
        "Review",
        "Go to the runs that wait for approval.",
        EVERYWHERE,
        f"go('{REVIEW}')",
        footer=False,
    ),
    Action(
        "app.halt",
        "f9",
        "Kill switch",
        "Stop every new order at once, or release the stop; asks.",
        EVERYWHERE,
        "halt",
        footer=False,
        priority=True,
    ),
    Action(
        "app.settings",
        "comma",
        "Settings",
        "Theme, density, keys, and how the book is run.",
        EVERYWHERE,
        "settings",
        footer=False,
    ),
    Action("app.help", "question_mark", "Help", "Show the keys of this place.", EVERYWHERE, "help"),
    Action(
        "app.palette",
        "ctrl+p",
        "Find",
        "Find any action, account, portfolio or run by name.",
        EVERYWHERE,
        "command_palette",
    ),
    Action("app.theme", "ctrl+t", "Theme", "Change to the next theme.", EVERYWHERE, "next_theme", footer=False),
    Action("app.quit", "q", "Quit", "Leave the program.", EVERYWHERE, "quit", footer=False),
)

WRITES = frozenset(
    """
    desk.evaluate portfolios.new portfolios.edit portfolios.duplicate portfolios.inactivate portfolios.reactivate
    portfolios.paste runs.cancel runs.approve runs.reject log.pause log.resume log.run log.acknowledge market.shock
    market.halt market.tradable review.approve review.reject accounts.subscribe accounts.move accounts.unsubscribe
    accounts.run accounts.deposit accounts.withdraw accounts.release accounts.reconcile accounts.simulate
    cash.withdraw cash.cancel cash.retry cash.journal_in cash.journal_out market.pause market.faster market.slower
    market.step app.halt
    """.split()
)
"""Ids of the actions that change the book; they are refused with a message while the book is read-only."""
