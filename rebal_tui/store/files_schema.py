"""Tables of a files book, whose positions come from custodians' files; `broker/files/` reads and writes them.

Money, quantities and prices are in billionths, times in microseconds since 1970 UTC.
"""

from __future__ import annotations

FILES = """
CREATE TABLE files_accounts (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, custodian TEXT NOT NULL, key TEXT NOT NULL, number TEXT NOT NULL,
  name TEXT NOT NULL, masked INTEGER NOT NULL CHECK (masked IN (0, 1)), full_number TEXT,
  cash INTEGER NOT NULL, created_at INTEGER NOT NULL, missing_since INTEGER, UNIQUE (custodian, key)
) STRICT;
CREATE TABLE files_assets (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, symbol TEXT NOT NULL UNIQUE, name TEXT NOT NULL
) STRICT;
CREATE TABLE files_positions (
  account INTEGER NOT NULL REFERENCES files_accounts, asset INTEGER NOT NULL REFERENCES files_assets,
  qty INTEGER NOT NULL CHECK (qty > 0), PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;
CREATE TABLE files_lists (
  n INTEGER PRIMARY KEY, at INTEGER NOT NULL, copies INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE files_orders (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, client_order_id TEXT NOT NULL UNIQUE,
  account INTEGER NOT NULL REFERENCES files_accounts, asset INTEGER NOT NULL REFERENCES files_assets,
  side TEXT NOT NULL CHECK (side IN ('buy', 'sell')), notional INTEGER CHECK (notional > 0),
  qty INTEGER CHECK (qty > 0), status TEXT NOT NULL, filled_qty INTEGER NOT NULL DEFAULT 0 CHECK (filled_qty >= 0),
  filled_avg_price INTEGER, reason TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  list INTEGER REFERENCES files_lists, line INTEGER, CHECK ((notional IS NULL) <> (qty IS NULL)),
  CHECK ((list IS NULL) = (line IS NULL)), UNIQUE (list, line)
) STRICT;
CREATE INDEX files_open_orders ON files_orders (account)
WHERE status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'replaced');
CREATE TABLE files_fills (
  n INTEGER PRIMARY KEY, execution_id TEXT NOT NULL UNIQUE, order_n INTEGER NOT NULL REFERENCES files_orders,
  qty INTEGER NOT NULL CHECK (qty > 0), price INTEGER NOT NULL CHECK (price > 0),
  amount INTEGER NOT NULL CHECK (amount >= 0), fees INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL
) STRICT;
CREATE INDEX files_fills_of_order ON files_fills (order_n);
CREATE TABLE files_cash (
  n INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES files_accounts, kind TEXT NOT NULL,
  amount INTEGER NOT NULL, at INTEGER NOT NULL, reference TEXT NOT NULL
) STRICT;
CREATE TABLE files_events (
  seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, account INTEGER REFERENCES files_accounts,
  asset INTEGER REFERENCES files_assets, order_n INTEGER REFERENCES files_orders, fill INTEGER REFERENCES files_fills,
  entry INTEGER REFERENCES files_cash, status TEXT, filled_qty INTEGER, filled_avg_price INTEGER
) STRICT;
CREATE TABLE files_imports (
  n INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('positions', 'prices', 'fills')),
  format TEXT NOT NULL, as_of INTEGER NOT NULL, digest TEXT NOT NULL, accounts INTEGER NOT NULL,
  before TEXT NOT NULL, last_event INTEGER NOT NULL, undone_at INTEGER
) STRICT
"""
