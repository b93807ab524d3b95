"""What can be said about text without understanding it.

Pure functions over batches: Arrow strings in, numpy arrays out, no loop per word. Whoever looks at words says in which
language. Shapes: C code points of a whole batch, D documents, W words, L lines; `bounds` arrays have one entry more
than what they bound, so that item i lies at bounds[i]:bounds[i + 1].
"""
