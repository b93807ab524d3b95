"""lm-evaluation-harness as a library: its task definitions, our engine and data readers, and a mended edition.

Nothing of lm_eval (the extra `bench`) is imported before a task is loaded. `names` says which tasks there are, `run`
scores one, `data` finds its items, and `fixed` holds the edition without FrenchBench's known defects.
"""
