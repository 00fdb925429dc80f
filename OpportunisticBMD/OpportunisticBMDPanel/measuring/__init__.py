"""The section that measures: the run and its progress, the result, the plot, what is exported."""
