"""The broker of files books, whose positions, prices and fills come from custodians' files (R-70 to R-76)."""
