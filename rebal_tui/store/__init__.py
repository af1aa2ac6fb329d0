"""One SQLite file: schema, codec, reads for screens, the audit chain, backup."""
