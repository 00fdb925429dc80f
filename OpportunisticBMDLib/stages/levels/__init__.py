"""Which vertebrae these are: bodies along the spine, the ribs that join them, and the likeliest names."""
