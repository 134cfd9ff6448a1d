"""Check a photo before it is printed: its size, sharpness, light and colours, and what it tells of its owner."""
