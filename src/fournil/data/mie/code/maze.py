"""Find the shortest way out of a maze drawn with characters."""

from collections import deque

Cell = tuple[int, int]


def shortest_path(maze: list[str], start: Cell, goal: Cell) -> list[Cell]:
    """Return the cells from start to goal, or an empty list when walls (#) block every way."""
    came_from: dict[Cell, Cell | None] = {start: None}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        if here == goal:
            break
        row, column = here
        for there in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            inside = 0 <= there[0] < len(maze) and 0 <= there[1] < len(maze[there[0]])
            if inside and there not in came_from and maze[there[0]][there[1]] != "#":
                came_from[there] = here
                waiting.append(there)

    # Walk back along the crumbs, then turn the trail round.
    path, step = [], goal if goal in came_from else None
    while step is not None:
        path.append(step)
        step = came_from[step]
    return path[::-1]
