"""What happened to the background of an edit: arrays go in, findings come out.

Nothing here knows pipes, thresholds or where a picture came from.
"""
