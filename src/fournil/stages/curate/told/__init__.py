"""What the record and the page say of curate."""
