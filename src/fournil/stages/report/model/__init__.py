"""The model that a page carries: packed by Python, run by the browser."""
