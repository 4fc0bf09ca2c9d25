"""Where the rows of a manifest are measured: in this process, or on a Ray cluster."""
