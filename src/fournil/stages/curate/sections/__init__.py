"""The sections of `[curate]`, one file each."""
