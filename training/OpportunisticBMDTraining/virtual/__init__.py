"""Virtual patients: CT volumes of a thoracolumbar spine in a whole trunk, whose true bone density is known."""
