"""What happened to the part of an image that an edit should have left alone."""
