"""Readers: bytes of one format in, plain text out. They know nothing of packages, licences or recipes."""
