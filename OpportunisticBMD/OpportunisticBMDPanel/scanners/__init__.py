"""The scanners in the settings section: measured on a phantom, taken from a file, handed on in one."""
