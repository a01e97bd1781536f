"""Training (培训): synthetic citizens, drills, scores and progress. The package's other rooms
never ask it for anything, and nothing in it touches a citizen's ticket."""
