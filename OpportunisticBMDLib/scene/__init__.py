"""Between the chain and the scene of 3D Slicer: volumes, segmentations, boxes and tables as MRML nodes.

The one sub-package that imports vtk and MRML classes. Scene and nodes come in as arguments; nothing here needs the
application, so that it runs the same on the slicer-core package. Numbers are in RAS mm of the world: a node's own
linear transforms are applied on the way in and undone on the way out.
"""
