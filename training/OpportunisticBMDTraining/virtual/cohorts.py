"""The cohorts of virtual patients, by name."""

PREFIXES = {"one-scanner": "virtual", "many-scanners": "virtual-many"}  # cohort -> how the names of its cases begin
