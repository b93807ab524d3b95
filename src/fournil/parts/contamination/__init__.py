"""Evaluation items that stand in documents: read, indexed, found."""
