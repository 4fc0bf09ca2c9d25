"""What is kept so that it is not computed twice, and on what it is computed: device and threads.

Nothing here knows a model or a metric.
"""
