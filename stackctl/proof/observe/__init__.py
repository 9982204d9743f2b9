"""What a proof sees of the parts of a stack: typed answers of their own HTTP interfaces."""
