"""Pictures and areas of pictures: reading, normalising, boxes, masks, regions, and arithmetic on pixels.

No model, no threshold and no file of a golden or a run is known here.
"""
