"""Pictures and areas of pictures: reading them, boxes, masks, regions, arithmetic on pixels.

No model, no threshold and no file of a golden or a run is known here.
"""
