"""What the rooms above share: types that carry their geometry, free of torch and of file formats."""
