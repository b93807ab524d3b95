"""Where work is done: in this process, in several of this machine, or on a cluster.

What is run are functions of modules that read files and write files: their arguments are small (paths, numbers,
settings), what they return is small (a number, nothing), and to run one twice does no harm, for whatever has its final
name is whole. So the place changes no byte of the result, and a worker that dies costs only what it was doing.
"""

from fournil.parts.workers.opening import KINDS, open_workers
from fournil.parts.workers.pools import ProcessWorkers, ThreadWorkers
from fournil.parts.workers.workers import Workers

__all__ = ["KINDS", "ProcessWorkers", "ThreadWorkers", "Workers", "open_workers"]
