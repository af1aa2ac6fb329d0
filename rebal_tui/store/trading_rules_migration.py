"""The migration to restrictions, settings of where a rebalance stops, and overrides (R-60 to R-67)."""

from __future__ import annotations

TRADING_RULES = """
CREATE TABLE trade_restrictions (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  scope TEXT NOT NULL CHECK (scope IN ('book', 'portfolio', 'account')), account INTEGER REFERENCES accounts,
  portfolio INTEGER REFERENCES portfolios, asset INTEGER REFERENCES assets,
  kind TEXT NOT NULL CHECK (
    kind IN ('no_buy', 'no_sell', 'lock', 'range', 'unmanaged', 'hold', 'buy_only', 'sell_only')
  ),
  minimum INTEGER CHECK (minimum >= 0), maximum INTEGER CHECK (maximum >= 0),
  unit TEXT CHECK (unit IN ('percent', 'dollars', 'shares')), reason TEXT NOT NULL CHECK (reason <> ''),
  until TEXT, made_by TEXT NOT NULL, made_at INTEGER NOT NULL, lifted_at INTEGER, lifted_by TEXT,
  CHECK ((scope = 'account') = (account IS NOT NULL)), CHECK ((scope = 'portfolio') = (portfolio IS NOT NULL)),
  CHECK ((kind IN ('hold', 'buy_only', 'sell_only')) = (asset IS NULL)), CHECK ((kind = 'range') = (unit IS NOT NULL))
) STRICT;
CREATE INDEX restrictions_in_force ON trade_restrictions (key) WHERE lifted_at IS NULL;
CREATE TABLE account_settings (
  account INTEGER PRIMARY KEY REFERENCES accounts, whole_shares INTEGER NOT NULL CHECK (whole_shares IN (0, 1)),
  minimum_trade_amount INTEGER, minimum_trade_percent INTEGER
) STRICT;
CREATE TABLE subscription_overrides (
  subscription INTEGER PRIMARY KEY REFERENCES subscriptions, overrides TEXT NOT NULL
) STRICT;
ALTER TABLE portfolios ADD COLUMN rebalance_to TEXT NOT NULL DEFAULT 'target'
CHECK (rebalance_to IN ('target', 'middle', 'edge'));
ALTER TABLE portfolios ADD COLUMN rebalance_scope TEXT NOT NULL DEFAULT 'whole'
CHECK (rebalance_scope IN ('whole', 'breached'));
ALTER TABLE portfolios ADD COLUMN minimum_trade_amount INTEGER;
ALTER TABLE portfolios ADD COLUMN minimum_trade_percent INTEGER;
ALTER TABLE portfolios ADD COLUMN stagger_sessions INTEGER NOT NULL DEFAULT 1 CHECK (stagger_sessions > 0);
ALTER TABLE decisions ADD COLUMN rules TEXT;
ALTER TABLE runs ADD COLUMN plan_rules TEXT
"""
