"""The Desk section."""
