"""What every program needs, whatever it is about: atomic files, child processes, progress."""
