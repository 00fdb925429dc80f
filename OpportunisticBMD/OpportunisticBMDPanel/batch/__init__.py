"""The section for several CTs in one go, which are measured in a process of their own."""
