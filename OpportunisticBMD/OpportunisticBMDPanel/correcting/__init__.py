"""The section that corrects masks, names and the box."""
