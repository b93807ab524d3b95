"""Loops over bytes and hashes, compiled once by numba and kept: flat arrays in, flat arrays out, the GIL released."""
