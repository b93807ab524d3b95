"""Training: mixture, batches, optimizer, loop, checkpoint."""
