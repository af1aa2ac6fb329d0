"""The Accounts section."""
