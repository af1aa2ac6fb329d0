"""The Portfolios section."""
