"""Many CTs: measured by several processes, on one computer or many, and never twice."""
