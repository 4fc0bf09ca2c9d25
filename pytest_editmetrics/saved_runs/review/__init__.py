"""A run that is looked at in a browser: cases accepted, refused or put off, goldens written.

How the page shows a case is the ``report``'s, what becomes a golden is ``approve``'s.
"""
