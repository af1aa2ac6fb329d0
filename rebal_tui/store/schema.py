"""The schema of a book, as migrations that are never edited once released.

STRICT tables; money, quantities and prices in billionths, percentages in hundredths of a percent, times in microseconds
since 1970 UTC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rebal_tui.domain.errors import require
from rebal_tui.store.archive_schema import ARCHIVES
from rebal_tui.store.files_schema import FILES
from rebal_tui.store.hold_causes_migration import HOLD_CAUSES
from rebal_tui.store.key_times_migration import KEY_TIMES
from rebal_tui.store.portfolio_versions_schema import PORTFOLIO_VERSIONS
from rebal_tui.store.reservations_migration import RESERVATIONS
from rebal_tui.store.run_overrides_schema import RUN_OVERRIDES
from rebal_tui.store.terminal_runs_schema import TERMINAL_RUNS
from rebal_tui.store.trading_rules_migration import TRADING_RULES

FIRST = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  day TEXT PRIMARY KEY, open INTEGER NOT NULL, close INTEGER NOT NULL CHECK (close > open),
  settles_on TEXT NOT NULL, next_day TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE assets (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, symbol TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  exchange TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
  tradable INTEGER NOT NULL CHECK (tradable IN (0, 1)), fractionable INTEGER NOT NULL CHECK (fractionable IN (0, 1)),
  price INTEGER CHECK (price > 0), price_at INTEGER
) STRICT;

CREATE TABLE accounts (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, number TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL,
  cash INTEGER NOT NULL, unsettled INTEGER NOT NULL CHECK (unsettled >= 0), set_aside INTEGER NOT NULL DEFAULT 0
  CHECK (set_aside >= 0), restrictions TEXT NOT NULL DEFAULT '', outside_orders INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE positions (
  account INTEGER NOT NULL REFERENCES accounts, asset INTEGER NOT NULL REFERENCES assets,
  qty INTEGER NOT NULL CHECK (qty > 0), avg_entry_price INTEGER, PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;

CREATE TABLE portfolios (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'needs_adjustment')),
  cash_weight INTEGER NOT NULL CHECK (cash_weight BETWEEN 0 AND 10000),
  cooldown_days INTEGER NOT NULL CHECK (cooldown_days >= 0),
  review INTEGER NOT NULL DEFAULT 0 CHECK (review IN (0, 1)),
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE portfolio_weights (
  portfolio INTEGER NOT NULL REFERENCES portfolios, line INTEGER NOT NULL, asset INTEGER NOT NULL REFERENCES assets,
  percent INTEGER NOT NULL CHECK (percent BETWEEN 1 AND 10000),
  PRIMARY KEY (portfolio, line), UNIQUE (portfolio, asset)
) STRICT, WITHOUT ROWID;

CREATE TABLE portfolio_conditions (
  portfolio INTEGER NOT NULL REFERENCES portfolios, line INTEGER NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('drift_band', 'calendar')), sub_type TEXT NOT NULL,
  percent INTEGER CHECK (percent > 0), day TEXT, PRIMARY KEY (portfolio, line),
  CHECK ((type = 'drift_band') = (percent IS NOT NULL)), CHECK ((type = 'calendar') = (day IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE subscriptions (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account INTEGER NOT NULL REFERENCES accounts,
  portfolio INTEGER NOT NULL REFERENCES portfolios, created_at INTEGER NOT NULL, last_rebalanced_at INTEGER,
  ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX one_subscription ON subscriptions (account) WHERE ended_at IS NULL;
CREATE INDEX subscriptions_of ON subscriptions (portfolio) WHERE ended_at IS NULL;

CREATE TABLE parts (key INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, content BLOB NOT NULL) STRICT;

CREATE TABLE contexts (
  key INTEGER PRIMARY KEY, at INTEGER NOT NULL, moment INTEGER NOT NULL REFERENCES parts,
  assets INTEGER NOT NULL REFERENCES parts, prices INTEGER NOT NULL REFERENCES parts,
  portfolios INTEGER NOT NULL REFERENCES parts, UNIQUE (at, moment, assets, prices, portfolios)
) STRICT;

CREATE TABLE runs (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account INTEGER NOT NULL REFERENCES accounts,
  portfolio INTEGER REFERENCES portfolios, subscription INTEGER REFERENCES subscriptions,
  type TEXT NOT NULL CHECK (type IN ('full_rebalance', 'invest_cash', 'partial_liquidation')),
  amount INTEGER CHECK (amount > 0), initiated_from TEXT NOT NULL CHECK (initiated_from IN ('system', 'api')),
  status TEXT NOT NULL CHECK (status IN ('QUEUED', 'IN_PROGRESS', 'CANCELED', 'CANCELED_MID_RUN', 'ERROR', 'TIMEOUT',
                                         'COMPLETED_SUCCESS', 'COMPLETED_ADJUSTED')),
  phase TEXT NOT NULL CHECK (phase IN ('waiting', 'selling', 'buying', 'done')),
  approval TEXT NOT NULL CHECK (approval IN ('not_needed', 'awaiting', 'approved', 'rejected')),
  reason TEXT, why TEXT, weights INTEGER NOT NULL REFERENCES parts, cash_weight INTEGER NOT NULL, session TEXT NOT NULL,
  counts_quota INTEGER NOT NULL CHECK (counts_quota IN (0, 1)), cash_target INTEGER,
  cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, started_at INTEGER, completed_at INTEGER,
  canceled_at INTEGER, plan_context INTEGER REFERENCES contexts, plan_cash INTEGER, plan_reserved INTEGER,
  plan_keep INTEGER, plan_positions BLOB, CHECK ((type = 'partial_liquidation') = (amount IS NOT NULL)),
  CHECK ((plan_context IS NULL) = (plan_positions IS NULL))
) STRICT;
CREATE UNIQUE INDEX one_open_run ON runs (account) WHERE status IN ('QUEUED', 'IN_PROGRESS');
CREATE UNIQUE INDEX one_system_run ON runs (account, session) WHERE counts_quota = 1;
CREATE INDEX runs_of_account ON runs (account, key);

CREATE TABLE run_events (
  run INTEGER NOT NULL REFERENCES runs, seq INTEGER NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL,
  detail TEXT NOT NULL, PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
  run INTEGER NOT NULL REFERENCES runs, line INTEGER NOT NULL, asset INTEGER NOT NULL REFERENCES assets,
  side TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
  notional INTEGER CHECK (notional > 0), qty INTEGER CHECK (qty > 0),
  status TEXT NOT NULL, broker_id TEXT, filled_qty INTEGER NOT NULL DEFAULT 0 CHECK (filled_qty >= 0),
  filled_avg_price INTEGER, reject_reason TEXT, sent INTEGER NOT NULL DEFAULT 0,
  looked_up_at INTEGER,
  created_at INTEGER NOT NULL, submitted_at INTEGER, updated_at INTEGER NOT NULL, filled_at INTEGER,
  expired_at INTEGER, canceled_at INTEGER, failed_at INTEGER, PRIMARY KEY (run, line),
  CHECK ((notional IS NULL) <> (qty IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE fills (
  execution_id TEXT PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, asset INTEGER NOT NULL REFERENCES assets,
  side TEXT NOT NULL CHECK (side IN ('buy', 'sell')), qty INTEGER NOT NULL CHECK (qty > 0),
  price INTEGER NOT NULL CHECK (price > 0), amount INTEGER NOT NULL CHECK (amount >= 0), at INTEGER NOT NULL,
  settles_on TEXT NOT NULL, client_order_id TEXT NOT NULL, broker_order_id TEXT NOT NULL,
  run INTEGER REFERENCES runs, line INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX fills_of_run ON fills (run, line) WHERE run IS NOT NULL;
CREATE INDEX fills_of_account ON fills (account, at);

CREATE TABLE skipped_orders (
  run INTEGER NOT NULL REFERENCES runs, line INTEGER NOT NULL, symbol TEXT NOT NULL, side TEXT, notional INTEGER,
  reason TEXT NOT NULL, details TEXT NOT NULL, PRIMARY KEY (run, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE decision_kinds (
  key INTEGER PRIMARY KEY, signature TEXT NOT NULL UNIQUE, outcome TEXT NOT NULL, deciding TEXT NOT NULL
) STRICT;

CREATE TABLE decisions (
  session TEXT NOT NULL, account INTEGER NOT NULL REFERENCES accounts,
  portfolio INTEGER NOT NULL REFERENCES portfolios, kind INTEGER NOT NULL REFERENCES decision_kinds,
  run INTEGER NOT NULL, context INTEGER NOT NULL REFERENCES contexts,
  subscription INTEGER NOT NULL REFERENCES subscriptions, times INTEGER NOT NULL,
  status TEXT NOT NULL, restrictions TEXT NOT NULL, cash INTEGER NOT NULL, reserved INTEGER NOT NULL,
  cash_floor INTEGER NOT NULL, last_rebalanced_at INTEGER, outside_orders INTEGER NOT NULL,
  open_run INTEGER REFERENCES runs, quota_run INTEGER REFERENCES runs, positions BLOB NOT NULL,
  PRIMARY KEY (session, account, portfolio, kind, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE drift_history (
  bucket INTEGER NOT NULL, at INTEGER NOT NULL, used BLOB NOT NULL, PRIMARY KEY (bucket, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE cash_entries (
  seq INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, at INTEGER NOT NULL, kind TEXT NOT NULL,
  amount INTEGER NOT NULL, settles_on TEXT NOT NULL, reference TEXT NOT NULL
) STRICT;
CREATE INDEX cash_of_account ON cash_entries (account, seq);

CREATE TABLE journals (
  id TEXT PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, from_account TEXT NOT NULL,
  to_account TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0), status TEXT NOT NULL,
  description TEXT NOT NULL, reason TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE withdrawals (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account INTEGER NOT NULL REFERENCES accounts,
  portfolio INTEGER REFERENCES portfolios, amount INTEGER NOT NULL CHECK (amount > 0), stage TEXT NOT NULL,
  stopped TEXT, last_rebalanced_at INTEGER, rounds INTEGER NOT NULL DEFAULT 0, run TEXT, journal TEXT,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_withdrawal ON withdrawals (account) WHERE stage NOT IN ('completed', 'canceled');

CREATE TABLE evaluations (session TEXT NOT NULL, slot INTEGER NOT NULL, at INTEGER NOT NULL, detail TEXT NOT NULL,
  PRIMARY KEY (session, slot)) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  name TEXT PRIMARY KEY, paused INTEGER NOT NULL DEFAULT 0, last_at INTEGER, last_key TEXT NOT NULL DEFAULT '',
  last_result TEXT NOT NULL DEFAULT '', duration_ms INTEGER, missed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE alerts (
  key INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL,
  acknowledged_at INTEGER
) STRICT;
CREATE UNIQUE INDEX one_open_alert ON alerts (kind, subject) WHERE acknowledged_at IS NULL;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
  detail TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
"""

