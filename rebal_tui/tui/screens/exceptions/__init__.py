"""The Exceptions section: states that need a person, and open alerts."""
