"""How a volume's number follows what is done to it: all sessions, the edits in the scene, and the worker's jobs."""
