"""What is kept so that it is not computed again, and on what it is computed: features, their folder, device, threads.

Nothing here knows a model or a metric.
"""
