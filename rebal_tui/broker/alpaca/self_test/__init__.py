"""The self-test: checks a paper account at the broker from API keys to a trade; a person with keys runs it."""