API_KEYS = """
CREATE TABLE api_keys (
  key_id TEXT PRIMARY KEY, name TEXT NOT NULL, salt TEXT NOT NULL CHECK (length(salt) >= 32),
  digest TEXT NOT NULL CHECK (length(digest) = 64), created_at INTEGER NOT NULL, revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_key_a_name ON api_keys (name) WHERE revoked_at IS NULL
"""

INBOX = """
CREATE TABLE inbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, event_id TEXT NOT NULL, at INTEGER NOT NULL,
  body TEXT NOT NULL, UNIQUE (stream, event_id)
) STRICT;
CREATE INDEX inbox_at ON inbox (stream, at)
"""

HOLDS = """
CREATE TABLE reconciliation_holds (
  account INTEGER PRIMARY KEY REFERENCES accounts, at INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT
"""

PAUSE_BASELINES = "ALTER TABLE reconciliation_holds ADD COLUMN ground TEXT"

GUARDS = """
CREATE TABLE asset_holds (
  key INTEGER PRIMARY KEY, asset INTEGER NOT NULL REFERENCES assets, at INTEGER NOT NULL, from_price INTEGER NOT NULL,
  to_price INTEGER NOT NULL, ratio TEXT NOT NULL, looks_like TEXT NOT NULL, released_at INTEGER, released_by TEXT
) STRICT;
CREATE UNIQUE INDEX one_asset_hold ON asset_holds (asset) WHERE released_at IS NULL
"""


