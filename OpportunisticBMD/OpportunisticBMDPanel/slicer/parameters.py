"""What the panel keeps in the scene."""

import slicer
from slicer.parameterNodeWrapper import parameterNodeWrapper

# No `from __future__ import annotations`: Slicer reads the types from the class.


@parameterNodeWrapper
class Parameters:
    """inputVolume: the CT whose result is shown."""

    inputVolume: slicer.vtkMRMLScalarVolumeNode
