"""Is a file what its name says, and harmless to unpack? Looked at before anything is analysed or a price is asked."""