def _alternatives(script: str, table: str, columns: Sequence[str]) -> str:
    """SQL that replaces `column IN (...)` in a table's checks, as `script` created them, by alternatives with OR.

    SQLite rebuilds the list of an IN for every row that it checks, which takes half the time of writing a run. The
    schema's text is edited as SQLite's documentation describes for changing a check; the rows are not rewritten.
    """
    sql = "sql"
    for column in columns:
        found = re.search(rf"{column} IN \(([^)]*)\)", script[script.index(f"CREATE TABLE {table} ") :])
        require(found is not None, f"{table}.{column} has no list")
        if found:
            either = " OR ".join(f"{column} = {value.strip()}" for value in found[1].split(","))
            sql = f"replace({sql}, {_quoted(found[0])}, {_quoted(either)})"
    return (
        f"PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = {sql} "
        f"WHERE type = 'table' AND name = '{table}'; PRAGMA writable_schema = RESET"
    )


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


# An index includes the key implicitly. Recreating it makes other connections reload the edited schema.
RUNS = f"""
{_alternatives(FIRST, "runs", ("type", "status", "phase", "approval"))};
DROP INDEX runs_of_account;
CREATE INDEX runs_of_account ON runs (account)
"""

# SQLite cannot change a check of a table; the rows move to a new one.
UPDATE_CONDITION = """
CREATE TABLE new_conditions (
  portfolio INTEGER NOT NULL REFERENCES portfolios, line INTEGER NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('drift_band', 'calendar', 'on_portfolio_update')), sub_type TEXT,
  percent INTEGER CHECK (percent > 0), day TEXT, PRIMARY KEY (portfolio, line),
  CHECK ((type = 'drift_band') = (percent IS NOT NULL)), CHECK ((type = 'calendar') = (day IS NOT NULL)),
  CHECK ((type = 'on_portfolio_update') = (sub_type IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO new_conditions SELECT portfolio, line, type, sub_type, percent, day FROM portfolio_conditions;
DROP TABLE portfolio_conditions;
ALTER TABLE new_conditions RENAME TO portfolio_conditions;
CREATE UNIQUE INDEX one_update_condition ON portfolio_conditions (portfolio) WHERE type = 'on_portfolio_update';
ALTER TABLE portfolios ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
UPDATE portfolios SET changed_at = updated_at;
ALTER TABLE subscriptions ADD COLUMN update_spent_at INTEGER;
ALTER TABLE subscriptions ADD COLUMN propose_on TEXT;
ALTER TABLE decisions ADD COLUMN update_spent_at INTEGER;
ALTER TABLE decisions ADD COLUMN propose_on TEXT
"""

