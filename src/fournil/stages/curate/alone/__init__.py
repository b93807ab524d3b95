"""Steps that look at one row alone: its text is changed, marked or refused."""
