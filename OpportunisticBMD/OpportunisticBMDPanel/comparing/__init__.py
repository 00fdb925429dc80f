"""The section that holds a result against others: people of the same age, and earlier scans of the patient."""
