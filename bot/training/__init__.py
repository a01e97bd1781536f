"""Training (培训): synthetic citizens, drills, scores and progress, apart from every ticket."""
