"""What is kept so that it is not done twice, and what computing takes: device, threads, time.

Nothing here knows a model or a metric.
"""
