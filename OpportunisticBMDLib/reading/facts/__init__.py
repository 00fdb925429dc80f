"""What a header tells of an acquisition: kind of image, contrast agent, kernel, scanner. Never who the patient is."""