UNFINISHED = """
CREATE TABLE unfinished (
  subscription INTEGER PRIMARY KEY REFERENCES subscriptions, traded_at INTEGER, since TEXT NOT NULL,
  tried_on TEXT NOT NULL, given_up_at INTEGER
) STRICT;
CREATE TABLE unfinished_sells (
  subscription INTEGER NOT NULL REFERENCES subscriptions, asset INTEGER NOT NULL REFERENCES assets,
  PRIMARY KEY (subscription, asset)
) STRICT, WITHOUT ROWID;
CREATE TABLE uncorrectable (
  account INTEGER PRIMARY KEY REFERENCES accounts, since INTEGER NOT NULL, check_name TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
ALTER TABLE decisions ADD COLUMN undone TEXT
"""

# A label is unique, and only an inactive asset has one with an id (`domain/asset_labels.py`): so a symbol has at most
# one active asset.
ASSET_IDENTITY = """
CREATE TABLE asset_renames (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, asset INTEGER NOT NULL REFERENCES assets, before TEXT NOT NULL,
  after TEXT NOT NULL, next_run INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_active_asset ON assets (substr(symbol, 1, instr(symbol || '#', '#') - 1))
WHERE status = 'active'
"""

CORPORATE_ACTIONS = """
CREATE TABLE corporate_actions (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, session TEXT NOT NULL,
  asset INTEGER NOT NULL REFERENCES assets, kind TEXT NOT NULL, symbol TEXT NOT NULL, ratio TEXT, amount INTEGER,
  new_symbol TEXT, price INTEGER, price_factor TEXT NOT NULL, accounts INTEGER NOT NULL,
  unexplained INTEGER NOT NULL, canceled_orders INTEGER NOT NULL, paid INTEGER NOT NULL
) STRICT;
CREATE INDEX actions_of_day ON corporate_actions (session, asset);
CREATE TABLE corporate_action_accounts (
  action TEXT NOT NULL, account INTEGER NOT NULL REFERENCES accounts, held INTEGER NOT NULL, qty INTEGER NOT NULL,
  received INTEGER NOT NULL, paid INTEGER NOT NULL, fault TEXT NOT NULL, PRIMARY KEY (action, account)
) STRICT, WITHOUT ROWID
"""

# A withdrawal that an earlier version was journaling may have its journal at the broker already.
JOURNAL_REQUESTS = """
CREATE TABLE journal_requests (
  key TEXT PRIMARY KEY, from_account TEXT NOT NULL, to_account TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  description TEXT NOT NULL, at INTEGER NOT NULL, missed_at INTEGER, journal TEXT, refusal TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO journal_requests (key, from_account, to_account, amount, description, at)
SELECT 'wd-' || w.id || CASE WHEN w.journal IS NULL THEN '' ELSE '-' || substr(w.journal, 1, 8) END, accounts.id,
  '00000000-0000-4000-8000-00000000f1f1', w.amount, 'withdrawal', w.updated_at
FROM withdrawals w JOIN accounts ON accounts.key = w.account WHERE w.stage = 'journaling'
"""

