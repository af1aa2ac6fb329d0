"""The book's SQLite file: schema, codec, queries, audit trail, backup and restore."""
