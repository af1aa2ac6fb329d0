"""The table of all actions: source of key bindings, footer, help and command palette."""

from __future__ import annotations

from rebal_tui.tui.action import Action
from rebal_tui.tui.sections import EVERYWHERE, EXCEPTIONS, LISTS, REVIEW, Section

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
        "desk.preview", "p", "Preview run",
        "Preview the run that would be made now, and leave a line out of it. Nothing is sent.", Section.DESK, "preview",
    ),
    Action("desk.runs", "r", "Show runs", "Show the runs of this account.", Section.DESK, "account_runs"),
    Action(
        "desk.account", "a", "Show in Accounts", "Go to this account in Accounts.", Section.DESK, "account",
        footer=False,
    ),
    Action("desk.tile", "t", "Next tab", "Show the next filter tab.", Section.DESK, "tile(1)"),
    Action(
        "desk.tile_back", "T", "Previous tab", "Show the previous filter tab.", Section.DESK, "tile(-1)",
        footer=False,
    ),
    Action(
        "desk.evaluate", "v", "Evaluate all", "Evaluate every account now (confirms first).", Section.DESK, "evaluate",
    ),
    Action("portfolios.new", "n", "New", "Create a portfolio.", Section.PORTFOLIOS, "new"),
    Action(
        "portfolios.edit", "e", "Edit", "Edit this portfolio; shows the impact before saving.", Section.PORTFOLIOS,
        "edit",
    ),
    Action(
        "portfolios.impact", "p", "Impact", "Show the runs its subscribers would make now, by account.",
        Section.PORTFOLIOS, "impact",
    ),
    Action(
        "portfolios.duplicate", "d", "Duplicate", "Copy this portfolio under another name.", Section.PORTFOLIOS,
        "duplicate",
    ),
    Action(
        "portfolios.inactivate", "i", "Deactivate", "Deactivate this portfolio (confirms first).", Section.PORTFOLIOS,
        "inactivate",
    ),
    Action(
        "portfolios.reactivate", "r", "Reactivate", "Reactivate this portfolio if every asset can be bought.",
        Section.PORTFOLIOS, "reactivate",
    ),
    Action(
        "portfolios.restrictions", "R", "Restrictions", "Restrictions of this portfolio: list, add, lift.",
        Section.PORTFOLIOS, "restrictions", footer=False,
    ),
    Action(
        "portfolios.stops", "w", "How far runs go",
        "Choose how far runs of a drift band trade: to the target, or less; shows the effect (confirms first).",
        Section.PORTFOLIOS, "stops", last=True,
    ),
    Action(
        "portfolios.versions", "v", "Versions", "Show what each version changed, and go back to one (confirms first).",
        Section.PORTFOLIOS, "versions",
    ),
    Action(
        "portfolios.json", "J", "Show JSON", "Show this portfolio as the API returns it.", Section.PORTFOLIOS, "json",
    ),
    Action(
        "portfolios.paste", "P", "Paste weights", "Create a portfolio from pasted weights, JSON or a file.",
        Section.PORTFOLIOS, "paste_json",
    ),
    Action(
        "portfolios.accounts", "a", "Show subscribers", "Show the subscribed accounts on the Desk.", Section.PORTFOLIOS,
        "subscribers",
    ),
    Action("portfolios.tile", "t", "Next tab", "Filter by the next status.", Section.PORTFOLIOS, "tile(1)"),
    Action(
        "portfolios.tile_back", "T", "Previous tab", "Filter by the previous status.", Section.PORTFOLIOS,
        "tile(-1)", footer=False,
    ),
    Action("runs.cancel", "c", "Cancel run", "Cancel this run (confirms first).", Section.RUNS, "cancel_run"),
    Action(
        "runs.approve", "A,a", "Approve", "Approve this run if it awaits review (confirms first).", Section.RUNS,
        "approve",
    ),
    Action("runs.reject", "R", "Reject", "Reject this run with a note.", Section.RUNS, "reject"),
    Action("runs.json", "J", "Show JSON", "Show this run as the API returns it.", Section.RUNS, "json"),
    Action("runs.tile", "t", "Next tab", "Filter by the next status.", Section.RUNS, "tile(1)"),
    Action(
        "runs.tile_back", "T", "Previous tab", "Filter by the previous status.", Section.RUNS, "tile(-1)",
        footer=False,
    ),
    Action("runs.type", "f", "Next type", "Filter by the next run type.", Section.RUNS, "cycle_type"),
    Action("runs.account", "d", "Show on Desk", "Go to this run's account on the Desk.", Section.RUNS, "account"),
    Action(
        "runs.list", "L", "Trade list", "Write the approved orders of a files book as a trade list.", Section.RUNS,
        "trade_list", footer=False,
    ),
    Action(
        "log.pause", "p", "Pause scheduler", "Pause the scheduler: no job starts (confirms first).", Section.LOG,
        "pause",
    ),
    Action("log.resume", "r", "Resume scheduler", "Resume the scheduler.", Section.LOG, "resume", footer=False),
    Action("log.run", "v", "Run job", "Run this job now (confirms first).", Section.LOG, "run_now"),
    Action("log.tab", "t", "Next tab", "Show the next tab: jobs or audit trail.", Section.LOG, "tab(1)"),
    Action("log.tab_back", "T", "Previous tab", "Show the previous tab.", Section.LOG, "tab(-1)", footer=False),
    Action(
        "exceptions.answer", "l", "Resolve",
        "Release the asset or account, edit the portfolio, or acknowledge the run; else go to the subject "
        "(a release confirms first).",
        EXCEPTIONS, "answer",
    ),
    Action("log.acknowledge", "a", "Acknowledge", "Acknowledge this alert, or all marked.", EXCEPTIONS, "acknowledge"),
    Action("log.go", "g", "Go to subject", "Go to the subject of this row.", EXCEPTIONS, "go_to"),
    Action("exceptions.tile", "t", "Next tab", "Show exceptions, alerts, or both.", EXCEPTIONS, "tile(1)"),
    Action(
        "exceptions.tile_back", "T", "Previous tab", "Show the previous tab.", EXCEPTIONS, "tile(-1)", footer=False,
    ),
    Action(
        "log.archive", "a", "Archive", "Show the archive of past years, and move years into it (confirms first).",
        Section.LOG, "archive",
    ),
    Action("log.verify", "V", "Verify trail", "Verify the audit trail from its first entry.", Section.LOG, "verify"),
    Action(
        "market.shock", "o", "Shock prices", "Change this price, or all prices, by a percentage (confirms first).",
        Section.MARKET, "shock",
    ),
    Action(
        "market.action", "c", "Corporate action", "Apply a split, dividend or other corporate action (confirms first).",
        Section.MARKET, "corporate_action", footer=False,
    ),
    Action(
        "market.halt", "h", "Halt or resume", "Halt or resume trading in this asset (confirms first).", Section.MARKET,
        "halt_asset",
    ),
    Action(
        "market.tradable", "U", "Tradable or not",
        "Have the broker reject buys of this asset, or accept them again (confirms first).",
        Section.MARKET, "set_tradable",
    ),
    Action(
        "market.left", "b", "Show newly outside",
        "Show on the Desk the accounts that left their bands at the last change.", Section.MARKET, "show_left",
        footer=False,
    ),
    Action(
        "market.release", "l", "Release hold", "Release this asset from its hold, for all accounts (confirms first).",
        Section.MARKET, "release_asset", footer=False,
    ),
    Action(
        "lab.portfolio", "p", "Next portfolio",
        "Backtest the next portfolio, or the same one again after it was stopped.", Section.LAB, "portfolio",
    ),
    Action("lab.closes", "o", "Open prices", "Open a file of daily closes.", Section.LAB, "closes"),
    Action("lab.heat_map", "h", "Heat map", "Show one figure of every pair of bands.", Section.LAB, "heat_map"),
    Action(
        "lab.worse", "d", "Show worse",
        "Show or hide policies that another one equals or beats in turnover, rms and worst.", Section.LAB, "worse",
    ),
    Action(
        "lab.bootstrap", "b", "Test luck", "Resample 1,000 histories: what differs beyond luck.", Section.LAB,
        "bootstrap",
    ),
    Action(
        "lab.fan", "l", "Start days", "Show what the start day and the calendar day of this policy are worth.",
        Section.LAB, "fan",
    ),
    Action(
        "lab.adopt", "a", "Adopt policy", "Open the portfolio with this policy in the editor; nothing is saved yet.",
        Section.LAB, "adopt",
    ),
    Action(
        "lab.export", "x", "Export", "Write the policies shown, or all with all fields, to a file.", Section.LAB,
        "export", footer=False,
    ),
    Action("lab.back", "escape", "Stop", "Stop the computation.", Section.LAB, "back", footer=False),
    Action("lab.sort", "s", "Sort", "Sort by the next column.", Section.LAB, "sort"),
    Action(
        "lab.verify", "v", "Verify policy", "Replay this policy, or all marked, with the engine that trades.",
        Section.LAB, "verify",
    ),
    Action("review.approve", "A,a", "Approve", "Approve this run, or all marked (confirms first).", REVIEW, "approve"),
    Action("review.reject", "R", "Reject", "Reject this run, or all marked, with a note.", REVIEW, "reject"),
    Action(
        "review.mark_shown", "M", "Mark all", "Mark all runs shown, or clear all marks; space marks one, moves down.",
        REVIEW, "mark_shown",
    ),
    Action(
        "review.policy", "b", "Book review",
        "Turn review of every automatic run of this book on or off (confirms first).", REVIEW, "policy",
    ),
    Action(
        "review.override", "o", "Override restrictions",
        "Let this run override a restriction, with a note; it still awaits approval (confirms first).", REVIEW,
        "override", footer=False,
    ),
    Action(
        "review.list", "L", "Trade list",
        "Write the approved orders as a trade list, in a book kept from custodians' files.", REVIEW,
        "trade_list", footer=False,
    ),
    Action(
        "review.evaluate", "v", "Evaluate all", "Evaluate every account now (confirms first).", REVIEW, "evaluate",
    ),
    Action("review.run", "g", "Show in Runs", "Show this run in Runs.", REVIEW, "run"),
    Action("review.account", "d", "Show on Desk", "Go to this run's account on the Desk.", REVIEW, "account"),
    Action(
        "accounts.positions", "P", "Import a file",
        "Import a custodian's file of positions, transactions or prices (files book).",
        Section.ACCOUNTS, "import_positions", footer=False,
    ),
    Action(
        "accounts.enter", "E", "Enter data",
        "Enter an account, holding, cash, asset, price or fill of a files book.", Section.ACCOUNTS,
        "enter_by_hand", footer=False,
    ),
    Action(
        "accounts.subscribe", "n", "Subscribe",
        "Subscribe this account, or all marked, to a portfolio; shows the first runs (confirms first).",
        Section.ACCOUNTS, "subscribe",
    ),
    Action(
        "accounts.move", "m", "Move to…",
        "Move this account, or all marked, to another portfolio; shows the first runs (confirms first).",
        Section.ACCOUNTS, "move_accounts",
    ),
    Action(
        "accounts.unsubscribe", "U", "Unsubscribe", "Unsubscribe this account, or all marked (confirms first).",
        Section.ACCOUNTS, "unsubscribe",
    ),
    Action(
        "accounts.mark_shown", "M", "Mark all", "Mark all rows shown, or clear all marks; space marks one, moves down.",
        Section.ACCOUNTS, "mark_shown",
    ),
    Action(
        "accounts.preview", "p", "Preview run",
        "Preview the run that would be made now, and leave a line out of it. Nothing is sent.",
        Section.ACCOUNTS, "preview",
    ),
    Action(
        "accounts.run", "v", "Manual run", "Start a manual run; shows its plan first, and can leave a line out.",
        Section.ACCOUNTS, "run_by_hand",
    ),
    Action("accounts.deposit", "d", "Deposit", "Deposit cash in the simulator.", Section.ACCOUNTS, "deposit"),
    Action("accounts.withdraw", "w", "Withdraw", "Withdraw cash from this account.", Section.ACCOUNTS, "withdraw"),
    Action(
        "accounts.restrictions", "R", "Restrictions",
        "Restrictions of this account, or all marked: list, add, lift; settings of one account.", Section.ACCOUNTS,
        "restrictions", footer=False,
    ),
    Action(
        "accounts.release", "l", "Release cash", "Release reserved cash to the portfolio (confirms first).",
        Section.ACCOUNTS, "release", footer=False,
    ),
    Action(
        "accounts.reconcile", "c", "Reconcile",
        "Review reconciliation differences and resume the account (confirms first).", Section.ACCOUNTS, "reconcile",
        footer=False,
    ),
    Action(
        "accounts.simulate", "i", "Simulate",
        "Simulate restrictions, a status change, an ACH return or a transferred holding.", Section.ACCOUNTS, "simulate",
        footer=False,
    ),
    Action(
        "accounts.runs", "r", "Show runs", "Show the runs of this account.", Section.ACCOUNTS, "account_runs",
        footer=False,
    ),
    Action(
        "accounts.desk", "a", "Show on Desk", "Go to this account on the Desk.", Section.ACCOUNTS, "on_desk",
        footer=False,
    ),
    Action(
        "accounts.portfolio", "o", "Show portfolio", "Go to this account's portfolio.", Section.ACCOUNTS, "portfolio",
        footer=False,
    ),
    Action("accounts.tile", "t", "Next tab", "Filter by the next group.", Section.ACCOUNTS, "tile(1)", last=True),
    Action(
        "accounts.tile_back", "T", "Previous tab", "Filter by the previous group.", Section.ACCOUNTS, "tile(-1)",
        footer=False,
    ),
    Action(
        "cash.withdraw", "n", "New withdrawal", "Request a withdrawal; shows the sells and the earliest payout day.",
        Section.CASH, "withdraw",
    ),
    Action(
        "cash.cancel", "c", "Cancel withdrawal", "Cancel this withdrawal (confirms first).", Section.CASH,
        "cancel_withdrawal",
    ),
    Action(
        "cash.retry", "v", "Retry withdrawal", "Retry a stopped withdrawal (confirms first).", Section.CASH, "retry",
    ),
    Action(
        "cash.journal_in", "i", "Journal in", "Move cash from the firm account to a client.", Section.CASH,
        "journal(True)",
    ),
    Action(
        "cash.journal_out", "o", "Journal out", "Move cash from a client to the firm account.", Section.CASH,
        "journal(False)",
    ),
    Action("cash.account", "a", "Show account", "Go to this account.", Section.CASH, "account", footer=False),
    Action("cash.runs", "r", "Show runs", "Show the runs of this account.", Section.CASH, "account_runs", footer=False),
    Action("cash.tile", "t", "Next tab", "Filter by the next group.", Section.CASH, "tile(1)"),
    Action(
        "cash.tile_back", "T", "Previous tab", "Filter by the previous group.", Section.CASH, "tile(-1)",
        footer=False,
    ),
    Action("list.filter", "slash", "Filter", "Filter by words of any column or id; escape clears it.", LISTS, "filter"),
    Action("list.sort", "s", "Sort", "Sort by the next column.", LISTS, "sort"),
    Action("list.sort_by", "O", "Sort by…", "Choose and keep the column to sort by.", LISTS, "sort_by", footer=False),
    Action("list.reverse", "S", "Reverse order", "Reverse the sort order.", LISTS, "reverse", footer=False),
    Action("list.columns", "C", "Columns", "Choose the columns of this list.", LISTS, "columns", footer=False),
    Action(
        "list.filters", "F", "Saved filters", "Apply a saved filter, or save this one.", LISTS, "saved_filters",
        footer=False,
    ),
    Action("list.copy", "y", "Copy id", "Copy the full id of this row.", LISTS, "copy_id", footer=False),
    Action(
        "list.export", "x", "Export", "Write these rows, the whole book, or a report of this row to a file.", LISTS,
        "export",
    ),
    Action("list.back", "escape", "Back", "Clear the filter, or go back.", LISTS, "back", footer=False),
    *_GO,
    Action(
        "market.pause", "z", "Pause simulation", "Pause or resume the simulation.", EVERYWHERE, "market_pause",
        footer=False,
    ),
    Action(
        "market.faster", "greater_than_sign", "Faster", "Speed up simulated time.", EVERYWHERE, "market_speed(1)",
        footer=False,
    ),
    Action(
        "market.slower", "less_than_sign", "Slower", "Slow down simulated time.", EVERYWHERE, "market_speed(-1)",
        footer=False,
    ),
    Action(
        "market.step", "D", "Step a day", "Advance the simulation to the next session (confirms first).", EVERYWHERE,
        "market_step", footer=False,
    ),
    Action(
        "app.undo", "u", "Undo", "Undo the last subscription, move, unsubscription or portfolio edit for 10 s.",
        EVERYWHERE, "undo", footer=False,
    ),
    Action("app.review", "9", "Review", "Go to the runs awaiting review.", EVERYWHERE, f"go('{REVIEW}')", footer=False),
    Action(
        "app.exceptions", "0", "Exceptions", "Go to the exceptions and alerts.", EVERYWHERE, f"go('{EXCEPTIONS}')",
        footer=False,
    ),
    Action(
        "app.halt", "f9", "Kill switch", "Stop every new order, or release the stop (confirms first).", EVERYWHERE,
        "halt", footer=False, priority=True,
    ),
    Action(
        "app.settings", "comma", "Settings", "Change theme, density, keys and the policy of the book.", EVERYWHERE,
        "settings", footer=False,
    ),
    Action("app.help", "question_mark", "Help", "Show the keys of this section.", EVERYWHERE, "help"),
    Action(
        "app.field_help", "f1", "Explain field", "Explain the field with the focus; in a list, show the help.",
        EVERYWHERE, "field_help", footer=False, priority=True,
    ),
    Action(
        "app.palette", "ctrl+p", "Find", "Find any action, account, portfolio or run by name.", EVERYWHERE,
        "command_palette",
    ),
    Action(
        "app.notices", "N", "Notices", "Show the notices of this session again.", EVERYWHERE, "notices", footer=False,
    ),
    Action("app.theme", "ctrl+t", "Theme", "Switch to the next theme.", EVERYWHERE, "next_theme", footer=False),
    Action(
        "app.redraw", "ctrl+l", "Redraw", "Draw the screen again.", EVERYWHERE, "redraw", footer=False, priority=True,
    ),
    Action(
        "app.suspend", "ctrl+z", "Suspend", "Stop rebal-tui until the shell continues it (fg).", EVERYWHERE,
        "suspend_process", footer=False, priority=True,
    ),
    Action("app.quit", "q", "Quit", "Quit rebal-tui.", EVERYWHERE, "quit", footer=False),
)  # fmt: skip