# An account or asset in quarantine may be unknown to the book, so both are referred to by the broker's id.
QUARANTINE = """
CREATE TABLE quarantine (
  key INTEGER PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('account', 'asset', 'event', 'processing')),
  subject TEXT NOT NULL, account TEXT, reason TEXT NOT NULL, since INTEGER NOT NULL, tried_at INTEGER NOT NULL,
  tries INTEGER NOT NULL CHECK (tries > 0), next_at INTEGER NOT NULL, UNIQUE (kind, subject)
) STRICT
"""

# Assets are called by the broker's ids, because an account may hold one that the book does not know.
EXPLAINED = """
CREATE TABLE explained_figures (
  account INTEGER PRIMARY KEY REFERENCES accounts, cash INTEGER NOT NULL, held TEXT NOT NULL, since INTEGER NOT NULL
) STRICT;
CREATE TABLE booked_changes (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account INTEGER NOT NULL REFERENCES accounts, at INTEGER NOT NULL,
  cash INTEGER NOT NULL, shares TEXT NOT NULL, agreed INTEGER NOT NULL DEFAULT 0 CHECK (agreed IN (0, 1))
) STRICT;
CREATE INDEX changes_to_agree ON booked_changes (account) WHERE agreed = 0;
CREATE TABLE market_actions (
  id TEXT PRIMARY KEY, asset TEXT NOT NULL, day TEXT NOT NULL, kind TEXT, symbol TEXT NOT NULL, ratio TEXT,
  amount INTEGER, new_symbol TEXT, price INTEGER, withdrawn INTEGER NOT NULL DEFAULT 0, effective_at INTEGER,
  last_at INTEGER, confirmed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX market_actions_due ON market_actions (day) WHERE confirmed_at IS NULL;
ALTER TABLE reconciliation_holds ADD COLUMN waiting_until INTEGER
"""

# The status that a decision gave its account, NULL for decisions of earlier versions.
TRADE_STATUS = """
ALTER TABLE decisions ADD COLUMN trade_status TEXT;
ALTER TABLE decisions ADD COLUMN first_trade_at INTEGER
"""

# Keys that exist already could do everything but manage keys.
KEY_SCOPES = """
ALTER TABLE api_keys ADD COLUMN scope TEXT NOT NULL DEFAULT 'trade' CHECK (scope IN ('read', 'trade', 'admin'));
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
ALTER TABLE api_keys ADD COLUMN used_at INTEGER
"""

# A subscription without a row is discretionary.
TRADE_MARKERS = """
CREATE TABLE trade_markers (
  subscription TEXT PRIMARY KEY, marker TEXT NOT NULL CHECK (marker = 'unsolicited')
) STRICT, WITHOUT ROWID
"""

MIGRATIONS: tuple[tuple[str, str], ...] = (
    ("0001_first", FIRST), ("0002_api_keys", API_KEYS), ("0003_inbox", INBOX), ("0004_reconciliation", HOLDS),
    ("0005_runs", RUNS), ("0006_grounds", PAUSE_BASELINES), ("0007_reservations", RESERVATIONS),
    ("0008_update_condition", UPDATE_CONDITION), ("0009_unfinished", UNFINISHED),
    ("0010_asset_identity", ASSET_IDENTITY), ("0011_guards", GUARDS), ("0012_corporate_actions", CORPORATE_ACTIONS),
    ("0013_journal_requests", JOURNAL_REQUESTS), ("0014_quarantine", QUARANTINE), ("0015_explained", EXPLAINED),
    ("0016_trading_rules", TRADING_RULES), ("0017_files", FILES), ("0019_key_scopes", KEY_SCOPES),
    ("0019_trade_markers", TRADE_MARKERS), ("0020_trade_status", TRADE_STATUS), ("0021_hold_causes", HOLD_CAUSES),
    ("0023_terminal_runs", TERMINAL_RUNS), ("0024_portfolio_versions", PORTFOLIO_VERSIONS),
    ("0025_run_overrides", RUN_OVERRIDES), ("0026_archives", ARCHIVES), ("0027_key_times", KEY_TIMES),
)  # fmt: skip
