"""The chain on real CTs: against labels, levels, a second scan of one patient, and bone mineral that was added."""
