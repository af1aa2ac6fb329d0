"""What an advisor does: portfolios, subscriptions, cash, withdrawals, manual orders."""
