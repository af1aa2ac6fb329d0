"""The API's JSON shapes and queries."""
