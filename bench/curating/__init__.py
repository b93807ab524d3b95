"""What bench/curate.py needs: the peers, the verdicts, and the cases that are long enough for a file."""
