"""Iterative and learnt reconstructions by the names of their makers, and nothing else that a text holds."""

from __future__ import annotations

import pytest

from OpportunisticBMDLib.reading.facts.reconstruction import reconstruction_of


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ({"ConvolutionKernel": "I31f\\3"}, "SAFIRE"),
        ({"ConvolutionKernel": "J30s\\2"}, "IRIS"),
        ({"SeriesDescription": "Abdomen Mustermann iDose (4)"}, "iDose"),
        ({"SeriesDescription": "AX STD ASIR-V 50%"}, "ASiR-V"),
        ({"SeriesDescription": "AX STD ASiR 30%"}, "ASiR"),
        ({"SeriesDescription": "TRUE FIDELITY H"}, "True Fidelity"),
        ({"SeriesDescription": "TrueFidelity M"}, "True Fidelity"),
        ({"ConvolutionKernel": "FC08_AIDR3D STD"}, "AIDR 3D"),
        ({"ConvolutionKernel": "BODY AICE"}, "AiCE"),
        ({"ConvolutionKernel": "FIRST BODY"}, "FIRST"),
        ({"ProtocolName": "Thorax ADMIRE 3"}, "ADMIRE"),
        ({"ConvolutionKernel": "B30f", "SeriesDescription": "FIRST LOOK"}, None),
        ({"SeriesDescription": "Iris Mustermann Liver"}, None),
        ({"ConvolutionKernel": "STANDARD", "SeriesDescription": "SPIRIT LEVEO"}, None),
        ({}, None),
    ],
)
def test_names(header, name):
    assert reconstruction_of(header) == name
